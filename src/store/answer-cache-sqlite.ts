// Kept answers in the SQLite file that all windows and shells share.
import type { AnswerCache, CachedAnswer } from "../core/answer-cache.ts";
import { createBatch } from "../core/batch.ts";
import { reasonOf } from "../core/reason-of.ts";
import { readAnswer, writeAnswer } from "./answer-json.ts";
import { SqliteFile, type SqliteOptions } from "./sqlite.ts";
import { type Connection, SqliteUnusable } from "./sqlite-connection.ts";

export interface SqliteCacheOptions extends SqliteOptions {
  readonly maxEntries?: number;
  readonly maxBytes?: number;
  /** So long an answer may be in memory only, ms. */
  readonly writeAfterMs?: number;
}

/** A cache does not wait long for others that write. */
const patienceMs = 100;
/** So long an answer may go into a file that another program has just deleted: it is only asked for once more. */
const trustMs = 25;
/** So much younger than its last note of use, an answer is not noted as used again: reading should not write. */
const noteUseAfterMs = 3_600_000;

/** Rows that are written in one go, at most, ten times in a second: a disk is not kept busy for what is in memory, too. */
const rowsAtOnce = 20;

/** Opened on first use. Where it cannot be opened or is lost, there are no answers in it and nothing fails. */
export function createSqliteCache(options: SqliteCacheOptions): AnswerCache & { dispose(): Promise<void> } {
  const { nowMs, log, maxEntries = 1000, maxBytes = 64 * 2 ** 20, writeAfterMs = 100 } = options;
  const file = new SqliteFile(options, patienceMs, trustMs);
  const use = createUse(log);
  // What so many have followed would be deleted again at once.
  const limits = { atOnce: rowsAtOnce, waiting: Math.max(rowsAtOnce, maxEntries) };
  const pending = createBatch<Kept>(
    (kept) => writeRows(kept.flatMap((each) => rowOf(each, maxBytes))),
    writeAfterMs,
    limits,
  );
  const isFull = createFill(maxEntries, maxBytes);
  const keys = createKeys();

  const writeRows = (rows: readonly Row[]) =>
    use(file, (db) => {
      db.together(() => {
        for (const row of rows) insert(db, row);
      });
      for (const { key } of rows) keys.add(key);
      if (!isFull(db, rows)) return;
      prune(db, maxEntries, maxBytes);
      keys.forget();
    });

  return {
    async get(key) {
      if (keys.isMissing(key)) return undefined;
      return use(file, (db) => {
        keys.look(db);
        if (keys.isMissing(key)) return undefined;
        const row = db.row("SELECT value, usedMs FROM answers WHERE key = ?", key);
        if (!row) return undefined;
        const answer = readAnswer(row["value"]);
        if (!answer) db.run("DELETE FROM answers WHERE key = ?", key);
        else if (Math.abs(nowMs() - Number(row["usedMs"])) > noteUseAfterMs) noteUse(db, key, nowMs());
        return answer;
      });
    },
    put: (key, answer) => pending.add({ key, usedMs: nowMs(), answer }),
    async clear() {
      await pending.flush();
      // For as long as it takes: this one must not be lost to somebody else's writing.
      const patient = new SqliteFile(options, 5000);
      await use(patient, (db) => {
        db.run("DELETE FROM answers");
        db.scrub();
      });
      patient.close();
    },
    async dispose() {
      await pending.flush();
      file.close();
    },
  };
}

/** Uses a file as long as it can be; then, and where that fails, there is nothing in it. */
function createUse(log: SqliteOptions["log"]) {
  let isOff = false;
  return async <T>(file: SqliteFile, work: (db: Connection) => T): Promise<T | undefined> => {
    if (isOff) return undefined;
    try {
      return await file.use(work);
    } catch (error) {
      if (error instanceof SqliteUnusable) isOff = true;
      log(`answer cache: ${reasonOf(error)}`);
      return undefined;
    }
  };
}

interface Kept {
  readonly key: string;
  readonly usedMs: number;
  readonly answer: CachedAnswer;
}

interface Row extends Omit<Kept, "answer"> {
  readonly bytes: number;
  readonly value: string;
}

/** None for an answer that would take the place of too many others. */
function rowOf({ key, usedMs, answer }: Kept, maxBytes: number): readonly Row[] {
  const value = writeAnswer(answer);
  const bytes = Buffer.byteLength(value);
  return bytes > maxBytes / 4 ? [] : [{ key, usedMs, bytes, value }];
}

/**
 * Which answers are in the file. Nearly every question is a new one, and to look for each would cost more than all else
 * that is done to find it. What another program has just put may be missed, and is then asked for once more.
 */
function createKeys() {
  let known: { readonly db: Connection; readonly version: unknown; readonly keys: Set<string> } | undefined;
  let lookedMs = Number.NEGATIVE_INFINITY;
  return {
    /** Whether it is certain that there is none. */
    isMissing: (key: string) => performance.now() - lookedMs < trustMs && known?.keys.has(key) === false,
    look(db: Connection): void {
      // Changes with what others have written, not with what we have.
      const version = db.row("PRAGMA data_version")?.["data_version"];
      if (known?.db !== db || known.version !== version) {
        known = { db, version, keys: new Set(db.rows("SELECT key FROM answers").map((row) => String(row["key"]))) };
      }
      lookedMs = performance.now();
    },
    add: (key: string) => void known?.keys.add(key),
    forget(): void {
      known = undefined;
    },
  };
}

function insert(db: Connection, { key, usedMs, bytes, value }: Row): void {
  db.run("INSERT OR REPLACE INTO answers (key, usedMs, bytes, value) VALUES (?, ?, ?, ?)", key, usedMs, bytes, value);
}

/** Looks again after so many rows: others write, too. */
const lookAfterRows = 100;

/** Whether it may be too full, by what was seen last and written since; to look at every row would cost more than it. */
function createFill(maxEntries: number, maxBytes: number) {
  let seen: { entries: number; bytes: number; rows: number } | undefined;
  return (db: Connection, rows: readonly Row[]): boolean => {
    if (seen) {
      seen.entries += rows.length;
      seen.rows += rows.length;
      for (const row of rows) seen.bytes += row.bytes;
      if (seen.rows < lookAfterRows && seen.entries <= maxEntries && seen.bytes <= maxBytes) return false;
    }
    const size = db.row("SELECT count(*) AS entries, total(bytes) AS bytes FROM answers");
    seen = { entries: Number(size?.["entries"]), bytes: Number(size?.["bytes"]), rows: 0 };
    const isFull = seen.entries > maxEntries || seen.bytes > maxBytes;
    if (isFull) seen = undefined;
    return isFull;
  };
}

/** An answer is no less an answer where its use cannot be noted. */
function noteUse(db: Connection, key: string, atMs: number): void {
  try {
    db.run("UPDATE answers SET usedMs = ? WHERE key = ?", atMs, key);
  } catch {
    // Full, or somebody else is writing: it counts as older than it is.
  }
}

/** The least recently used go, and a fifth more: to look at every row for each that comes would cost more than it. */
function prune(db: Connection, maxEntries: number, maxBytes: number): void {
  db.run(
    `DELETE FROM answers WHERE rowid IN (SELECT rowid FROM (
       SELECT rowid, row_number() OVER newest AS place, sum(bytes) OVER newest AS upTo FROM answers
       WINDOW newest AS (ORDER BY usedMs DESC, rowid DESC ROWS UNBOUNDED PRECEDING))
     WHERE place > ? OR upTo > ?)`,
    Math.max(1, Math.floor(maxEntries * 0.8)),
    Math.floor(maxBytes * 0.8),
  );
}
