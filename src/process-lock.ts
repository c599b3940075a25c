// A lock file that belongs to a process: one whose process is gone is taken over.
import { randomUUID } from "node:crypto";
import { link, mkdir, open, readFile, rm, stat, writeFile } from "node:fs/promises";
import { dirname } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";

const askEveryMs = 50;
/** Where a file cannot be made with its content at once, it is empty for a moment. */
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
  const mine = await ownSignature();
  for (let attempt = 0; attempt < 2; attempt++) {
    const state = await stateOf(path);
    if (state === "held") return undefined;
    if (state === "left") await dropLeftover(path, async () => (await stateOf(path)) === "left");
    if (await createSigned(path, mine)) {
      return async () => {
        if ((await textOf(path)) === mine) await rm(path, { force: true });
      };
    }
  }
  return undefined;
}

/** Whether a living process holds it. */
export const isHeld = async (path: string): Promise<boolean> => (await stateOf(path)) === "held";

async function stateOf(path: string): Promise<"free" | "held" | "left"> {
  const holder = await textOf(path);
  if (holder === undefined) return "free";
  if (holder === "") return (await ageMs(path)) < unsignedMs ? "held" : "left";
  if (await lives(holder)) return "held";
  // Who let go of it and ended may have made way for another since it was read.
  const now = await textOf(path);
  if (now === holder) return "left";
  return now === undefined ? "free" : "held";
}

/**
 * Two that find a leftover at once must not both remove it: the second would remove the first one's new lock. So who removes
 * it has a turn, which nobody takes from a process that lives, however long it sleeps.
 * @param isLeftover asked again once nobody else can remove it
 */
export async function dropLeftover(path: string, isLeftover: () => Promise<boolean>): Promise<void> {
  const turn = `${path}.takeover`;
  if (!(await createSigned(turn, await ownSignature()))) {
    if ((await stateOf(turn)) === "left") await rm(turn, { force: true });
    return;
  }
  try {
    if (await isLeftover()) await rm(path, { force: true });
  } finally {
    await rm(turn, { force: true });
  }
}

/** What tells this process from every other one of this machine, also of those that had its id before or will have it. */
export async function ownSignature(): Promise<string> {
  return signatureOf(process.pid, await startOf(process.pid));
}

const signatureOf = (pid: number, start: string | undefined) => (start === undefined ? `${pid}` : `${pid} ${start}`);

/** @param signature of a process of this machine */
export async function lives(signature: string): Promise<boolean> {
  const [id = "", start] = signature.split(" ");
  if (!isAlive(Number(id))) return false;
  if (start === undefined) return true;
  const now = await startOf(Number(id));
  return now === undefined ? isAlive(Number(id)) : now === start;
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

/** When the process began, in ticks since the machine did; undefined where only Linux tells. */
async function startOf(pid: number): Promise<string | undefined> {
  if (process.platform !== "linux") return undefined;
  const text = await textOf(`/proc/${pid}/stat`);
  // The name of the program is in brackets, and may hold anything; the start is the twentieth value after it.
  return text?.slice(text.lastIndexOf(")") + 2).split(" ")[19];
}

/** Nobody sees it without its text, also where this process is stopped half way. @returns false where the file is there already */
export async function createSigned(path: string, text: string): Promise<boolean> {
  const whole = `${path}.${randomUUID()}`;
  await writeFile(whole, text, { flag: "wx", mode: 0o600 });
  try {
    await link(whole, path);
    return true;
  } catch (error) {
    if (isThere(error)) return false;
    // A file system without links.
    return createUnsigned(path, text);
  } finally {
    await rm(whole, { force: true });
  }
}

async function createUnsigned(path: string, text: string): Promise<boolean> {
  const file = await open(path, "wx", 0o600).catch((error: unknown) => {
    if (isThere(error)) return undefined;
    throw error;
  });
  await file?.writeFile(text).finally(() => file.close());
  return file !== undefined;
}

const isThere = (error: unknown) => error instanceof Error && "code" in error && error.code === "EEXIST";

const textOf = (path: string) => readFile(path, "utf8").catch(() => undefined);

async function ageMs(path: string): Promise<number> {
  const found = await stat(path).catch(() => undefined);
  return found ? Date.now() - found.mtimeMs : 0;
}
