// Kept answers in a Redis. It is a convenience: gone, slow, full or talking nonsense, the task goes on as without it.
import type { AnswerCache, CachedAnswer } from "../core/answer-cache.ts";
import { type Message, msg } from "../core/message.ts";
import { readAnswer, writeAnswer } from "./answer-json.ts";

export interface RedisCacheOptions {
  readonly url: string;
  readonly nowMs: () => number;
  /** Something the person should hear; once an outage. */
  readonly notice: (text: Message) => void;
  readonly log: (text: string) => void;
}

const prefix = "switchyard:answer:v1:";
const keepSeconds = 30 * 24 * 3600;
/** Longer than this, no call waits. */
const deadlineMs = 8;
const connectMs = 1000;
/** After a call that failed, none is tried for this long; twice as long each time. */
const firstPauseMs = 1000;
const longestPauseMs = 60_000;

type Client = Awaited<ReturnType<typeof connect>>;

/** Connects on first use, and again by itself. */
export function createRedisCache(options: RedisCacheOptions): AnswerCache & { dispose(): void } {
  const { nowMs, log } = options;
  let client: Promise<Client> | undefined;
  let isOut = false;
  let pauseMs = firstPauseMs;
  let pausedUntilMs = 0;
  let isDisposed = false;

  function failed(error: unknown): void {
    pausedUntilMs = nowMs() + pauseMs;
    pauseMs = Math.min(pauseMs * 2, longestPauseMs);
    const why = error instanceof Error ? error.message : String(error);
    log(`redis: ${why}`);
    if (!isOut)
      options.notice(msg("Redis does not answer ({0}). Answers are kept on this machine until it is back.", why));
    isOut = true;
  }
  /** Undefined where Redis is out, or does not answer in time. */
  async function using<T>(work: (redis: Client) => Promise<T>): Promise<T | undefined> {
    if (isDisposed || nowMs() < pausedUntilMs) return undefined;
    try {
      client ??= connect(options.url, log);
      const connected = client;
      const result = await within(deadlineMs, connected.then(work));
      if (isOut) log("redis: back");
      isOut = false;
      pauseMs = firstPauseMs;
      return result;
    } catch (error) {
      // Still connecting is no outage: the next call finds it connected.
      if (error instanceof TooLate && !(await isSettled(client))) return undefined;
      if (client && (await isRejected(client))) client = undefined;
      failed(error);
      return undefined;
    }
  }

  return {
    get: async (key) => {
      const found = await using(async (redis) => {
        const text = await redis.get(prefix + key);
        if (text === null) return undefined;
        const answer = readAnswer(text);
        if (!answer) await redis.del(prefix + key);
        return answer;
      });
      return found;
    },
    async put(key: string, answer: CachedAnswer) {
      await using((redis) =>
        redis.set(prefix + key, writeAnswer(answer), { expiration: { type: "EX", value: keepSeconds } }),
      );
    },
    async clear() {
      if (!client) return;
      const redis = await client;
      for await (const keys of redis.scanIterator({ MATCH: `${prefix}*`, COUNT: 500 })) {
        if (keys.length > 0) await redis.del(keys);
      }
    },
    dispose() {
      isDisposed = true;
      client?.then((redis) => redis.destroy()).catch(() => undefined);
      client = undefined;
    },
  };
}

async function connect(url: string, log: (text: string) => void) {
  const { createClient } = await import("@redis/client");
  const client = createClient({
    url,
    disableOfflineQueue: true,
    socket: { connectTimeout: connectMs, reconnectStrategy: (tries) => Math.min(tries * 500, 30_000) },
  });
  // Without a listener a lost connection would end the process.
  client.on("error", (error: unknown) => log(`redis: ${String(error)}`));
  await within(connectMs, client.connect()).catch((error: unknown) => {
    client.destroy();
    throw error;
  });
  return client;
}

class TooLate extends Error {
  override readonly name = "TooLate";
}

async function within<T>(ms: number, work: Promise<T>): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new TooLate(`no answer within ${ms} ms`)), ms);
  });
  work.catch(() => undefined);
  try {
    return await Promise.race([work, late]);
  } finally {
    clearTimeout(timer);
  }
}

const pending = Symbol("pending");

async function isSettled(promise: Promise<unknown> | undefined): Promise<boolean> {
  if (!promise) return true;
  const first = await Promise.race([promise.catch(() => undefined), Promise.resolve(pending)]);
  return first !== pending;
}

async function isRejected(promise: Promise<unknown>): Promise<boolean> {
  const state = await Promise.race([
    promise.then(
      () => "kept",
      () => "rejected",
    ),
    Promise.resolve(pending),
  ]);
  return state === "rejected";
}
