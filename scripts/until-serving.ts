// A server that the scripts started themselves: waited for, and ended with them whatever happens.
import type { ChildProcess } from "node:child_process";
import { once } from "node:events";
import { setTimeout as sleep } from "node:timers/promises";

export interface Serving {
  stop(): Promise<void>;
}

/**
 * @param probe a path of it that answers when it is ready
 * @throws Error when it ends, or is not ready in time
 */
export async function untilServing(
  child: ChildProcess,
  probe: string,
  { title, limitMs, signal }: { readonly title: string; readonly limitMs: number; readonly signal: NodeJS.Signals },
): Promise<Serving> {
  const endWithUs = () => child.kill("SIGKILL");
  process.once("exit", endWithUs);
  const deadline = performance.now() + limitMs;
  while (!(await fetch(probe).catch(() => undefined))?.ok) {
    if (child.exitCode !== null || performance.now() > deadline) throw new Error(`${title} does not start`);
    await sleep(50);
  }
  return {
    async stop() {
      process.off("exit", endWithUs);
      if (child.exitCode !== null || child.signalCode !== null) return;
      child.kill(signal);
      await once(child, "exit");
    },
  };
}
