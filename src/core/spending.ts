import type { Ledger } from "./ledger.ts";

export interface Spending {
  readonly todayUsd: number;
  readonly monthUsd: number;
}

/** What was spent since midnight and since the first of the month, by this machine's clock. */
export async function spendingOf(ledger: Pick<Ledger, "spentUsd">, nowMs: number): Promise<Spending> {
  const now = new Date(nowMs);
  const [year, month] = [now.getFullYear(), now.getMonth()];
  return {
    todayUsd: await ledger.spentUsd(new Date(year, month, now.getDate()).getTime()),
    monthUsd: await ledger.spentUsd(new Date(year, month, 1).getTime()),
  };
}
