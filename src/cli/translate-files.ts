// Translations beside their sources: README.md becomes README.zh-CN.md.
import { stat } from "node:fs/promises";
import { dirname } from "node:path";
import { fileURLToPath } from "node:url";
import type { AnswerEvent } from "../core/answer.ts";
import { type Message, msg } from "../core/message.ts";
import { reasonOf } from "../core/reason-of.ts";
import type { AnswerLanguage, Source } from "../core/task.ts";
import { TaskError } from "../core/task-error.ts";
import { translatedPath } from "../core/translation-batch.ts";
import { replaceFile } from "../private-file.ts";
import { folderProblem } from "./folder-problem.ts";
import type { OutputForm, TaskResult } from "./run-task.ts";
import type { Terminal } from "./terminal.ts";

/** @throws TaskError `bad-input` when the target is there and may not be replaced, or is the source itself; `storage` */
export async function checkTarget(source: Source, language: AnswerLanguage, force: boolean): Promise<string> {
  const path = fileURLToPath(source.uri);
  const target = translatedPath(path, language);
  if (target === path)
    throw new TaskError("bad-input", msg("{0} is already named as a {1} text.", source.label, language));
  const exists = await stat(target).then(
    () => true,
    () => false,
  );
  if (exists && !force) {
    throw new TaskError("bad-input", msg("{0} is there already. Use --force to replace it, or --stdout.", target));
  }
  // The model may work for an hour.
  const problem = folderProblem(dirname(target));
  if (problem !== undefined) throw unwritable(target, problem);
  return target;
}

const unwritable = (target: string, reason: string, cause?: unknown) =>
  new TaskError("storage", msg("{0} could not be written: {1}", target, reason), { cause });

/** @param form in which it is printed all the same, for whatever reads it goes on with it; undefined: it is not */
export function leaveAsItIs(
  { label, text }: Source,
  language: AnswerLanguage,
  form: OutputForm | undefined,
  { note, say, show, writeJson }: Terminal,
): TaskResult {
  const said = msg(
    "{0} is in {1} already, so there is nothing to translate (--force asks the model all the same).",
    label,
    languageName(language),
  );
  if (form === "json") writeJson({ text, findings: [], notices: [say(said)], outcome: "done" });
  else if (form === "stream-json") for (const event of asEvents(said, text)) writeJson(event);
  else note(say(said));
  if (form === "text") show(text);
  return { text, findings: [], answerTokens: 0, isMalformed: false };
}

function asEvents(said: Message, text: string): readonly AnswerEvent[] {
  const stats = { promptTokens: 0, answerTokens: 0, loadMs: 0, prefillMs: 0, decodeMs: 0 };
  return [
    { kind: "notice", text: said },
    { kind: "text", text },
    { kind: "done", stats, finish: "stop" },
  ];
}

const languageName = (language: AnswerLanguage) => (language === "en" ? msg("English") : msg("Simplified Chinese"));

/** Whole or not at all. */
export async function writeTranslation(target: string, text: string): Promise<void> {
  try {
    await replaceFile(target, text);
  } catch (error) {
    throw unwritable(target, reasonOf(error), error);
  }
}
