// An open SQLite file: private, brought to the newest schema, with the statements that were used on it.
import { chmodSync, closeSync, existsSync, mkdirSync, openSync, statSync } from "node:fs";
import { dirname } from "node:path";
// biome-ignore lint/correctness/noUnresolvedImports: it is there from Node 22.13 on, the linter does not know it yet
import type { DatabaseSync, SQLInputValue, SQLOutputValue, StatementSync } from "node:sqlite";

export interface Sqlite {
  readonly DatabaseSync: new (file: string) => DatabaseSync;
}
export type SqliteRow = Readonly<Record<string, SQLOutputValue>>;

/** `missing`: this host has no SQLite. `newer`: a newer version wrote the file, which is left as it is. */
export class SqliteUnusable extends Error {
  override readonly name = "SqliteUnusable";
  readonly reason: "missing" | "newer";
  constructor(reason: "missing" | "newer") {
    super(reason === "missing" ? "this host has no SQLite" : "written by a newer version of Switchyard");
    this.reason = reason;
  }
}

/** Each brings the schema one version further; `user_version` counts them. */
const migrations = [
  `CREATE TABLE answers (key TEXT PRIMARY KEY, usedMs INTEGER NOT NULL, bytes INTEGER NOT NULL, value TEXT NOT NULL) STRICT;
   CREATE INDEX answersByUse ON answers (usedMs, bytes);
   CREATE TABLE ledger (seq INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT NOT NULL, atMs INTEGER NOT NULL, costUsd REAL NOT NULL, entry TEXT NOT NULL) STRICT;
   CREATE INDEX ledgerById ON ledger (id);
   CREATE INDEX ledgerByTime ON ledger (atMs);
   CREATE TRIGGER ledgerIsOnlyAddedTo BEFORE UPDATE ON ledger BEGIN SELECT RAISE(ABORT, 'the ledger is only added to'); END;`,
];
/** SQLite waits with the whole window standing still: briefly, then we wait without it. */
const busyMs = 20;

export function openConnection(sqlite: Sqlite, file: string): Connection {
  mkdirSync(dirname(file), { recursive: true, mode: 0o700 });
  // Made by us, so that nobody else can read it even for a moment; SQLite gives its logs the same rights.
  closeSync(openSync(file, "a", 0o600));
  for (const each of [file, `${file}-wal`, `${file}-shm`]) if (existsSync(each)) chmodSync(each, 0o600);
  const inode = inodeOf(file);
  const db = new sqlite.DatabaseSync(file);
  try {
    db.exec(`PRAGMA busy_timeout = ${busyMs}`);
    if (versionOf(db) > migrations.length) throw new SqliteUnusable("newer");
    const { journal_mode: mode } = db.prepare("PRAGMA journal_mode = WAL").get() ?? {};
    // Some network drives have no log beside the file: there SQLite itself sees to the disk.
    db.exec(`PRAGMA synchronous = ${mode === "wal" ? "NORMAL" : "FULL"}; PRAGMA secure_delete = ON;`);
    // What is rebuilt passes through memory, not through a file in a folder for everybody.
    db.exec("PRAGMA temp_store = MEMORY");
    migrate(db);
    return new Connection(db, inode);
  } catch (error) {
    db.close();
    throw error;
  }
}

function migrate(db: DatabaseSync): void {
  while (versionOf(db) < migrations.length) {
    db.exec("BEGIN IMMEDIATE");
    try {
      // Another window may have been at it: whoever comes second finds it done.
      const at = versionOf(db);
      if (at < migrations.length) db.exec(`${migrations[at]}; PRAGMA user_version = ${at + 1};`);
      db.exec("COMMIT");
    } catch (error) {
      if (db.isTransaction) db.exec("ROLLBACK");
      throw error;
    }
  }
}

function versionOf(db: DatabaseSync): number {
  return Number(db.prepare("PRAGMA user_version").get()?.["user_version"] ?? 0);
}

export function inodeOf(file: string): bigint | undefined {
  return statSync(file, { bigint: true, throwIfNoEntry: false })?.ino;
}

/** An open file, with the statements that were used on it. */
export class Connection {
  readonly inode: bigint | undefined;
  readonly #db: DatabaseSync;
  readonly #statements = new Map<string, StatementSync>();

  constructor(db: DatabaseSync, inode: bigint | undefined) {
    this.#db = db;
    this.inode = inode;
  }

  run(sql: string, ...values: SQLInputValue[]): void {
    this.#statement(sql).run(...values);
  }
  row(sql: string, ...values: SQLInputValue[]): SqliteRow | undefined {
    return this.#statement(sql).get(...values);
  }
  rows(sql: string, ...values: SQLInputValue[]): readonly SqliteRow[] {
    return this.#statement(sql).all(...values);
  }

  /** All of it or nothing, and once to the disk. */
  together(work: () => void): void {
    this.run("BEGIN IMMEDIATE");
    try {
      work();
      this.run("COMMIT");
    } catch (error) {
      if (this.#db.isTransaction) this.run("ROLLBACK");
      throw error;
    }
  }

  /** After a deletion: nothing of it is left in the file or in its log. Throws as busy while another one reads. */
  scrub(): void {
    const checkpoint = () => {
      const result = this.row("PRAGMA wal_checkpoint(TRUNCATE)");
      if (Number(result?.["busy"]) !== 0) throw new Busy("the log is in use");
    };
    checkpoint();
    try {
      this.#db.exec("VACUUM");
    } catch (error) {
      // What was deleted is overwritten already; a full disk only keeps the file from shrinking.
      if (isBusy(error) || isBroken(error)) throw error;
    }
    checkpoint();
  }

  close(): void {
    this.#statements.clear();
    this.#db.close();
  }

  #statement(sql: string): StatementSync {
    const known = this.#statements.get(sql);
    if (known) return known;
    const statement = this.#db.prepare(sql);
    this.#statements.set(sql, statement);
    return statement;
  }
}

class Busy extends Error {
  override readonly name = "Busy";
}

/** SQLite's result code, without what it says beyond; 0 for other errors. */
export function sqliteCode(error: unknown): number {
  return error instanceof Error && "errcode" in error ? Number(error.errcode) & 0xff : 0;
}

/** SQLITE_BUSY, SQLITE_LOCKED. */
export function isBusy(error: unknown): boolean {
  return error instanceof Busy || [5, 6].includes(sqliteCode(error));
}

/** SQLITE_CORRUPT, SQLITE_NOTADB. */
export function isBroken(error: unknown): boolean {
  return [11, 26].includes(sqliteCode(error));
}
