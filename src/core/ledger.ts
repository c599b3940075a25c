// What left this machine: one entry for each request that went to a place that is not here.
import type { Budgets } from "./cost.ts";
import type { PicturesSent } from "./pictures.ts";
import type { TaskKind } from "./task.ts";

export interface SentSource {
  readonly uri: string;
  /** Lines of it that were sent, from 1; absent: all of it, or not known. */
  readonly startLine?: number;
  readonly endLine?: number;
}

export interface LedgerEntry {
  readonly id: string;
  /** Unix ms at which it was sent. */
  readonly atMs: number;
  /** Host that it went to, such as `api.anthropic.com`. */
  readonly destination: string;
  readonly model: string;
  /** `embed`: vectors were made of texts; `keep`: answers were kept in a Redis. */
  readonly task: TaskKind | "embed" | "keep";
  /** Which door it was asked through. */
  readonly askedBy: "editor" | "shell" | "proxy" | "mcp";
  readonly sources: readonly SentSource[];
  /** Of all bodies that went out for it, every try with them; headers are not counted. */
  readonly bytes: number;
  /** Estimated when `outcome` is `sent`, else as the server counted. */
  readonly promptTokens: number;
  readonly answerTokens: number;
  /** US dollars: the most it can cost while `outcome` is `sent` and where it stopped half way, else what it did cost. */
  readonly costUsd: number;
  /** Who or what allowed it: `once`, `session`, `workspace`, `network` (a server of the person's own), `trustedHosts` or `serviceClaude` (those settings). */
  readonly allowedBy: string;
  /** Pictures, and documents that are no text, among it; absent: none, or an entry of an older version. */
  readonly pictures?: PicturesSent;
  /** Values that were replaced by placeholders before sending. */
  readonly maskedSecrets: number;
  readonly outcome: "sent" | "done" | "stopped" | "failed";
}

type FreeEntry = Omit<LedgerEntry, "id" | "sources" | "answerTokens" | "costUsd" | "maskedSecrets">;

/** An entry of what costs nothing, has no answer, and names no files. */
export function freeEntry(sent: FreeEntry): LedgerEntry {
  return { id: crypto.randomUUID(), sources: [], answerTokens: 0, costUsd: 0, maskedSecrets: 0, ...sent };
}

/** Append-only. Errors are `TaskError` of kind `storage`: what cannot be recorded is not sent. */
export interface Ledger {
  /** An entry with the id of an earlier one completes it; both stay stored. */
  append(entry: LedgerEntry): Promise<void>;
  /**
   * As `append`, for more of an entry that is stored and costs nothing: written a moment later, with others, and nobody
   * waits for it. Who reads this ledger sees it. A crash in between leaves the entry as it was.
   */
  note(entry: LedgerEntry): void;
  /**
   * As `append`, for a request that costs: where the most it can cost is within both budgets. Looking and recording are
   * one step, for all windows and shells that share the ledger (without SQLite: for this one), so that no two of them
   * spend the same money. It holds `costUsd` until it is completed, or lost.
   * @throws TaskError `cloud-limit`: nothing may be sent, also where what was spent this month is not known
   */
  reserve(entry: LedgerEntry, budgets: Budgets): Promise<void>;
  /** The last state of each entry, newest first. */
  list(): Promise<readonly LedgerEntry[]>;
  /** Sum of what all entries from then on count for now, US dollars. */
  spentUsd(sinceMs: number, nowMs: number): Promise<number>;
  /** The file that a record of this month was set aside as since it was broken: what was spent is not known. */
  lostRecord(nowMs: number): Promise<string | undefined>;
  /** Only for `forget everything`. */
  clear(): Promise<void>;
}
