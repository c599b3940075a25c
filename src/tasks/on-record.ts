// What leaves is in the ledger before it is sent, with the most it can cost; how it ended is added whatever happens.
import type { Budgets } from "../core/cost.ts";
import type { Ledger, LedgerEntry } from "../core/ledger.ts";
import type { Settings } from "../core/settings.ts";
import { type Stream, stream, watch } from "../core/stream.ts";
import { isAbort } from "../core/task-error.ts";

export interface RecordParts {
  readonly settings: () => Settings;
  readonly ledger: Ledger;
}

/** What becomes known of a request on its way. */
export type Progress = Partial<Pick<LedgerEntry, "outcome" | "costUsd" | "promptTokens" | "answerTokens" | "bytes">>;

/** Of what was stopped before it was sent. */
export const unsent: Progress = { costUsd: 0, promptTokens: 0, bytes: 0 };

export type Ended =
  | { readonly kind: "whole" }
  /** Whoever asked has left, or stopped it. */
  | { readonly kind: "stopped" }
  | { readonly kind: "failed"; readonly error: unknown };

export interface Sending<Event> {
  readonly entry: LedgerEntry;
  /** Whether it is paid for: then it has to be within the budgets. */
  readonly costs: boolean;
  readonly run: () => AsyncIterable<Event>;
  /** What an event tells of the end; until one says otherwise the request counts as stopped, at its greatest price. */
  readonly progressOf?: (event: Event) => Progress | undefined;
  /** What is known at the end. */
  readonly ended?: (how: Ended) => Progress;
}

/**
 * What cannot be recorded is not sent; nor is what could go over a budget.
 * @throws TaskError `storage`, `cloud-limit`, and what `run` throws
 */
export function onRecord<Event>(
  { entry, costs, run, progressOf, ended }: Sending<Event>,
  { ledger, settings }: RecordParts,
): Stream<Event> {
  return stream(async (take) => {
    await (costs ? ledger.reserve(entry, budgetsOf(settings())) : ledger.append(entry));
    let end: LedgerEntry = { ...entry, outcome: "stopped" };
    let how: Ended = { kind: "stopped" };
    try {
      await watch(run(), take, (event) => {
        const progress = progressOf?.(event);
        if (progress) end = { ...end, ...progress };
      });
      how = { kind: "whole" };
    } catch (error) {
      if (!isAbort(error)) {
        how = { kind: "failed", error };
        end = { ...end, outcome: "failed" };
      }
      throw error;
    } finally {
      const last = { ...end, ...ended?.(how) };
      if (costs) await ledger.append(last);
      else ledger.note(last);
    }
  });
}

export function budgetsOf({ dailyBudgetUsd, monthlyBudgetUsd }: Settings): Budgets {
  return { dailyUsd: dailyBudgetUsd, monthlyUsd: monthlyBudgetUsd };
}
