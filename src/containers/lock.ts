// One at a time, over all windows and shells of this person. Who waits knows for whom.
import { randomUUID } from "node:crypto";
import { mkdir, readFile, readlink, rm, stat, utimes } from "node:fs/promises";
import { hostname } from "node:os";
import { dirname } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import * as z from "zod/mini";
import { msg } from "../core/message.ts";
import { TaskError } from "../core/task-error.ts";
import { createSigned, dropLeftover, lives, ownSignature } from "../process-lock.ts";

const touchEveryMs = 2_000;
/** A holder that has not touched its file for so long is gone, or stands still. */
const usualStaleMs = 10_000;
/** So many times that: where nobody can tell whether the process of this id is still the same. */
const staleTimesUnsure = 30;
const askEveryMs = 100;
/** Waiting for less is not worth a word. */
const tellAfterMs = 500;

const schema = z.object({
  id: z.string(),
  /** Of the process, as `ownSignature` has it. */
  process: z.string(),
  /** Where process ids mean the same. */
  machine: z.string(),
  door: z.optional(z.enum(["editor", "shell", "proxy", "mcp"])),
  work: z.optional(z.enum(["up", "down", "remove", "update", "start", "scale", "repair"])),
  sinceMs: z.number(),
});

type Signed = z.infer<typeof schema>;

/** What is done while the lock is held, and by whom. */
export type LockWork = NonNullable<Signed["work"]>;
export type LockDoor = NonNullable<Signed["door"]>;

/** Who is waited for. */
export interface Holder {
  readonly pid: number;
  readonly door?: LockDoor;
  readonly work?: LockWork;
  readonly sinceMs: number;
  /** It lives, and has done nothing for a while, as in a machine that sleeps or a program that hangs. */
  readonly standsStill: boolean;
}

export interface LockOptions {
  readonly work?: LockWork;
  readonly door?: LockDoor | undefined;
  readonly everyMs?: number;
  readonly staleMs?: number;
  /** Taken also from a process that lives and stands still; it finds that out when it wakes. */
  readonly isTakenFromSleepers?: boolean;
  /** Called once, when another is found to have it. */
  readonly onLost?: () => void;
}

export interface Lock {
  /** For certain: a process that stood still knows only after another look. */
  isHeld(): boolean;
  /** @throws TaskError where another has it now */
  mustBeHeld(): Promise<void>;
  release(): Promise<void>;
}

/** Waits for the lock as long as it takes. */
export async function takeLock(file: string, signal: AbortSignal, options: LockOptions = {}): Promise<Lock> {
  const queue = queueForLock(file, options, signal);
  for (;;) {
    const next = await queue.next();
    if (next.done) return next.value;
  }
}

/** Yields who is waited for, each time that is another or it stands still; undefined: one of an earlier version. */
export async function* queueForLock(
  file: string,
  options: LockOptions,
  signal: AbortSignal,
): AsyncGenerator<Holder | undefined, Lock> {
  const { everyMs = askEveryMs, staleMs = usualStaleMs, isTakenFromSleepers = false, onLost } = options;
  await mkdir(dirname(file), { recursive: true });
  const machine = await thisMachine();
  const own: Signed = {
    ...{ id: randomUUID(), process: await ownSignature(), machine, sinceMs: Date.now() },
    ...(options.door ? { door: options.door } : {}),
    ...(options.work ? { work: options.work } : {}),
  };
  let seen: Seen | undefined;
  let waitedMs = 0;
  let told = "";
  const rest = async () => {
    await sleep(everyMs, undefined, { signal }).catch(() => undefined);
    waitedMs += everyMs;
  };
  for (;;) {
    signal.throwIfAborted();
    const now = await look(file);
    if (now === undefined) {
      const text = JSON.stringify({ ...own, sinceMs: Date.now() });
      if (await createSigned(file, text)) return holdLock(file, text, staleMs, onLost);
      await rest();
      continue;
    }
    // Counted in looks: while the machine sleeps nobody looks, and nobody can touch anything.
    const unmovedMs = isSame(seen, now) ? (seen?.unmovedMs ?? 0) + everyMs : 0;
    seen = { ...now, unmovedMs };
    const limits = { unmovedMs, staleMs, isTakenFromSleepers, machine };
    if (await isLeft(now.text, limits)) {
      await dropLeftover(file, async () => isSame(await look(file), now) && (await isLeft(now.text, limits)));
    }
    const holder = parse(now.text);
    const standsStill = unmovedMs >= staleMs;
    const telling = `${holder?.id} ${standsStill}`;
    if (waitedMs >= tellAfterMs && telling !== told) yield holder && holderOf(holder, standsStill);
    if (waitedMs >= tellAfterMs) told = telling;
    await rest();
  }
}

interface Seen {
  readonly text: string;
  readonly touchedMs: number;
  /** For how long it was seen with neither changed. */
  readonly unmovedMs?: number;
}

const isSame = (one: Seen | undefined, other: Seen) => one?.text === other.text && one.touchedMs === other.touchedMs;

async function look(file: string): Promise<Seen | undefined> {
  const [text, found] = await Promise.all([readFile(file, "utf8"), stat(file)]).catch(() => []);
  return text === undefined || found === undefined ? undefined : { text, touchedMs: found.mtimeMs };
}

interface Limits extends Required<Pick<LockOptions, "staleMs" | "isTakenFromSleepers">> {
  readonly unmovedMs: number;
  readonly machine: string;
}

async function isLeft(text: string, { unmovedMs, staleMs, isTakenFromSleepers, machine }: Limits): Promise<boolean> {
  const holder = parse(text);
  const isStale = unmovedMs >= staleMs;
  if (holder?.machine !== machine) return isStale;
  if (!(await lives(holder.process))) return true;
  const isSure = holder.process.includes(" ");
  return isStale && (isTakenFromSleepers || (!isSure && unmovedMs >= staleMs * staleTimesUnsure));
}

function parse(text: string): Signed | undefined {
  try {
    return schema.safeParse(JSON.parse(text)).data;
  } catch {
    return undefined;
  }
}

function holderOf({ process: signature, door, work, sinceMs }: Signed, standsStill: boolean): Holder {
  const pid = Number.parseInt(signature, 10);
  return { pid, sinceMs, standsStill, ...(door ? { door } : {}), ...(work ? { work } : {}) };
}

/** A container with this home has processes of its own. */
async function thisMachine(): Promise<string> {
  const space = await readlink("/proc/self/ns/pid").catch(() => "");
  return `${hostname()} ${space}`;
}

function holdLock(file: string, text: string, staleMs: number, onLost?: () => void): Lock {
  let isLost = false;
  let seenAtMs = Date.now();
  const isOurs = async () => (await readFile(file, "utf8").catch(() => "")) === text;
  const touch = async () => {
    if (await isOurs()) {
      const now = new Date();
      await utimes(file, now, now).catch(() => undefined);
      seenAtMs = now.getTime();
    } else {
      clearInterval(timer);
      if (!isLost) onLost?.();
      isLost = true;
    }
  };
  const timer = setInterval(() => void touch(), Math.min(touchEveryMs, staleMs / 5));
  timer.unref();
  return {
    isHeld: () => !isLost && Date.now() - seenAtMs < staleMs,
    async mustBeHeld() {
      if (await isOurs()) return;
      throw new TaskError(
        "storage",
        msg("This stood still for so long that another window or shell has gone on in its place. Start it again."),
      );
    },
    async release() {
      clearInterval(timer);
      if (await isOurs()) await rm(file, { force: true });
    },
  };
}
