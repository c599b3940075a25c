// Many documents translated in one go: which are due, and where each translation is put.
import { msg } from "./message.ts";
import type { AnswerLanguage } from "./task.ts";

/** Of a document that came back as it was. */
export const untranslated = msg("No part of it could be translated. Try a larger model.");

/** What a name says of its language, before its extension or at its end; in a preview also where its text stood. */
const languageMark = /\.(?:zh-CN|en)(?: \(\d+:\d+\))?(?=(?:\.[^./\\]+)?$)/i;

/** `docs/guide.md` to `docs/guide.zh-CN.md`; a name that says its language already changes it. */
export function translatedPath(path: string, target: AnswerLanguage): string {
  return markedPath(path, target);
}

/** The name under which a translation is shown: that of a part says where it begins, `docs/guide.zh-CN (12:1).md`. */
export function previewPath(path: string, target: AnswerLanguage, line?: number, column = 1): string {
  return markedPath(path, line === undefined ? target : `${target} (${line}:${column})`);
}

function markedPath(path: string, mark: string): string {
  const unmarked = path.replace(languageMark, "");
  const extension = /\.[^./\\]+$/.exec(unmarked)?.[0] ?? "";
  return `${unmarked.slice(0, unmarked.length - extension.length)}.${mark}${extension}`;
}

/** What a text may be a translation of, by its name; empty where the name says no language. */
export function originalNames(path: string): readonly string[] {
  const original = path.replace(languageMark, "");
  return original === path ? [] : [original, translatedPath(path, "en"), translatedPath(path, "zh-CN")];
}

/** Whether the path is that of a translation of another one of them. */
export function isTranslationOfOne(path: string, paths: ReadonlySet<string>): boolean {
  const original = path.replace(languageMark, "");
  return original !== path && paths.has(original);
}

export interface FoundDocument {
  readonly path: string;
  readonly sizeBytes: number;
  /** Unix ms. */
  readonly modifiedMs: number;
}

export interface DueTranslation {
  readonly document: FoundDocument;
  readonly targetPath: string;
  /** `outdated`: there is a translation, and the document has changed since. */
  readonly state: "new" | "outdated" | "current";
}

/**
 * What there is to translate among the documents found. Left out: what is named as a text in the target's language
 * already, and what is itself a translation of another one found.
 */
export function planTranslations(found: readonly FoundDocument[], target: AnswerLanguage): readonly DueTranslation[] {
  const byPath = new Map(found.map((document) => [document.path, document]));
  const paths = new Set(byPath.keys());
  return found
    .filter(({ path }) => translatedPath(path, target) !== path && !isTranslationOfOne(path, paths))
    .map((document) => {
      const targetPath = translatedPath(document.path, target);
      const existing = byPath.get(targetPath);
      if (!existing) return { document, targetPath, state: "new" };
      return { document, targetPath, state: existing.modifiedMs >= document.modifiedMs ? "current" : "outdated" };
    });
}
