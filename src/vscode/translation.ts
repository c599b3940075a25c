// A translation in its preview, and how it is kept.
import { randomUUID } from "node:crypto";
import * as vscode from "vscode";
import type { KeptPosition, KeptTranslation, TranslationNote } from "../core/kept-translation.ts";
import type { Source } from "../core/task.ts";
import { previewPath } from "../core/translation-batch.ts";
import { translationTarget } from "../core/translation-target.ts";
import type { Translated } from "./put-translation.ts";

export const scheme = "switchyard-translation";

export interface TranslatedPart {
  readonly source: Source;
  /** Where it stands in its file; absent: it is all of it. */
  readonly range?: vscode.Range;
}

export interface Translation extends Translated {
  readonly id: string;
  state: Translated["state"];
  text: string;
  by: string;
  summary: string;
  notes: readonly TranslationNote[];
  isOpen: boolean;
  /** Unix ms, more after each change. */
  changedMs: number;
  stop: AbortController;
}

/** With the address of its preview. */
export function newTranslation({ source, range }: TranslatedPart): [vscode.Uri, Translation] {
  const original = vscode.Uri.parse(source.uri);
  const target = translationTarget(source);
  const start = range?.start;
  const id = randomUUID();
  const path = start
    ? previewPath(original.path, target, start.line + 1, start.character + 1)
    : previewPath(original.path, target);
  // Files have whole paths; the text of an untitled document has none, and is told by its place.
  const uri = path.startsWith("/")
    ? vscode.Uri.from({ scheme, path, query: id })
    : vscode.Uri.from({ scheme, authority: "untitled", path: `/${path}`, query: id });
  const translation: Translation = {
    ...{ id, source, original, ...(range ? { range } : {}), target },
    ...{ text: "", state: "running", by: "", summary: "", notes: [] },
    ...{ isOpen: true, changedMs: Date.now(), stop: new AbortController() },
  };
  return [uri, translation];
}

export function kept({ id, source, range, target, text, state, by, summary, notes }: Translation): KeptTranslation {
  return {
    ...{ id, source, ...(range ? { range: { start: range.start, end: range.end } } : {}), target },
    ...{ text, state: state === "done" ? state : "incomplete", by, summary, notes },
  };
}

/** As it was left, and nothing is written to it. */
export function restored({ range, ...rest }: KeptTranslation): Translation {
  const place = (at: KeptPosition) => new vscode.Position(at.line, at.character);
  return {
    ...{ ...rest, original: vscode.Uri.parse(rest.source.uri) },
    ...(range ? { range: new vscode.Range(place(range.start), place(range.end)) } : {}),
    ...{ isOpen: true, changedMs: Date.now(), stop: new AbortController() },
  };
}
