import type { ToolCall } from "./tool.ts";

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
  /** Counted by us: the model was stopped before its server told. */
  readonly estimated?: true;
  /** As a server that costs counts them. */
  readonly usage?: TokenUsage;
}

/** Tokens by what they cost. */
export interface TokenUsage {
  /** Neither written into the server's cache nor read from it. */
  readonly inputTokens: number;
  readonly cacheWriteTokens: number;
  /** Those of them that are kept for an hour; absent: none. */
  readonly longCacheWriteTokens?: number;
  readonly cacheReadTokens: number;
  readonly outputTokens: number;
  /** Searches of the web that the server made; absent: none. */
  readonly webSearches?: number;
}

/** What comes of one model request. Backends yield all but the first two. */
export type ModelEvent =
  /** So many requests are before it in the queue. */
  | { readonly kind: "waiting"; readonly before: number }
  /** The server that takes it now. */
  | { readonly kind: "answering"; readonly backend: string }
  /** The model is being loaded. Bytes are absent where the server does not tell them. */
  | { readonly kind: "loading"; readonly model: string; readonly loadedBytes?: number; readonly totalBytes?: number }
  | { readonly kind: "thinking"; readonly text: string }
  /** A piece of the answer, as markdown; with the Unix ms at which it was first given, where it was kept since. */
  | { readonly kind: "text"; readonly text: string; readonly keptAtMs?: number }
  /** A call the model makes, whole. The answer goes on when its result is told in the next request. */
  | { readonly kind: "tool-call"; readonly call: ToolCall }
  | {
      readonly kind: "done";
      readonly stats: AnswerStats;
      readonly finish: "stop" | "length";
      /** Unix ms at which the answer was first given, where it was kept since. */
      readonly keptAtMs?: number;
    };
