// One at a time, over all windows and shells of this person.
import { randomUUID } from "node:crypto";
import { mkdir, open, readFile, rm, stat, utimes } from "node:fs/promises";
import { dirname } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { dropLeftover } from "../process-lock.ts";

const touchEveryMs = 2_000;
/** A holder that has not touched its file for so long is gone. */
const staleMs = 10_000;
const askEveryMs = 100;

export interface Lock {
  /** Another took it: this process stood still for so long that it seemed gone. */
  isLost(): boolean;
  release(): Promise<void>;
}

/** Waits for the lock as long as it takes. */
export async function takeLock(file: string, signal: AbortSignal, everyMs = askEveryMs): Promise<Lock> {
  await mkdir(dirname(file), { recursive: true });
  const owner = `${process.pid} ${randomUUID()}`;
  for (;;) {
    signal.throwIfAborted();
    const handle = await open(file, "wx").catch((error: unknown) => {
      if (error instanceof Error && "code" in error && error.code === "EEXIST") return undefined;
      throw error;
    });
    if (handle) {
      await handle.writeFile(owner).finally(() => handle.close());
      return holdLock(file, owner);
    }
    if (await isStale(file)) await dropLeftover(file, () => isStale(file));
    await sleep(everyMs, undefined, { signal }).catch(() => undefined);
  }
}

async function isStale(file: string): Promise<boolean> {
  const found = await stat(file).catch(() => undefined);
  return found !== undefined && Date.now() - found.mtimeMs > staleMs;
}

function holdLock(file: string, owner: string): Lock {
  let isLost = false;
  const isOurs = async () => (await readFile(file, "utf8").catch(() => "")) === owner;
  const touch = async () => {
    if (await isOurs()) {
      const now = new Date();
      await utimes(file, now, now).catch(() => undefined);
    } else {
      isLost = true;
      clearInterval(timer);
    }
  };
  const timer = setInterval(() => void touch(), touchEveryMs);
  timer.unref();
  return {
    isLost: () => isLost,
    async release() {
      clearInterval(timer);
      if (await isOurs()) await rm(file, { force: true });
    },
  };
}
