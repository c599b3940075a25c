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
  return { todayUsd: await ledger.spentUsd(dayMs), monthUsd: await ledger.spentUsd(monthMs) };
}

/** Longer than any answer takes: whoever asked then has died, and the end of it will not be told any more. */
export const lostAfterMs = 2 * 60 * 60 * 1000;

/**
 * The last state of a request whose end was never told: its prompt has been paid for, and the answer no longer holds
 * the most it could have cost.
 */
export function givenUp(entry: LedgerEntry): LedgerEntry {
  const { model, promptTokens } = entry;
  const promptUsd = costUsd(model, {
    inputTokens: 0,
    cacheWriteTokens: promptTokens,
    cacheReadTokens: 0,
    outputTokens: 0,
  });
  return { ...entry, costUsd: Math.min(entry.costUsd, promptUsd), outcome: "stopped" };
}
