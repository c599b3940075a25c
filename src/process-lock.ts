// A lock file that belongs to a process: one whose process is gone is taken over.
import { mkdir, open, readFile, rm, stat } from "node:fs/promises";
import { dirname } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";

const askEveryMs = 50;
/** A file is empty for a moment before its holder has written its process id into it. */
const unsignedMs = 5_000;

export type Release = () => Promise<void>;

/** Waits for the lock as long as it takes. @throws AbortError */
export async function takeLock(path: string, signal: AbortSignal): Promise<Release> {
  await mkdir(dirname(path), { recursive: true, mode: 0o700 });
  for (;;) {
    signal.throwIfAborted();
    const release = await tryLock(path);
    if (release) return release;
    await sleep(askEveryMs, undefined, { signal });
  }
}

/** @returns what lets go of it; undefined while a living process holds it */
export async function tryLock(path: string): Promise<Release | undefined> {
  for (let attempt = 0; attempt < 2; attempt++) {
    const file = await openNew(path);
    if (file) {
      await file.writeFile(String(process.pid)).finally(() => file.close());
      return () => rm(path, { force: true });
    }
    const state = await stateOf(path);
    if (state === "held") return undefined;
    if (state === "left") await dropLeftover(path, async () => (await stateOf(path)) === "left");
  }
  return undefined;
}

/** Whether a living process holds it. */
export const isHeld = async (path: string): Promise<boolean> => (await stateOf(path)) === "held";

async function stateOf(path: string): Promise<"free" | "held" | "left"> {
  const holder = await holderOf(path);
  if (holder === undefined) return "free";
  if (holder === "") return (await ageMs(path)) < unsignedMs ? "held" : "left";
  if (isAlive(Number(holder))) return "held";
  // Who let go of it and ended may have made way for another since it was read.
  const now = await holderOf(path);
  if (now === holder) return "left";
  return now === undefined ? "free" : "held";
}

/**
 * Two that find a leftover at once must not both remove it: the second would remove the first one's new lock.
 * @param isLeftover asked again once nobody else can remove it
 */
export async function dropLeftover(path: string, isLeftover: () => Promise<boolean>): Promise<void> {
  const turn = `${path}.takeover`;
  const mine = await openNew(turn);
  if (!mine) {
    if ((await ageMs(turn)) > unsignedMs) await rm(turn, { force: true });
    return;
  }
  await mine.close();
  try {
    if (await isLeftover()) await rm(path, { force: true });
  } finally {
    await rm(turn, { force: true });
  }
}

export function isAlive(pid: number): boolean {
  if (!Number.isInteger(pid) || pid <= 0) return false;
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    // Another account's process lives, and may not be asked.
    return error instanceof Error && "code" in error && error.code === "EPERM";
  }
}

/** @returns undefined where the file is there already */
async function openNew(path: string) {
  return open(path, "wx", 0o600).catch((error: unknown) => {
    if (error instanceof Error && "code" in error && error.code === "EEXIST") return undefined;
    throw error;
  });
}

const holderOf = (path: string) => readFile(path, "utf8").catch(() => undefined);

async function ageMs(path: string): Promise<number> {
  const found = await stat(path).catch(() => undefined);
  return found ? Date.now() - found.mtimeMs : 0;
}
