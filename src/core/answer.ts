import type { Finding } from "./finding.ts";
import type { Message } from "./message.ts";
import type { ModelEvent } from "./model-event.ts";
import type { Route } from "./route.ts";

/** What a machine found wrong with an answer: its form, its code, its language, or that it says nothing new. */
export type FailedCheck = "form" | "code" | "language" | "repetition";

/**
 * What a task tells its host, in this order: `routed`, then any of the middle ones, then `done` once. `routed` comes
 * again before anything is shown when the server first chosen turned out to be gone; the last one counts.
 * A failure is a thrown `TaskError`; what was yielded before it stands.
 */
export type AnswerEvent =
  | { readonly kind: "routed"; readonly route: Route }
  /** Something the person should know that is not part of the answer. `places`: where in its text, in characters. */
  | {
      readonly kind: "notice";
      readonly text: Message;
      readonly failed?: FailedCheck;
      readonly places?: readonly number[];
    }
  /** The model is writing what can only be shown when more of it is there; `answerTokens` so far. */
  | { readonly kind: "writing"; readonly answerTokens: number }
  /** One finding of a review; its markdown also comes as `text`. */
  | { readonly kind: "finding"; readonly finding: Finding }
  /** Work done in several requests: `done` of `total` pieces are finished. */
  | { readonly kind: "progress"; readonly done: number; readonly total: number }
  | ModelEvent;

/** The facts under an answer. `outcome` says whether it is whole. */
export interface Badge {
  readonly route: Route;
  readonly outcome: "done" | "stopped" | "failed" | "cut";
  /** From asking to the first piece of text, ms; absent when none came. */
  readonly firstTokenMs?: number;
  readonly totalMs: number;
  /** Generated tokens a second: the server's own figure where it finished, else an estimate of ours (`estimated`). */
  readonly tokensPerSecond?: number;
  readonly promptTokens?: number;
  readonly answerTokens?: number;
  readonly estimated: boolean;
  /** Unix ms at which the answer was first given; present where it was kept since. */
  readonly keptAtMs?: number;
  /** What it cost, US dollars; only of models that cost. */
  readonly costUsd?: number;
}
