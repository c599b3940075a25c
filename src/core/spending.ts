import { costUsd } from "./cost.ts";
import type { Ledger, LedgerEntry } from "./ledger.ts";

export interface Spending {
  readonly todayUsd: number;
  readonly monthUsd: number;
}

/** Midnight and the first of the month before that time, by this machine's clock; Unix ms. */
export function periodsOf(nowMs: number): { readonly dayMs: number; readonly monthMs: number } {
  const now = new Date(nowMs);
  const [year, month] = [now.getFullYear(), now.getMonth()];
  return {
    dayMs: new Date(year, month, now.getDate()).getTime(),
    monthMs: new Date(year, month, 1).getTime(),
  };
}

/** What was spent since midnight and since the first of the month. */
export async function spendingOf(ledger: Pick<Ledger, "spentUsd">, nowMs: number): Promise<Spending> {
  const { dayMs, monthMs } = periodsOf(nowMs);
  return { todayUsd: await ledger.spentUsd(dayMs, nowMs), monthUsd: await ledger.spentUsd(monthMs, nowMs) };
}

/** Longer than any answer takes: whoever asked then has died, and the end of it will not be told any more. */
export const lostAfterMs = 2 * 60 * 60 * 1000;

/**
 * What an entry counts for: of a request whose end was never told the prompt, which has been paid for; the answer no
 * longer holds the most it could have cost.
 */
export function countedUsd({ outcome, atMs, costUsd: recordedUsd, model, promptTokens }: LedgerEntry, nowMs: number) {
  if (outcome !== "sent" || atMs >= nowMs - lostAfterMs) return recordedUsd;
  const prompt = { inputTokens: 0, cacheWriteTokens: promptTokens, cacheReadTokens: 0, outputTokens: 0 };
  return Math.min(recordedUsd, costUsd(model, prompt));
}
