// The same work for each file that was named, or that has changed.
import { msg } from "../core/message.ts";
import type { Source } from "../core/task.ts";
import { TaskError } from "../core/task-error.ts";
import type { ChangesWish } from "./changed-files.ts";
import { exitCodeOf, exitCodeOfAll, tellFailure } from "./failure.ts";
import type { ProgramParts } from "./flags.ts";
import { expandNames, labelOf, readSource } from "./read-files.ts";
import type { TaskResult } from "./run-task.ts";

/** One answer: what it is about, read only then. */
export interface Job {
  /** As the person gave it. */
  readonly name: string;
  readonly label: string;
  readonly read: () => Promise<readonly [Source, ...Source[]]>;
}

/** @throws TaskError `bad-input` where nothing is named and a person sits at the terminal */
export async function filesNamed(
  { terminal }: ProgramParts,
  names: readonly string[],
  select: (names: readonly string[]) => readonly string[] = (found) => found,
): Promise<readonly Job[]> {
  if (names.length === 0 && process.stdin.isTTY) {
    throw new TaskError("bad-input", msg("Name the files to work on, or send text to standard input."));
  }
  const all = names.length === 0 ? ["-"] : select(await expandNames(names));
  return all.map((name) => ({ name, label: labelOf(name), read: async () => [await readSource(name, terminal)] }));
}

/** @param paths to look in; none: the whole repository */
export async function changesNamed(
  { terminal }: ProgramParts,
  paths: readonly string[],
  wish: ChangesWish,
): Promise<readonly Job[]> {
  const { changedFiles } = await import("./changed-files.ts");
  const files = await changedFiles(paths, wish, terminal);
  return files.map(({ name, sources }) => ({ name, label: name, read: async () => sources }));
}

/** One that cannot be read or worked on does not stop the others. @returns what came of those that could */
export async function forEachJob(
  { terminal }: ProgramParts,
  jobs: readonly Job[],
  work: (sources: readonly [Source, ...Source[]], job: Job) => Promise<TaskResult>,
): Promise<readonly TaskResult[]> {
  const results: TaskResult[] = [];
  const codes = new Set<number>();
  for (const job of jobs) {
    try {
      const result = await work(await job.read(), job);
      results.push(result);
      // What was not reviewed is not without faults, and half a translation is none.
      if (result.isMalformed) codes.add(1);
    } catch (error) {
      if (!(error instanceof TaskError) || isHopeless(error) || jobs.length === 1) throw error;
      tellFailure(error, terminal, job.name);
      codes.add(exitCodeOf(error));
    }
  }
  const code = exitCodeOfAll(codes);
  if (code !== undefined) process.exitCode = code;
  return results;
}

/** Without a server or a model, the next file would fail the same way. */
const isHopeless = ({ kind }: TaskError) => kind === "server-unreachable" || kind === "model-missing";
