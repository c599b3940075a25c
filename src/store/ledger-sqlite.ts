// The ledger in the SQLite file that all windows and shells share.
import { type Budgets, refuseOverBudget } from "../core/cost.ts";
import type { Ledger, LedgerEntry } from "../core/ledger.ts";
import { givenUp, lostAfterMs, periodsOf, type Spending } from "../core/spending.ts";
import { readEntry, writeEntry } from "./ledger-entry.ts";
import { type Connection, SqliteFile, type SqliteOptions } from "./sqlite.ts";

/** Others that write are waited for: an entry that is not recorded is a question that is not asked. */
const patienceMs = 10_000;
const lastStates = "FROM ledger AS state WHERE seq = (SELECT max(seq) FROM ledger WHERE id = state.id)";

export interface SqliteLedger extends Ledger {
  /** @param elsewhere what was spent beside this file */
  reserve(entry: LedgerEntry, budgets: Budgets, elsewhere?: Spending): Promise<void>;
  dispose(): void;
}

/** Throws what SQLite throws; `createLedger` makes it a TaskError. */
export function createSqliteLedger(options: SqliteOptions): SqliteLedger {
  const file = new SqliteFile(options, "FULL", patienceMs);
  return {
    append: (entry) => file.use((db) => insert(db, entry)),
    reserve: (entry, budgets, { todayUsd, monthUsd } = { todayUsd: 0, monthUsd: 0 }) =>
      file.use((db) =>
        // The right to write is taken before the sums are read: nobody else records anything between.
        db.together(() => {
          const { dayMs, monthMs } = periodsOf(entry.atMs);
          for (const lost of lostSince(db, monthMs, entry.atMs - lostAfterMs)) insert(db, givenUp(lost));
          refuseOverBudget(entry.costUsd, {
            ...budgets,
            spentTodayUsd: todayUsd + spentSince(db, dayMs),
            spentMonthUsd: monthUsd + spentSince(db, monthMs),
          });
          insert(db, entry);
        }),
      ),
    list: () =>
      file.use((db) =>
        db
          .rows(`SELECT entry ${lastStates} ORDER BY atMs DESC, seq DESC`)
          .flatMap((row) => readEntry(row["entry"]) ?? []),
      ),
    spentUsd: (sinceMs) => file.use((db) => spentSince(db, sinceMs)),
    clear: () =>
      file.use((db) => {
        db.run("DELETE FROM ledger");
        db.scrub();
      }),
    dispose: () => file.close(),
  };
}

function insert(db: Connection, entry: LedgerEntry): void {
  db.run(
    "INSERT INTO ledger (id, atMs, costUsd, entry) VALUES (?, ?, ?, ?)",
    entry.id,
    Math.round(entry.atMs),
    entry.costUsd,
    writeEntry(entry),
  );
}

function spentSince(db: Connection, sinceMs: number): number {
  return Number(db.row(`SELECT total(costUsd) AS spent ${lastStates} AND atMs >= ?`, sinceMs)?.["spent"]);
}

/** Requests of that time whose end was never told. */
function lostSince(db: Connection, sinceMs: number, untilMs: number): readonly LedgerEntry[] {
  return db
    .rows(`SELECT entry ${lastStates} AND atMs >= ? AND atMs < ? AND costUsd > 0`, sinceMs, untilMs)
    .flatMap((row) => readEntry(row["entry"]) ?? [])
    .filter(({ outcome }) => outcome === "sent");
}
