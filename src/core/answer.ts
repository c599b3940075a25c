import type { Finding } from "./finding.ts";
import type { Message } from "./message.ts";
import type { Route } from "./route.ts";

/** Token counts and times of one finished answer, as the model server measured them. */
export interface AnswerStats {
  readonly promptTokens: number;
  readonly answerTokens: number;
  /** Time the server spent loading the model, ms. */
  readonly loadMs: number;
  /** Time it spent reading the prompt, ms. */
  readonly prefillMs: number;
  /** Time it spent generating, ms. */
  readonly decodeMs: number;
}

/**
 * What a task tells its host, in this order: `routed`, then any of the middle ones, then `done` once. `routed` comes
 * again before anything is shown when the server first chosen turned out to be gone; the last one counts.
 * A failure is a thrown `TaskError`; what was yielded before it stands.
 */
export type AnswerEvent =
  | { readonly kind: "routed"; readonly route: Route }
  /** The model is being loaded. Bytes are absent where the server does not tell them. */
  | { readonly kind: "loading"; readonly model: string; readonly loadedBytes?: number; readonly totalBytes?: number }
  /** Something the person should know that is not part of the answer. */
  | { readonly kind: "notice"; readonly text: Message }
  | { readonly kind: "thinking"; readonly text: string }
  /** A piece of the answer, as markdown. */
  | { readonly kind: "text"; readonly text: string }
  /** One finding of a review; its markdown also comes as `text`. */
  | { readonly kind: "finding"; readonly finding: Finding }
  /** Work done in several requests: `done` of `total` pieces are finished. */
  | { readonly kind: "progress"; readonly done: number; readonly total: number }
  | { readonly kind: "done"; readonly stats: AnswerStats; readonly finish: "stop" | "length" };

/** What a backend yields for one model request. */
export type ModelEvent = Extract<AnswerEvent, { kind: "loading" | "thinking" | "text" | "done" }>;

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
}
