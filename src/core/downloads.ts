// Downloads of models, shared by all windows and shells of a person.
import type { PullProgress } from "./backend.ts";
import type { Message } from "./message.ts";

/** `interrupted`: whoever did it is gone without a word; it goes on from where it stopped. */
export type DownloadState = "running" | "paused" | "failed" | "interrupted";

export interface Download extends PullProgress {
  readonly model: string;
  /** Name of the server that gets it. */
  readonly backend: string;
  readonly state: DownloadState;
  /** Why it failed. */
  readonly error?: Message;
}

/** Everything that takes a signal throws `TaskError` or an `AbortError` only. */
export interface Downloads {
  /** Those of all windows and shells that are not finished, in the order of their names. */
  list(): Promise<readonly Download[]>;
  /**
   * Gets a model; where another window or shell is at it, follows that, and goes on should it end in the middle.
   * Aborting pauses it where it is done here. Ends when the model is there; paused or cancelled elsewhere: `AbortError`.
   */
  pull(model: string, signal: AbortSignal): AsyncIterable<PullProgress>;
  /** Wherever it is done: what arrived is kept, and nobody goes on by himself. */
  pause(model: string): Promise<void>;
  /** Wherever it is done: what arrived is thrown away where the server lets us. */
  cancel(model: string, signal: AbortSignal): Promise<void>;
}
