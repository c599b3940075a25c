// A connection to a Redis that may be gone, frozen or not a Redis at all. Nobody who uses it waits for it: the first
// call that finds it so pays a few milliseconds, and finding it again goes on beside.
import { setTimeout as sleep } from "node:timers/promises";
import { type Message, msg } from "../core/message.ts";

export interface RedisLinkOptions {
  readonly url: string;
  /** Something the person should hear; once an outage. */
  readonly notice: (text: Message) => void;
  readonly log: (text: string) => void;
  /** Any key: reading it shows that commands are answered, not only connections accepted. */
  readonly probeKey: string;
  /** Runs on each new connection before anybody uses it. */
  readonly onConnected: (client: RedisClient) => Promise<void>;
}

export type RedisClient = Awaited<ReturnType<typeof openClient>>;

type State =
  | { readonly kind: "unused" }
  /** `isSlow`: somebody has waited for it already, nobody does again. */
  | { readonly kind: "connecting"; readonly connected: Promise<void>; readonly isSlow: boolean }
  | { readonly kind: "up"; readonly client: RedisClient; readonly deadlineMs: number }
  | { readonly kind: "closed" };

/** A timer may be a millisecond late and the turn after it another: together they stay below ten. */
const shortestDeadlineMs = 7;
const longestDeadlineMs = 250;
/** A timer that is so much too late was kept by us. */
const standstillMs = 3;
/** A Redis far away gets this many of its usual times. */
const deadlineOfTimes = 4;
/** For a connection with everything that belongs to it, which nobody waits for. */
const connectMs = 1000;
const workOnConnectedMs = 5000;
const firstPauseMs = 250;
const longestPauseMs = 30_000;

export class RedisLink {
  readonly #options: RedisLinkOptions;
  readonly #ending = new AbortController();
  readonly #refusals = new Set<string>();
  #state: State = { kind: "unused" };
  #isOutTold = false;

  constructor(options: RedisLinkOptions) {
    this.#options = options;
  }

  /** True where a call would have nothing to reach. */
  get isOut(): boolean {
    return this.#state.kind === "closed" || (this.#state.kind === "connecting" && this.#state.isSlow);
  }

