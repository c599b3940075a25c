// What is written after a flag, checked.
import { InvalidArgumentError } from "commander";
import type { Severity } from "../core/finding.ts";
import { type AnswerLanguage, kindOfTaskType, type TaskKind, taskKinds } from "../core/task.ts";

/** Worst first. */
export const severities: readonly Severity[] = ["problem", "suggestion", "style"];

export function language(text: string): AnswerLanguage {
  if (/^en([-_].*)?$/i.test(text)) return "en";
  if (/^zh/i.test(text)) return "zh-CN";
  throw new InvalidArgumentError("en | zh-CN");
}

export function taskKind(text: string): TaskKind {
  const kind = kindOfTaskType(text);
  if (kind) return kind;
  throw new InvalidArgumentError([...taskKinds, "translation", "creative", "general"].join(" | "));
}

export function severity(text: string): Severity {
  const found = severities.find((each) => each === text);
  if (found) return found;
  throw new InvalidArgumentError(severities.join(" | "));
}

export function whole(text: string): number {
  const number = Number(text);
  if (Number.isInteger(number) && number > 0) return number;
  throw new InvalidArgumentError("1, 2, 3, …");
}

export function temperature(text: string): number {
  const number = Number(text);
  if (text.trim() !== "" && number >= 0 && number <= 2) return number;
  throw new InvalidArgumentError("0 … 2");
}
