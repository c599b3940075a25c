// One SQLite file that all windows and shells share: opened on first use, private, brought to the newest schema, and
// begun anew where it is broken.
import {
  chmodSync,
  closeSync,
  existsSync,
  mkdirSync,
  openSync,
  renameSync,
  rmdirSync,
  rmSync,
  statSync,
} from "node:fs";
import { dirname } from "node:path";
// biome-ignore lint/correctness/noUnresolvedImports: it is there from Node 22.13 on, the linter does not know it yet
import type { DatabaseSync, SQLInputValue, SQLOutputValue, StatementSync } from "node:sqlite";
import { setTimeout as sleep } from "node:timers/promises";
import { type Message, msg } from "../core/message.ts";

export interface SqliteOptions {
  readonly file: string;
  readonly nowMs: () => number;
  /** Something the person should hear. */
  readonly notice: (text: Message) => void;
  readonly log: (text: string) => void;
  /** Resolves with nothing in a host that has no SQLite. */
  readonly loadSqlite?: () => Promise<Sqlite | undefined>;
}

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
const retryMs = 10;
/** Whoever holds the right to set a broken file aside for longer than this has died of it. */
const mendingMs = 10_000;

export class SqliteFile {
  readonly #options: SqliteOptions;
  readonly #synchronous: "NORMAL" | "FULL";
  readonly #patienceMs: number;
  #sqlite: Promise<Sqlite | undefined> | undefined;
  readonly #trustMs: number;
  #connection: Connection | undefined;
  #seenMs = Number.NEGATIVE_INFINITY;

  /**
   * @param synchronous `FULL`: on the disk when a write returns, so that a loss of power does not take it
   * @param patienceMs how long others that write are waited for
   * @param trustMs how long the file is taken to be the one that was opened, without a look at the disk
   */
  constructor(options: SqliteOptions, synchronous: "NORMAL" | "FULL", patienceMs: number, trustMs = 0) {
    this.#trustMs = trustMs;
    this.#options = options;
    this.#synchronous = synchronous;
    this.#patienceMs = patienceMs;
  }

  /** @throws SqliteUnusable, or what SQLite throws. `work` may run again after a throw, so it does one thing. */
  async use<T>(work: (connection: Connection) => T): Promise<T> {
    this.#sqlite ??= (this.#options.loadSqlite ?? loadNodeSqlite)();
    const sqlite = await this.#sqlite;
    if (!sqlite) throw new SqliteUnusable("missing");
    const endMs = performance.now() + this.#patienceMs;
    for (let isMended = false; ; ) {
      const inode = this.#inode();
      try {
        return work(this.#open(sqlite, inode));
      } catch (error) {
        const mayMend = isBroken(error) && !isMended;
        if (mayMend && this.#setAside(inode)) isMended = true;
        else if ((mayMend || isBusy(error)) && performance.now() < endMs) await sleep(retryMs);
        else throw error;
      }
    }
  }

  close(): void {
    this.#connection?.close();
    this.#connection = undefined;
  }

  #inode(): bigint | undefined {
    const nowMs = performance.now();
    if (this.#connection && nowMs - this.#seenMs < this.#trustMs) return this.#connection.inode;
    this.#seenMs = nowMs;
    return inodeOf(this.#options.file);
  }

  /** What was set aside or deleted by another process is not written to any more. */
  #open(sqlite: Sqlite, inode: bigint | undefined): Connection {
    if (this.#connection && this.#connection.inode !== inode) this.close();
    this.#connection ??= openConnection(sqlite, this.#options.file, this.#synchronous);
    return this.#connection;
  }

  /** True when a good file can be begun; false when another process is just setting the broken one aside. */
  #setAside(inode: bigint | undefined): boolean {
    const { file, nowMs, notice, log } = this.#options;
    this.close();
    const right = `${file}.mending`;
    if (!takeRight(right)) return false;
    try {
      if (inodeOf(file) !== inode) return true;
      const aside = `${file}.broken-${nowMs()}`;
      // First: the new file must never find the log of the old one.
      if (existsSync(`${file}-wal`)) renameSync(`${file}-wal`, `${aside}-wal`);
      rmSync(`${file}-shm`, { force: true });
      renameSync(file, aside);
      log(`sqlite: ${file} is broken, set aside as ${aside}`);
      notice(msg("The file {0} was broken. It was set aside as {1}, and a new one begun.", file, aside));
      return true;
    } finally {
      rmdirSync(right);
    }
  }
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

function loadNodeSqlite(): Promise<Sqlite | undefined> {
  // biome-ignore lint/correctness/noUnresolvedImports: as above
  return import("node:sqlite").catch(() => undefined);
}

function openConnection(sqlite: Sqlite, file: string, synchronous: string): Connection {
  mkdirSync(dirname(file), { recursive: true, mode: 0o700 });
  // Made by us, so that nobody else can read it even for a moment; SQLite gives its logs the same rights.
  closeSync(openSync(file, "a", 0o600));
  for (const each of [file, `${file}-wal`, `${file}-shm`]) if (existsSync(each)) chmodSync(each, 0o600);
  const inode = inodeOf(file);
  const db = new sqlite.DatabaseSync(file);
  try {
    db.exec(`PRAGMA busy_timeout = ${busyMs}`);
    if (versionOf(db) > migrations.length) throw new SqliteUnusable("newer");
    db.exec(`PRAGMA journal_mode = WAL; PRAGMA synchronous = ${synchronous}; PRAGMA secure_delete = ON;`);
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

function inodeOf(file: string): bigint | undefined {
  return statSync(file, { bigint: true, throwIfNoEntry: false })?.ino;
}

/** A folder, since making one succeeds for one process only. */
function takeRight(folder: string): boolean {
  try {
    mkdirSync(folder);
    return true;
  } catch {
    const madeMs = statSync(folder, { throwIfNoEntry: false })?.mtimeMs ?? 0;
    if (Date.now() - madeMs > mendingMs) rmSync(folder, { recursive: true, force: true });
    return false;
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
function isBusy(error: unknown): boolean {
  return error instanceof Busy || [5, 6].includes(sqliteCode(error));
}

/** SQLITE_CORRUPT, SQLITE_NOTADB. */
function isBroken(error: unknown): boolean {
  return [11, 26].includes(sqliteCode(error));
}
