// A lock file that belongs to a process: one whose process is gone is taken over.
import { open, readFile, rm, stat } from "node:fs/promises";

/** A lock is empty for a moment before its holder has written its process id into it. */
const unsignedMs = 5_000;

/** @returns what lets go of it; undefined while a living process holds it */
export async function tryLock(path: string): Promise<(() => Promise<void>) | undefined> {
  for (let attempt = 0; attempt < 2; attempt++) {
    const file = await open(path, "wx").catch((error: unknown) => {
      if (error instanceof Error && "code" in error && error.code === "EEXIST") return undefined;
      throw error;
    });
    if (file) {
      await file.writeFile(String(process.pid)).finally(() => file.close());
      return () => rm(path, { force: true });
    }
    if (await isHeld(path)) return undefined;
    await dropLeftover(path);
  }
  return undefined;
}

/** Whether a living process holds it. */
export async function isHeld(path: string): Promise<boolean> {
  const holder = await readFile(path, "utf8").catch(() => undefined);
  if (holder === undefined) return false;
  if (holder !== "") return isAlive(Number(holder));
  return (await ageMs(path)) < unsignedMs;
}

/** Two that find a leftover at once must not both remove: the second would remove the first one's new lock. */
async function dropLeftover(path: string): Promise<void> {
  const turn = `${path}.takeover`;
  const mine = await open(turn, "wx").catch(() => undefined);
  if (!mine) {
    if ((await ageMs(turn)) > unsignedMs) await rm(turn, { force: true });
    return;
  }
  await mine.close();
  try {
    if (!(await isHeld(path))) await rm(path, { force: true });
  } finally {
    await rm(turn, { force: true });
  }
}

async function ageMs(path: string): Promise<number> {
  const found = await stat(path).catch(() => undefined);
  return found ? Date.now() - found.mtimeMs : 0;
}

function isAlive(pid: number): boolean {
  if (!Number.isInteger(pid) || pid <= 0) return false;
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    // Another account's process lives, and may not be asked.
    return error instanceof Error && "code" in error && error.code === "EPERM";
  }
}
