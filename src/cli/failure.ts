// What went wrong, for a person at a shell and for its scripts.
import type { TaskError } from "../core/task-error.ts";
import { remedyLines } from "./remedy-lines.ts";
import type { Terminal } from "./terminal.ts";

/** 1 failed, 2 bad input, 3 no model or server, 4 does not fit, 5 may not leave. */
export function exitCodeOf({ kind }: TaskError): number {
  if (kind === "bad-input") return 2;
  if (kind === "model-missing" || kind === "server-unreachable" || kind === "no-answer") return 3;
  if (kind === "context-overflow") return 4;
  return kind === "local-only" || kind === "cloud-limit" ? 5 : 1;
}

/** Of several files: the code of those that failed where it is the same for all, else 1; undefined: none failed. */
export function exitCodeOfAll(codes: ReadonlySet<number>): number | undefined {
  const [first, ...others] = codes;
  return others.length > 0 ? 1 : first;
}

/** @param name of the file, where there are several and the text does not name it itself */
export function tellFailure(error: TaskError, terminal: Terminal, name?: string): void {
  const { complain, say, t } = terminal;
  const text = say(error.text);
  complain(`switchyard: ${name === undefined || text.includes(name) ? text : t("{0}: {1}", name, text)}`);
  const suggested = error.details.suggestedModel;
  if (suggested) complain(t("To get it: switchyard models pull {0}", suggested));
  for (const line of remedyLines(error, terminal)) complain(line);
}
