// What is remembered of an answer for advice: numbers and names of models, never a word of what was asked or said.
import type { TaskKind } from "./task.ts";

export interface RunRecord {
  readonly atMs: number;
  readonly model: string;
  readonly backend: string;
  readonly task: TaskKind;
  readonly outcome: "done" | "failed" | "out-of-memory";
  readonly promptTokens: number;
  readonly answerTokens: number;
  /** Loading the model, ms; 0: it was loaded. */
  readonly loadMs: number;
  readonly prefillMs: number;
  readonly decodeMs: number;
  /** Answers that this window or shell worked on at the same time, itself included. */
  readonly inFlight: number;
  /** Context that the model was loaded with, tokens. */
  readonly contextTokens?: number;
  /** Share of the model that was not on a graphics card, 0 to 1; absent where no card is used at all. */
  readonly processorShare?: number;
  /** Models that were pushed out of memory when this one was loaded. */
  readonly evicted?: readonly string[];
}

/** Where runs are kept. */
export interface Runs {
  /** Oldest first, the latest some hundreds. */
  list(): Promise<readonly RunRecord[]>;
  add(records: readonly RunRecord[]): Promise<void>;
  clear(): Promise<void>;
}
