// One at a time, over all windows and shells of this person.
import { mkdir, open, rm, stat, utimes } from "node:fs/promises";
import { dirname } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";

const touchEveryMs = 2_000;
/** A holder that has not touched its file for so long is gone. */
const staleMs = 10_000;
const askEveryMs = 100;

/** Waits for the lock as long as it takes. @returns lets go of it */
export async function takeLock(file: string, signal: AbortSignal): Promise<() => Promise<void>> {
  await mkdir(dirname(file), { recursive: true });
  for (;;) {
    signal.throwIfAborted();
    const handle = await open(file, "wx").catch((error: unknown) => {
      if (error instanceof Error && "code" in error && error.code === "EEXIST") return undefined;
      throw error;
    });
    if (handle) {
      await handle.writeFile(String(process.pid)).finally(() => handle.close());
      return holdLock(file);
    }
    const found = await stat(file).catch(() => undefined);
    if (found && Date.now() - found.mtimeMs > staleMs) await rm(file, { force: true });
    await sleep(askEveryMs, undefined, { signal }).catch(() => undefined);
  }
}

function holdLock(file: string): () => Promise<void> {
  const timer = setInterval(() => {
    const now = new Date();
    utimes(file, now, now).catch(() => undefined);
  }, touchEveryMs);
  timer.unref();
  return async () => {
    clearInterval(timer);
    await rm(file, { force: true });
  };
}
