import { setTimeout as sleep } from "node:timers/promises";

/** Throws the signal's reason at once when it is aborted. */
export async function pause(ms: number, signal: AbortSignal): Promise<void> {
  await sleep(ms, undefined, { signal }).catch(() => undefined);
  signal.throwIfAborted();
}
