// The same work for each file that was named.
import { msg } from "../core/message.ts";
import type { Source } from "../core/task.ts";
import { TaskError } from "../core/task-error.ts";
import { exitCodeOf, exitCodeOfAll, tellFailure } from "./failure.ts";
import type { ProgramParts } from "./flags.ts";
import { expandNames, readSource } from "./read-files.ts";
import type { TaskResult } from "./run-task.ts";

/** One that cannot be read or worked on does not stop the others. @returns what came of those that could */
export async function forEachSource(
  { terminal }: ProgramParts,
  names: readonly string[],
  work: (source: Source, isOneOfMany: boolean) => Promise<TaskResult>,
  select: (names: readonly string[]) => readonly string[] = (found) => found,
): Promise<readonly TaskResult[]> {
  if (names.length === 0 && process.stdin.isTTY) {
    throw new TaskError("bad-input", msg("Name the files to work on, or send text to standard input."));
  }
  const all = names.length === 0 ? ["-"] : select(await expandNames(names));
  const results: TaskResult[] = [];
  const codes = new Set<number>();
  for (const name of all) {
    try {
      const result = await work(await readSource(name, terminal), all.length > 1);
      results.push(result);
      // What was not reviewed is not without faults, and half a translation is none.
      if (result.isMalformed) codes.add(1);
    } catch (error) {
      if (!(error instanceof TaskError) || isHopeless(error) || all.length === 1) throw error;
      tellFailure(error, terminal, name);
      codes.add(exitCodeOf(error));
    }
  }
  const code = exitCodeOfAll(codes);
  if (code !== undefined) process.exitCode = code;
  return results;
}

/** Without a server or a model, the next file would fail the same way. */
const isHopeless = ({ kind }: TaskError) => kind === "server-unreachable" || kind === "model-missing";
