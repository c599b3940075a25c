import type { AnswerLanguage, Source } from "./task.ts";

/** What was said of a translation. */
export interface TranslationNote {
  readonly text: string;
  /** Where the parts begin that it is about, in characters; none: it is about all of it. */
  readonly places: readonly number[];
}

/** Lines and characters from 0. */
export interface KeptRange {
  readonly start: KeptPosition;
  readonly end: KeptPosition;
}
export interface KeptPosition {
  readonly line: number;
  readonly character: number;
}

/** A translation as its preview shows it. */
export interface KeptTranslation {
  readonly id: string;
  readonly source: Source;
  /** Where the source stood in its file; absent: it is all of it. */
  readonly range?: KeptRange;
  readonly target: AnswerLanguage;
  readonly text: string;
  readonly state: "done" | "incomplete";
  /** What answered and where; empty where nothing did. */
  readonly by: string;
  /** That, with how fast and why. */
  readonly summary: string;
  readonly notes: readonly TranslationNote[];
}

/** Keeps previews over reloads of a window. Errors are `TaskError` of kind `storage`. */
export interface TranslationStore {
  /** Undefined where it is not there, or cannot be read. */
  load(id: string): Promise<KeptTranslation | undefined>;
  save(translation: KeptTranslation): Promise<void>;
  delete(id: string): Promise<void>;
  clear(): Promise<void>;
}
