// The ledger in the SQLite file that all windows and shells share.
import type { Ledger } from "../core/ledger.ts";
import { readEntry, writeEntry } from "./ledger-entry.ts";
import { SqliteFile, type SqliteOptions } from "./sqlite.ts";

/** Others that write are waited for: an entry that is not recorded is a question that is not asked. */
const patienceMs = 10_000;
const lastStates = "FROM ledger AS state WHERE seq = (SELECT max(seq) FROM ledger WHERE id = state.id)";

/** Throws what SQLite throws; `createLedger` makes it a TaskError. */
export function createSqliteLedger(options: SqliteOptions): Ledger & { dispose(): void } {
  const file = new SqliteFile(options, "FULL", patienceMs);
  return {
    append: (entry) =>
      file.use((db) =>
        db.run(
          "INSERT INTO ledger (id, atMs, costUsd, entry) VALUES (?, ?, ?, ?)",
          entry.id,
          Math.round(entry.atMs),
          entry.costUsd,
          writeEntry(entry),
        ),
      ),
    list: () =>
      file.use((db) =>
        db
          .rows(`SELECT entry ${lastStates} ORDER BY atMs DESC, seq DESC`)
          .flatMap((row) => readEntry(row["entry"]) ?? []),
      ),
    spentUsd: (sinceMs) =>
      file.use((db) =>
        Number(db.row(`SELECT total(costUsd) AS spent ${lastStates} AND atMs >= ?`, sinceMs)?.["spent"]),
      ),
    clear: () =>
      file.use((db) => {
        db.run("DELETE FROM ledger");
        db.scrub();
      }),
    dispose: () => file.close(),
  };
}
