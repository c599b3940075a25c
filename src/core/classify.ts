import type { Ask, TaskKind } from "./task.ts";

/** One reason a kind got points. */
export interface Evidence {
  readonly kind: TaskKind;
  /** What was seen: a keyword, a file language, `command`. Shown to people as is. */
  readonly seen: string;
  readonly points: number;
}

export interface Classification {
  readonly kind: TaskKind;
  /** Natural language of the question and the text: decides, with the kind, which role answers. */
  readonly language: "zh" | "en" | "other";
  /** A score for every kind; the highest wins. A better classifier replaces this function, not its shape. */
  readonly scores: Readonly<Record<TaskKind, number>>;
  /** Share of all points that the winner has, 0 to 1; 1 where the kind was stated. */
  readonly confidence: number;
  readonly evidence: readonly Evidence[];
}

export type Classifier = (ask: Ask) => Classification;
