import type { Correction } from "./classifier/corrections.ts";
import type { TaskKind } from "./task.ts";

export interface Rating {
  readonly model: string;
  readonly task: TaskKind;
  readonly good: number;
  readonly bad: number;
}

/** What the person said of answers; kept on this machine and used for the next ones. */
export interface Feedback {
  /** Resolves when what was said in earlier windows is known. */
  ready(): Promise<void>;
  /** Oldest first. */
  corrections(): readonly Correction[];
  /** @throws TaskError `storage`; it counts nevertheless until the window is closed */
  correct(text: string, task: TaskKind): Promise<void>;
  /** @throws TaskError `storage` */
  rate(model: string, task: TaskKind, isGood: boolean): Promise<void>;
  ratings(): readonly Rating[];
  /** Clearly more often bad than good at this kind of task. */
  isDisliked(model: string, task: TaskKind): boolean;
  clear(): Promise<void>;
}
