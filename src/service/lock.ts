// One at a time: who becomes the service. A file that names its holder; what a dead process left is taken over.
import { randomUUID } from "node:crypto";
import { link, mkdir, readFile, rename, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { isAlive } from "./publication.ts";

const askEveryMs = 50;

/** Waits for the lock as long as it takes. @returns lets go of it */
export async function takeLock(home: string, signal: AbortSignal): Promise<() => Promise<void>> {
  await mkdir(home, { recursive: true, mode: 0o700 });
  const file = join(home, "proxy.lock");
  const own = `${file}.${randomUUID()}`;
  // Written first and linked then: nobody sees it without its content.
  await writeFile(own, String(process.pid), { mode: 0o600, flag: "wx" });
  try {
    while (!(await place(own, file))) {
      signal.throwIfAborted();
      await removeAbandoned(file);
      await sleep(askEveryMs, undefined, { signal });
    }
  } finally {
    await rm(own, { force: true });
  }
  return () => rm(file, { force: true });
}

async function place(own: string, file: string): Promise<boolean> {
  try {
    await link(own, file);
    return true;
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "EEXIST") return false;
    throw error;
  }
}

/** Moved aside before it is removed: one that was put there in the meantime is put back. */
async function removeAbandoned(file: string): Promise<void> {
  const holder = await readFile(file, "utf8").catch(() => undefined);
  if (holder === undefined || isAlive(Number(holder))) return;
  const aside = `${file}.${randomUUID()}`;
  const isMoved = await rename(file, aside).then(
    () => true,
    () => false,
  );
  if (!isMoved) return;
  if ((await readFile(aside, "utf8")) !== holder) await place(aside, file);
  await rm(aside, { force: true });
}
