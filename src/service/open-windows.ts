// What the windows that are open keep on this machine, in a file for each: so it also holds in a service that starts
// after them, or starts anew.
import { readdirSync, readFileSync, rmSync } from "node:fs";
import { realpath, rm } from "node:fs/promises";
import { join } from "node:path";
import * as z from "zod/mini";
import { parseJson } from "../core/parse-json.ts";
import type { WindowRules } from "../core/window-rules.ts";
import { writePrivateFile } from "../private-file.ts";
import { isAlive } from "../process-lock.ts";
import { birthOf } from "./birth.ts";

const rulesSchema = z.object({ offline: z.boolean(), localOnly: z.array(z.string()) });
/** `birth`: of the process that wrote it; absent where the system does not tell. */
const writerSchema = z.object({ birth: z.optional(z.string()) });
/** What cannot be read keeps everything here. */
const unreadable: WindowRules = { offline: true, localOnly: [] };

const folderOf = (home: string) => join(home, "windows");
/** So often a window says it again, ms: somebody may have thrown the file away. */
const againMs = 20_000;
/** So long what was read holds, ms: an answer looks at it many times. */
const freshMs = 25;

export interface Announcement {
  /** Resolves when it holds. */
  say(rules: WindowRules): Promise<void>;
  /** The window is closed. */
  dispose(): void;
}

/** For the window that this process works for. */
export function announceWindow(home: string): Announcement {
  const file = join(folderOf(home), `${process.pid}.json`);
  const birth = birthOf(process.pid);
  let saying: Promise<unknown> = Promise.resolve();
  let said: WindowRules = { offline: false, localOnly: [] };
  const write = async () => {
    const { offline, localOnly } = said;
    if (!offline && localOnly.length === 0) return rm(file, { force: true });
    // A program may know the folder by either name.
    const real = await Promise.all(localOnly.map((each) => realpath(each).catch(() => each)));
    await writePrivateFile(file, JSON.stringify({ offline, localOnly: [...new Set([...localOnly, ...real])], birth }));
  };
  const say = (rules: WindowRules) => {
    said = rules;
    const done = saying.then(write);
    saying = done.catch(() => undefined);
    return done;
  };
  const timer = setInterval(() => void say(said).catch(() => undefined), againMs);
  timer.unref();
  return {
    say,
    dispose() {
      clearInterval(timer);
      rmSync(file, { force: true });
    },
  };
}

/** @returns reads what holds now */
export function readWindows(home: string): () => readonly WindowRules[] {
  let known: readonly WindowRules[] = [];
  let readMs = Number.NEGATIVE_INFINITY;
  return () => {
    if (performance.now() - readMs > freshMs) {
      known = read(folderOf(home));
      readMs = performance.now();
    }
    return known;
  };
}

function read(folder: string): readonly WindowRules[] {
  let names: readonly string[];
  try {
    names = readdirSync(folder);
  } catch (error) {
    return isAbsence(error) ? [] : [unreadable];
  }
  return names.flatMap((name) => rulesIn(folder, name));
}

/** They hold as long as their process lives, however long it has been silent: a machine that sleeps says nothing. */
function rulesIn(folder: string, name: string): readonly WindowRules[] {
  const pid = Number(/^(\d+)\.json$/.exec(name)?.[1]);
  if (!pid) return [];
  const file = join(folder, name);
  try {
    const text = readFileSync(file, "utf8");
    if (isGone(pid, text)) {
      rmSync(file, { force: true });
      return [];
    }
    return [rulesSchema.safeParse(parseJson(text)).data ?? unreadable];
  } catch (error) {
    return isAbsence(error) ? [] : [unreadable];
  }
}

/** Dead, or another process has its id by now. Where that cannot be told apart, it holds. */
function isGone(pid: number, text: string): boolean {
  if (!isAlive(pid)) return true;
  const birth = writerSchema.safeParse(parseJson(text)).data?.birth;
  const now = birth === undefined ? undefined : birthOf(pid);
  return now !== undefined && now !== birth;
}

function isAbsence(error: unknown): boolean {
  return error instanceof Error && "code" in error && error.code === "ENOENT";
}
