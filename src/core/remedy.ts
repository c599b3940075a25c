import type { Message } from "./message.ts";

export interface LargerWindow {
  readonly contextTokens: number;
  /** Whether the memory holds it, in a sentence. */
  readonly says: Message;
  /** The sum, a line each. */
  readonly lines: readonly Message[];
}

export interface Remedies {
  readonly model: string;
  /** Of the same model; absent where it was trained for no more, or the memory does not hold it. */
  readonly window?: LargerWindow;
  /** Installed models that hold it as things are set, the largest first. */
  readonly models: readonly string[];
}
