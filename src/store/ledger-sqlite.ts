// The ledger in the SQLite file that all windows and shells share.

import { createBatch } from "../core/batch.ts";
import { type Budgets, refuseOverBudget } from "../core/cost.ts";
import type { LedgerEntry } from "../core/ledger.ts";
import { countedUsd, lostAfterMs, periodsOf, type Spending } from "../core/spending.ts";
import { readEntry, writeEntry } from "./ledger-entry.ts";
import type { FileLedger } from "./ledger-lines.ts";
import { SqliteFile, type SqliteOptions } from "./sqlite.ts";
import type { Connection } from "./sqlite-connection.ts";

/** Others that write are waited for: an entry that is not recorded is a question that is not asked. */
const patienceMs = 10_000;
/** A disk takes some hundred writes a second: what nobody waits for is written together. */
const noteMs = 200;
const lastStates = "FROM ledger AS state WHERE seq = (SELECT max(seq) FROM ledger WHERE id = state.id)";

export interface SqliteLedger extends FileLedger {
  /** @param elsewhere what was spent beside this file */
  reserve(entry: LedgerEntry, budgets: Budgets, elsewhere?: Spending): Promise<void>;
  /** As `append`, a moment later. */
  note(entry: LedgerEntry): Promise<void>;
  /** Writes what waits. Resolves when it is written, or could not be. */
  flush(): Promise<void>;
  dispose(): void;
}

/** Throws what SQLite throws; `createLedger` makes it a TaskError. */
export function createSqliteLedger(options: SqliteOptions): SqliteLedger {
  const file = new SqliteFile(options, patienceMs);
  const batch = createBatch<Row>(
    (rows) =>
      file.write((db) =>
        db.together(() => {
          for (const row of rows) insert(db, row);
        }),
      ),
    noteMs,
  );
  let isFlushing = false;
  return {
    append(entry) {
      const written = batch.add(rowOf(entry));
      // What others ask for in the same turn goes to the disk with it.
      if (!isFlushing) {
        isFlushing = true;
        setImmediate(() => {
          isFlushing = false;
          void batch.flush();
        });
      }
      return written;
    },
    note: (entry) => batch.add(rowOf(entry)),
    flush: () => batch.flush(),
    reserve: (entry, budgets, { todayUsd, monthUsd } = { todayUsd: 0, monthUsd: 0 }) =>
      file.write((db) =>
        // The right to write is taken before the sums are read: nobody else records anything between.
        db.together(() => {
          const { dayMs, monthMs } = periodsOf(entry.atMs);
          refuseOverBudget(entry.costUsd, {
            ...budgets,
            spentTodayUsd: todayUsd + spentSince(db, dayMs, entry.atMs),
            spentMonthUsd: monthUsd + spentSince(db, monthMs, entry.atMs),
          });
          insert(db, rowOf(entry));
        }),
      ),
    list: () =>
      file.use((db) =>
        db
          .rows(`SELECT entry ${lastStates} ORDER BY atMs DESC, seq DESC`)
          .flatMap((row) => readEntry(row["entry"]) ?? []),
      ),
    spentUsd: (sinceMs, nowMs) => file.use((db) => spentSince(db, sinceMs, nowMs)),
    clear: () =>
      file.use((db) => {
        db.run("DELETE FROM ledger");
        db.scrub();
      }),
    dispose: () => file.close(),
  };
}

type Row = readonly [id: string, atMs: number, costUsd: number, entry: string];

/** @throws Error as `writeEntry` does */
function rowOf(entry: LedgerEntry): Row {
  return [entry.id, Math.round(entry.atMs), entry.costUsd, writeEntry(entry)];
}

function insert(db: Connection, row: Row): void {
  db.run("INSERT INTO ledger (id, atMs, costUsd, entry) VALUES (?, ?, ?, ?)", ...row);
}

function spentSince(db: Connection, sinceMs: number, nowMs: number): number {
  const recordedUsd = Number(db.row(`SELECT total(costUsd) AS spent ${lastStates} AND atMs >= ?`, sinceMs)?.["spent"]);
  const open = `${lastStates} AND atMs >= ? AND atMs < ? AND costUsd > 0 AND json_extract(entry, '$.outcome') = 'sent'`;
  return db
    .rows(`SELECT entry ${open}`, sinceMs, nowMs - lostAfterMs)
    .flatMap((row) => readEntry(row["entry"]) ?? [])
    .reduce((sum, lost) => sum - lost.costUsd + countedUsd(lost, nowMs), recordedUsd);
}