  /** Begins to connect, if that has not been done. Whoever calls it early finds the connection made later. */
  async begin(): Promise<void> {
    if (this.#state.kind !== "unused") return;
    // Loading the package is our own time, not that of Redis.
    await loadPackage().catch(() => undefined);
    if (this.#is("unused")) this.#connect(0);
  }

  /**
   * Connects on first use. Undefined where Redis is out, does not answer in time or refuses. Never throws.
   * @param limitMs for work that takes longer than a call may, such as deleting everything
   */
  async use<T>(work: (client: RedisClient) => Promise<T>, limitMs?: number): Promise<T | undefined> {
    await this.begin();
    if (this.#state.kind === "connecting") await this.#waitFor(this.#state, limitMs);
    if (this.#state.kind !== "up") return undefined;
    const { client, deadlineMs } = this.#state;
    try {
      return await within(limitMs ?? deadlineMs, work(client));
    } catch (error) {
      if (await isRefusal(error)) this.#refused(error);
      else this.#lost(client, error);
      return undefined;
    }
  }

  dispose(): void {
    this.#ending.abort();
    if (this.#state.kind === "up") this.#state.client.destroy();
    this.#state = { kind: "closed" };
  }

  /** A method, for the state may have changed while its reader waited. */
  #is(kind: State["kind"]): boolean {
    return this.#state.kind === kind;
  }

  async #waitFor(state: State & { kind: "connecting" }, limitMs: number | undefined): Promise<void> {
    if (state.isSlow && limitMs === undefined) return;
    await within(limitMs ?? shortestDeadlineMs, state.connected).catch(() => {
      if (this.#state === state) this.#state = { ...state, isSlow: true };
    });
  }

  #connect(pauseMs: number): void {
    this.#state = { kind: "connecting", connected: this.#reconnect(pauseMs), isSlow: pauseMs > 0 };
  }

  /** Tries until it succeeds or is disposed. */
  async #reconnect(firstMs: number): Promise<void> {
    const { url, log, notice, onConnected, probeKey } = this.#options;
    const { signal } = this.#ending;
    for (
      let pauseMs = firstMs;
      !signal.aborted;
      pauseMs = Math.min(Math.max(pauseMs * 2, firstPauseMs), longestPauseMs)
    ) {
      // Never a reason for the process to stay.
      await sleep(pauseMs, undefined, { signal, ref: false }).catch(() => undefined);
      if (signal.aborted) return;
      try {
        const client = await openClient(url, (broken, error) => this.#lost(broken, error));
        const deadlineMs = await measureDeadline(client, probeKey, onConnected).catch((error: unknown) => {
          client.destroy();
          throw error;
        });
        if (signal.aborted) return client.destroy();
        if (this.#isOutTold) log("redis: back");
        this.#isOutTold = false;
        this.#refusals.clear();
        this.#state = { kind: "up", client, deadlineMs };
        return;
      } catch (error) {
        const why = reasonOf(error);
        log(`redis: ${why}`);
        if (!this.#isOutTold)
          notice(msg("Redis does not answer ({0}). Answers are kept on this machine until it is back.", why));
        this.#isOutTold = true;
      }
    }
  }

  #lost(client: RedisClient, error: unknown): void {
    if (this.#state.kind !== "up" || this.#state.client !== client) return;
    this.#options.log(`redis: ${reasonOf(error)}`);
    client.destroy();
    this.#connect(firstPauseMs);
  }

  /** It answers, only not what was asked for: full, read-only, not allowed. It may again, so each reason is told once. */
  #refused(error: unknown): void {
    const code = reasonOf(error).split(" ", 1)[0] ?? "";
    if (this.#refusals.has(code)) return;
    this.#refusals.add(code);
    this.#options.log(`redis: ${reasonOf(error)}`);
  }
}

/** Bundled, a CommonJS package has all it exports under `default`. */
async function loadPackage(): Promise<typeof import("@redis/client")> {
  const loaded = await import("@redis/client");
  return "default" in loaded && loaded.default ? (loaded.default as typeof loaded) : loaded;
}

async function openClient(url: string, onLost: (client: RedisClient, error: unknown) => void) {
  const { createClient } = await loadPackage();
  const client = createClient({
    url,
    disableOfflineQueue: true,
    // Connecting again is ours, so that there is one place that knows whether Redis is out.
    socket: { connectTimeout: connectMs, reconnectStrategy: false },
  });
  // Without a listener a lost connection would end the process.
  client.on("error", (error: unknown) => onLost(client, error));
  client.unref();
  try {
    await within(connectMs, client.connect());
  } catch (error) {
    client.destroy();
    throw error;
  }
  return client;
}

/** @returns how long a call to it may take, ms */
async function measureDeadline(
  client: RedisClient,
  probeKey: string,
  onConnected: RedisLinkOptions["onConnected"],
): Promise<number> {
  let bestMs = Number.POSITIVE_INFINITY;
  for (let round = 0; round < 3; round++) {
    const startMs = performance.now();
    await within(connectMs, client.get(probeKey));
    bestMs = Math.min(bestMs, performance.now() - startMs);
  }
  await within(workOnConnectedMs, onConnected(client));
  return Math.min(Math.max(Math.ceil(bestMs * deadlineOfTimes), shortestDeadlineMs), longestDeadlineMs);
}

/** @throws Error when it takes longer. Time in which this process stood still is not Redis's: it gets the same again. */
async function within<T>(limitMs: number, work: Promise<T>): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    // One more turn of the event loop: the answer may be there and only not read yet.
    const giveUp = () => setImmediate(() => reject(new Error(`no answer within ${limitMs} ms`)));
    const startMs = performance.now();
    timer = setTimeout(() => {
      if (performance.now() - startMs <= limitMs + standstillMs) giveUp();
      else timer = setTimeout(giveUp, limitMs);
    }, limitMs);
  });
  work.catch(() => undefined);
  try {
    return await Promise.race([work, late]);
  } finally {
    clearTimeout(timer);
  }
}

async function isRefusal(error: unknown): Promise<boolean> {
  const { ErrorReply } = await loadPackage();
  return error instanceof ErrorReply;
}

/** Two addresses that both failed are an error without a message. */
function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  if (error.message !== "") return error.message;
  return "code" in error ? String(error.code) : error.name;
}
