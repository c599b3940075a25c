import { setTimeout as sleep } from "node:timers/promises";
import type { App } from "../core/app.ts";

const askEveryMs = 300;

/** Whether an Ollama answers in time. */
export async function waitForServer(app: App, signal: AbortSignal, limitMs = 60_000): Promise<boolean> {
  const deadlineMs = performance.now() + limitMs;
  for (;;) {
    const servers = await app.status(signal).catch(() => []);
    signal.throwIfAborted();
    if (servers.some(({ name }) => name.startsWith("Ollama"))) return true;
    if (performance.now() > deadlineMs) return false;
    await sleep(askEveryMs, undefined, { signal });
  }
}
