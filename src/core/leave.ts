// The question before anything leaves this machine.

import { formatBytes } from "./format-bytes.ts";
import type { SentSource } from "./ledger.ts";
import { type Message, msg } from "./message.ts";
import type { PicturesSent } from "./pictures.ts";

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
  /** The product asks of its own accord, to better an answer: what is remembered does not count. */
  readonly isUnbidden: boolean;
  /** The person named this model, for the question or for its kind: where it may not have it, nobody else answers. */
  readonly isNamed: boolean;
  readonly sources: readonly (SentSource & { readonly label: string })[];
  /** Earlier turns of the conversation that go along. */
  readonly turns: number;
  readonly requests: number;
  readonly promptTokens: number;
  readonly price?: { readonly minUsd: number; readonly maxUsd: number };
  readonly secrets: readonly SecretAtRisk[];
  /** In them no secrets can be looked for. */
  readonly pictures: PicturesSent;
}

export interface Allowed {
  readonly kind: "allow";
  /** For the ledger. */
  readonly by: "once" | "session" | "workspace";
  /** Masked unless the person said otherwise for this once. */
  readonly secrets: "mask" | "send";
}

export type LeaveAnswer = { readonly kind: "refuse" } | Allowed;

/** By what it is allowed already; undefined: the person has to be asked whether it may go at all. */
export function allowedAlready(
  { needsConsent, isUnbidden }: Pick<LeaveQuestion, "needsConsent" | "isUnbidden">,
  remembered: "session" | "workspace" | undefined,
): Allowed["by"] | undefined {
  if (!needsConsent) return "once";
  return isUnbidden ? undefined : remembered;
}

/** In plain words what nobody has searched; undefined where there is nothing. */
export function unsearchedText({ count, bytes }: PicturesSent): Message | undefined {
  if (count === 0) return undefined;
  return count === 1
    ? msg(
        "A picture goes along ({0}). Nobody can look for secrets in it: whatever is to be seen on it is sent.",
        formatBytes(bytes),
      )
    : msg(
        "{0} pictures go along ({1}). Nobody can look for secrets in them: whatever is to be seen on them is sent.",
        count,
        formatBytes(bytes),
      );
}
