// Translations beside their sources: README.md becomes README.zh-CN.md.
import { stat } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { msg } from "../core/message.ts";
import { reasonOf } from "../core/reason-of.ts";
import type { AnswerLanguage, Source } from "../core/task.ts";
import { TaskError } from "../core/task-error.ts";
import { translatedPath } from "../core/translation-batch.ts";
import { replaceFile } from "../private-file.ts";

/** @throws TaskError `bad-input` when the target is there and may not be replaced, or is the source itself */
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
  return target;
}

/** Whole or not at all. */
export async function writeTranslation(target: string, text: string): Promise<void> {
  try {
    await replaceFile(target, text);
  } catch (error) {
    throw new TaskError("storage", msg("{0} could not be written: {1}", target, reasonOf(error)), { cause: error });
  }
}
