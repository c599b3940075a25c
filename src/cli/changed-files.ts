// What changed in a Git repository, as work for a review: the program git itself is asked.
import { execFile } from "node:child_process";
import { join } from "node:path";
import { promisify } from "node:util";
import { diffLines } from "diff";
import { changedParts, diffOptions } from "../core/changed-parts.ts";
import { decodeText } from "../core/decode-text.ts";
import { isGenerated } from "../core/is-generated.ts";
import { msg } from "../core/message.ts";
import { reasonOf } from "../core/reason-of.ts";
import type { Source } from "../core/task.ts";
import { TaskError } from "../core/task-error.ts";
import { fileSource, isMissing, labelOf, maxBytes, readSource, type Telling, textOf, tooLarge } from "./read-files.ts";

/** Which changes; the first that is set counts. */
export interface ChangesWish {
  readonly staged?: boolean;
  /** A commit or branch. */
  readonly since?: string;
  /** Since the last commit. */
  readonly changes?: boolean;
}

interface ChangedFile {
  /** From the top of the repository. */
  readonly path: string;
  /** Its path before; absent: it is new. */
  readonly was?: string;
}

export interface ChangedSources {
  readonly name: string;
  readonly sources: readonly [Source, ...Source[]];
}

/**
 * One entry a changed file. What nobody reviews (binary, generated, empty, too large) is left out and named.
 * @param paths to look in, as git takes them; none: the whole repository
 * @throws TaskError `bad-input` where there is no repository or no such commit
 */
export async function changedFiles(
  paths: readonly string[],
  wish: ChangesWish,
  telling: Telling,
): Promise<readonly ChangedSources[]> {
  const { note, say } = telling;
  const top = (await git(["rev-parse", "--show-toplevel"])).toString().replace(/\n$/, "");
  const base = await baseOf(wish.since);
  const found = await filesSince(base, paths.length > 0 ? paths : [":/"], wish.staged === true);
  const generated = found.filter(({ path }) => isGenerated(path)).map(({ path }) => path);
  if (generated.length > 0) note(say(msg("Left out, for programs write it: {0}", generated.join(", "))));
  const files: ChangedSources[] = [];
  for (const file of found.filter(({ path }) => !isGenerated(path))) {
    const name = labelOf(join(top, file.path));
    try {
      const now = await (wish.staged ? stagedSource(file.path, name, telling) : readSource(name, telling));
      const [first, ...others] = changedParts(now, await diffOf(base, file, now.text));
      if (first) files.push({ name, sources: [first, ...others] });
    } catch (error) {
      if (!(error instanceof TaskError)) throw error;
      note(say(msg("Left out: {0}", say(error.text))));
    }
  }
  if (files.length === 0) note(say(msg("Nothing has changed that could be reviewed.")));
  return files;
}

/** Undefined where the file is new, or was no text. */
async function diffOf(base: string | undefined, { was }: ChangedFile, now: string) {
  if (was === undefined) return undefined;
  const before = decodeText(await git(["show", `${base}:${was}`]));
  return before && diffLines(before.text, now, diffOptions);
}

/** Undefined before the first commit: everything is new. */
async function baseOf(since: string | undefined): Promise<string | undefined> {
  const verify = (name: string) => git(["rev-parse", "--verify", "--quiet", "--end-of-options", `${name}^{commit}`]);
  if (since === undefined) {
    return verify("HEAD").then(
      (id) => id.toString().trim(),
      () => undefined,
    );
  }
  const id = await verify(since).catch((cause: unknown) => {
    throw new TaskError("bad-input", msg("There is no commit or branch “{0}” in this repository.", since), { cause });
  });
  return id.toString().trim();
}

async function filesSince(
  base: string | undefined,
  paths: readonly string[],
  isStaged: boolean,
): Promise<readonly ChangedFile[]> {
  if (base === undefined) {
    const others = isStaged ? [] : ["--others", "--exclude-standard"];
    return (await listed(["ls-files", "--full-name", "-z", "--cached", ...others], paths)).map((path) => ({ path }));
  }
  const kept = ["--find-renames", "--diff-filter=AMRT", "--no-ext-diff", "--ignore-submodules"];
  const [changed, added] = await Promise.all([
    listed(["diff", "--name-status", "-z", ...kept, ...(isStaged ? ["--cached"] : []), base], paths),
    isStaged ? [] : listed(["ls-files", "--full-name", "-z", "--others", "--exclude-standard"], paths),
  ]);
  return [...readNameStatus(changed), ...added.map((path) => ({ path }))];
}

/** A letter, then one path, or two for what was renamed. */
function readNameStatus(fields: readonly string[]): readonly ChangedFile[] {
  const files: ChangedFile[] = [];
  for (let at = 0; at < fields.length; ) {
    const [letter = "", first = "", second = ""] = [fields[at], fields[at + 1], fields[at + 2]];
    const isRenamed = letter.startsWith("R");
    if (isRenamed) files.push({ path: second, was: first });
    else files.push({ path: first, ...(letter === "A" ? {} : { was: first }) });
    at += isRenamed ? 3 : 2;
  }
  return files;
}

async function listed(args: readonly string[], paths: readonly string[]): Promise<readonly string[]> {
  const bytes = await git([...args, "--", ...paths]);
  return bytes
    .toString()
    .split("\0")
    .filter((field) => field !== "");
}

/** A file as it is staged; its place is that of the file. @param name as `labelOf` has it */
async function stagedSource(path: string, name: string, telling: Telling): Promise<Source> {
  const bytes = await git(["show", `:${path}`]);
  if (bytes.length > maxBytes) throw tooLarge(name, bytes.length);
  return fileSource(name, textOf(bytes, name, telling));
}

/** Without what a repository may have git run on the way. */
const harmless = ["-c", "core.fsmonitor=false", "-c", "core.quotePath=false", "--no-optional-locks"];

async function git(args: readonly string[]): Promise<Buffer> {
  try {
    const options = { encoding: "buffer", maxBuffer: 64 * 1024 * 1024 } as const;
    return (await promisify(execFile)("git", [...harmless, ...args], options)).stdout;
  } catch (cause) {
    if (isMissing(cause)) {
      throw new TaskError("bad-input", msg("Changes are asked of Git, which is not installed here."), { cause });
    }
    const said = cause instanceof Error && "stderr" in cause ? String(cause.stderr).trim() : reasonOf(cause);
    const text = said.includes("not a git repository")
      ? msg("This folder is in no Git repository: there is nothing to compare with.")
      : msg("Git could not tell what changed: {0}", said);
    throw new TaskError("bad-input", text, { cause });
  }
}
