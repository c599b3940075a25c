// What the windows that are open keep on this machine, in a file for each: so it also holds in a service that starts
// after them, or starts anew.
import { readdirSync, readFileSync, renameSync, rmSync, statSync } from "node:fs";
import { readdir, realpath, rm } from "node:fs/promises";
import { join } from "node:path";
import * as z from "zod/mini";
import { parseJson } from "../core/parse-json.ts";
import type { WindowRules } from "../core/window-rules.ts";
import { writePrivateFile } from "../private-file.ts";
import { isAlive } from "./publication.ts";

const rulesSchema = z.object({ offline: z.boolean(), localOnly: z.array(z.string()) });
/** What cannot be read keeps everything here. */
const unreadable: WindowRules = { offline: true, localOnly: [] };

const folderOf = (home: string) => join(home, "windows");
/** So often a window says that it is still there, ms. */
const aliveMs = 20_000;
/**
 * After so long without a word it may be gone, whoever has its id now. Or the machine has slept: it has this time to
 * speak again, ms.
 */
const silentMs = 10 * 60_000;
const graceMs = 3 * aliveMs;
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
  let saying: Promise<unknown> = Promise.resolve();
  let said: WindowRules = { offline: false, localOnly: [] };
  const write = async () => {
    await tell();
    const found = await readdir(folderOf(home)).catch(() => []);
    const silent = found.filter((name) => name.startsWith(`${process.pid}-`));
    await Promise.all(silent.map((name) => rm(join(folderOf(home), name), { force: true })));
  };
  const tell = async () => {
    const { offline, localOnly } = said;
    if (!offline && localOnly.length === 0) return rm(file, { force: true });
    // A program may know the folder by either name.
    const real = await Promise.all(localOnly.map((each) => realpath(each).catch(() => each)));
    await writePrivateFile(file, JSON.stringify({ offline, localOnly: [...new Set([...localOnly, ...real])] }));
  };
  const say = (rules: WindowRules) => {
    said = rules;
    const done = saying.then(write);
    saying = done.catch(() => undefined);
    return done;
  };
  // A machine that slept may have taken it for gone.
  const timer = setInterval(() => void say(said).catch(() => undefined), aliveMs);
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

/** What a window that was found to be silent has said stands in a file with that time in its name, beside its own. */
function rulesIn(folder: string, name: string): readonly WindowRules[] {
  const [, pid, sinceMs] = /^(\d+)(?:-(\d+))?\.json$/.exec(name) ?? [];
  if (pid === undefined) return [];
  const file = join(folder, name);
  try {
    if (!isAlive(Number(pid)) || (sinceMs !== undefined && Date.now() - Number(sinceMs) > graceMs)) {
      rmSync(file, { force: true });
      return [];
    }
    const parsed = rulesSchema.safeParse(parseJson(readFileSync(file, "utf8")));
    if (sinceMs === undefined && Date.now() - statSync(file).mtimeMs > silentMs) {
      renameSync(file, join(folder, `${pid}-${Date.now()}.json`));
    }
    return [parsed.success ? parsed.data : unreadable];
  } catch (error) {
    if (!isAbsence(error)) return [unreadable];
    if (sinceMs !== undefined) return [];
    // It was taken back, or another program has found it silent since the folder was read.
    const others = readdirSync(folder).filter((other) => other.startsWith(`${pid}-`));
    return others.flatMap((other) => rulesIn(folder, other));
  }
}

function isAbsence(error: unknown): boolean {
  return error instanceof Error && "code" in error && error.code === "ENOENT";
}
