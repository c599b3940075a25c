// The question before anything leaves this machine.
import type { SentSource } from "./ledger.ts";
import type { Message } from "./message.ts";

/** A secret that would leave, as it is shown: never whole. */
export interface SecretAtRisk {
  readonly label: Message;
  /** First characters, then dots. */
  readonly preview: string;
  /** File it is in and its line there, where that is known. */
  readonly source?: string;
  readonly uri?: string;
  readonly line?: number;
}

/** What the person decides on. */
export interface LeaveQuestion {
  readonly model: string;
  readonly backend: string;
  /** Host that gets it. */
  readonly destination: string;
  /** False where the person has set up the server: then only secrets are asked about. */
  readonly needsConsent: boolean;
  readonly sources: readonly (SentSource & { readonly label: string })[];
  /** Earlier turns of the conversation that go along. */
  readonly turns: number;
  readonly requests: number;
  readonly promptTokens: number;
  readonly price?: { readonly minUsd: number; readonly maxUsd: number };
  readonly secrets: readonly SecretAtRisk[];
}

export type LeaveAnswer =
  | { readonly kind: "refuse" }
  /** `by`: for the ledger. Secrets are masked unless the person said otherwise for this once. */
  | { readonly kind: "allow"; readonly by: "once" | "session" | "workspace"; readonly secrets: "mask" | "send" };
