// Kept answers in a Redis. It is a convenience: gone, slow, full or talking nonsense, the task goes on as without it.
import type { AnswerCache } from "../core/answer-cache.ts";
import { type Message, msg } from "../core/message.ts";
import { reasonOf } from "../core/reason-of.ts";
import { readAnswer, writeAnswer } from "./answer-json.ts";
import { type RedisClient, RedisLink } from "./redis-link.ts";

export interface RedisCacheOptions {
  readonly url: string;
  /** Resolves when so many bytes may go there, and rejects where they have to stay. */
  readonly beforeKeeping?: (bytes: number) => Promise<void>;
  /** Something the person should hear; once an outage. */
  readonly notice: (text: Message) => void;
  readonly log: (text: string) => void;
}

const prefix = "switchyard:answer:v1:";
const keepSeconds = 30 * 24 * 3600;
const longestValue = 2 ** 20;
const clearMs = 2000;

/** Connects on first use, and again by itself. */
export function createRedisCache(
  options: RedisCacheOptions,
): AnswerCache & { readonly isOut: () => boolean; begin(): Promise<void>; dispose(): void } {
  let isClearWanted = false;
  const deleteAll = async (client: RedisClient) => {
    isClearWanted = true;
    for await (const keys of client.scanIterator({ MATCH: `${prefix}*`, COUNT: 500 })) {
      if (keys.length > 0) await client.del(keys);
    }
    isClearWanted = false;
  };
  const link = new RedisLink({
    ...options,
    probeKey: `${prefix}probe`,
    // What was to be deleted while it was out is not to come back with it.
    onConnected: async (client) => {
      if (isClearWanted) await deleteAll(client);
    },
  });
  return {
    isOut: () => link.isOut,
    begin: () => link.begin(),
    get: (key) =>
      link.use(async (client) => {
        const text: unknown = await readText(client, prefix + key);
        if (text === null) return undefined;
        const answer = readAnswer(text);
        if (!answer) await client.del(prefix + key);
        return answer;
      }),
    async put(key, answer) {
      const value = writeAnswer(answer);
      if (value.length > longestValue || link.isOut || !(await mayKeep(value, options))) return;
      await link.use((client) => client.set(prefix + key, value, { expiration: { type: "EX", value: keepSeconds } }));
    },
    async clear() {
      isClearWanted = true;
      await link.use(deleteAll, clearMs);
      if (isClearWanted)
        options.notice(
          msg(
            "Redis does not answer. The answers kept there are deleted when it is back, after 30 days at the latest.",
          ),
        );
    },
    dispose: () => link.dispose(),
  };
}

async function mayKeep(value: string, { beforeKeeping, log }: RedisCacheOptions): Promise<boolean> {
  try {
    await beforeKeeping?.(Buffer.byteLength(value));
    return true;
  } catch (error) {
    log(`redis: nothing is kept there, ${reasonOf(error)}`);
    return false;
  }
}

/** What another program keeps under our name as a list or a set is no answer either. */
async function readText(client: RedisClient, key: string): Promise<unknown> {
  try {
    return await client.get(key);
  } catch (error) {
    if (error instanceof Error && error.message.startsWith("WRONGTYPE")) return undefined;
    throw error;
  }
}
