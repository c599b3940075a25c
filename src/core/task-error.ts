import { formatMessage, type Message } from "./message.ts";
import type { Remedies } from "./remedy.ts";

/**
 * What can go wrong, for hosts to map once each (notification, exit code, HTTP status).
 * - `bad-input`: the person gave something that cannot be worked on
 * - `context-overflow`: the prompt does not fit the model; nothing was sent, or the server refused it whole
 * - `model-missing`: no usable model is installed, or the pinned one is not
 * - `server-unreachable`: no model server answers
 * - `no-answer`: servers are there, and none began to answer in the time there was
 * - `server-lost`: it stopped answering in the middle of an answer
 * - `server-error`: it answered that it failed
 * - `bad-response`: it answered something that is not its protocol
 * - `storage`: disk full, no permission, broken file
 * - `network`: a download failed
 * - `local-only`: the text may not leave this machine and nothing here can answer; nothing was sent
 * - `cloud-limit`: it could go over a budget; nothing was sent
 * - `cloud-refused`: the cloud does not take the key, the account or the question
 * - `internal`: our own mistake
 */
export type TaskErrorKind =
  | "bad-input"
  | "context-overflow"
  | "model-missing"
  | "server-unreachable"
  | "no-answer"
  | "server-lost"
  | "server-error"
  | "bad-response"
  | "storage"
  | "network"
  | "local-only"
  | "cloud-limit"
  | "cloud-refused"
  | "internal";

/** Numbers and names a host may offer an action on; each kind fills what it knows. */
export interface TaskErrorDetails {
  /** Model that would help, by its tag (`model-missing`). */
  readonly suggestedModel?: string;
  /** Prompt size in tokens (`context-overflow`). */
  readonly promptTokens?: number;
  /** Largest prompt plus answer that fits, in tokens (`context-overflow`). */
  readonly contextTokens?: number;
  /** What would hold it (`context-overflow`). */
  readonly remedies?: Remedies;
  /** Models are in containers that do not run (`server-unreachable`). */
  readonly areContainersAway?: true;
  /** The built-in engine could answer, and the settings leave it out (`server-unreachable`). */
  readonly isBuiltInOff?: true;
  /** Offline is on, and nothing else keeps it (`local-only`). */
  readonly isOffline?: true;
  /** There is no container engine (`server-unreachable`). */
  readonly isEngineAway?: true;
  /** The server had not enough memory for the model (`server-error`). */
  readonly isOutOfMemory?: boolean;
  /** The server is at work with as much as it takes (`server-error`). */
  readonly isBusy?: boolean;
  /** The server takes no such question: asking it again changes nothing, and nothing is wrong with it (`server-error`). */
  readonly isRefused?: boolean;
  /** It was refused, or never sent: it costs nothing. */
  readonly isUnpaid?: boolean;
  /** After which asking again makes sense, ms. */
  readonly retryAfterMs?: number;
}

/** The one error that crosses layers. `message` is for the user and says what to do next; `cause` is for the log. */
export class TaskError extends Error {
  override readonly name = "TaskError";
  readonly kind: TaskErrorKind;
  /** The same text, translatable. */
  readonly text: Message;
  readonly details: TaskErrorDetails;

  constructor(kind: TaskErrorKind, text: Message, options: { cause?: unknown; details?: TaskErrorDetails } = {}) {
    super(formatMessage(text), options.cause === undefined ? undefined : { cause: options.cause });
    this.kind = kind;
    this.text = text;
    this.details = options.details ?? {};
  }
}

/** True for what an aborted signal throws. Cancelling is not an error: hosts end quietly. */
export function isAbort(error: unknown): boolean {
  return error instanceof Error && error.name === "AbortError";
}
