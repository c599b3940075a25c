import { detectLanguage } from "./language.ts";
import type { AnswerLanguage, Source } from "./task.ts";

const proseLanguages = new Set(["markdown", "plaintext", "restructuredtext", "asciidoc", "latex"]);
/** In source code most letters are names; so many times more of them than Han characters still means Chinese comments. */
const namesPerCharacter = 25;

/** Whether files of the kind are all text, or nothing is known of them. */
export const isProse = (languageId: string | undefined): boolean =>
  languageId === undefined || proseLanguages.has(languageId);

/** The other one of English and Chinese. */
export function translationTarget({ text, languageId }: Pick<Source, "text" | "languageId">): AnswerLanguage {
  if (isProse(languageId)) return detectLanguage(text) === "zh" ? "en" : "zh-CN";
  const han = text.match(/\p{Script=Han}/gu)?.length ?? 0;
  const latin = text.match(/[A-Za-z]/g)?.length ?? 0;
  return han > 0 && han * namesPerCharacter >= latin ? "en" : "zh-CN";
}
