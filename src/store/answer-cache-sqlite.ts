// Kept answers in one SQLite file that all windows and shells share.
import { chmodSync, closeSync, mkdirSync, openSync, renameSync, rmSync } from "node:fs";
import { dirname } from "node:path";
// biome-ignore lint/correctness/noUnresolvedImports: in Node since 22.13
import type { DatabaseSync } from "node:sqlite";
import type { AnswerCache } from "../core/answer-cache.ts";
import { type Message, msg } from "../core/message.ts";
import { readAnswer, writeAnswer } from "./answer-json.ts";

export interface SqliteCacheOptions {
  readonly file: string;
  readonly nowMs: () => number;
  /** Something the person should hear. */
  readonly notice: (text: Message) => void;
  readonly log: (text: string) => void;
  readonly maxEntries?: number;
  readonly maxBytes?: number;
}

/** Each brings the schema one version further; `user_version` counts them. */
const migrations = [
  "CREATE TABLE answers (key TEXT PRIMARY KEY, value TEXT NOT NULL, bytes INTEGER NOT NULL, usedMs INTEGER NOT NULL) STRICT; CREATE INDEX answersByUse ON answers (usedMs);",
];
const busyMs = 2000;
/** So much younger than its last note of use, an answer is not noted as used again: reading should not write. */
const noteUseAfterMs = 3_600_000;

/** Opened on first use. Where it cannot be opened or is lost, there are no answers in it and nothing fails. */
export function createSqliteCache(options: SqliteCacheOptions): AnswerCache & { dispose(): Promise<void> } {
  const { nowMs, log } = options;
  const maxEntries = options.maxEntries ?? 1000;
  const maxBytes = options.maxBytes ?? 64 * 2 ** 20;
  let database: Promise<DatabaseSync | undefined> | undefined;

  const using = async <T>(work: (db: DatabaseSync) => T): Promise<T | undefined> => {
    database ??= openSqlite(options);
    const db = await database;
    if (!db) return undefined;
    try {
      return work(db);
    } catch (error) {
      log(`answer cache: ${error instanceof Error ? error.message : String(error)}`);
      return undefined;
    }
  };
  const prune = (db: DatabaseSync) => {
    const { entries, bytes } = sizeOf(db);
    if (entries <= maxEntries && bytes <= maxBytes) return;
    // The oldest go, a tenth more than needed, so that the next one does not prune again.
    const drop = db.prepare("DELETE FROM answers WHERE key IN (SELECT key FROM answers ORDER BY usedMs LIMIT ?)");
    const surplus = Math.max(entries - maxEntries, Math.ceil((entries * Math.max(0, bytes - maxBytes)) / bytes));
    drop.run(surplus + Math.ceil(maxEntries / 10));
  };

  return {
    get: async (key) =>
      using((db) => {
        const row = db.prepare("SELECT value, usedMs FROM answers WHERE key = ?").get(key);
        if (!row) return undefined;
        const answer = readAnswer(row["value"]);
        if (!answer) db.prepare("DELETE FROM answers WHERE key = ?").run(key);
        else if (nowMs() - Number(row["usedMs"]) > noteUseAfterMs) {
          db.prepare("UPDATE answers SET usedMs = ? WHERE key = ?").run(nowMs(), key);
        }
        return answer;
      }),
    async put(key, answer) {
      await using((db) => {
        const value = writeAnswer(answer);
        const bytes = Buffer.byteLength(value);
        if (bytes > maxBytes / 4) return;
        db.prepare("INSERT OR REPLACE INTO answers VALUES (?, ?, ?, ?)").run(key, value, bytes, nowMs());
        prune(db);
      });
    },
    async clear() {
      // `secure_delete` is on: what is deleted is overwritten, in the log as well.
      await using((db) =>
        db.exec("DELETE FROM answers; PRAGMA wal_checkpoint(TRUNCATE); VACUUM; PRAGMA wal_checkpoint(TRUNCATE);"),
      );
    },
    async dispose() {
      (await database)?.close();
      database = undefined;
    },
  };
}

function sizeOf(db: DatabaseSync): { entries: number; bytes: number } {
  const row = db.prepare("SELECT count(*) AS entries, total(bytes) AS bytes FROM answers").get();
  return { entries: Number(row?.["entries"] ?? 0), bytes: Number(row?.["bytes"] ?? 0) };
}

async function openSqlite(options: SqliteCacheOptions): Promise<DatabaseSync | undefined> {
  // biome-ignore lint/correctness/noUnresolvedImports: in Node since 22.13
  const sqlite = await import("node:sqlite").catch(() => undefined);
  if (!sqlite) return undefined;
  const open = () => openMigrated(new sqlite.DatabaseSync(options.file), options);
  try {
    mkdirSync(dirname(options.file), { recursive: true, mode: 0o700 });
    // Made by us, so that nobody else can read it even for a moment; SQLite gives its logs the same rights.
    closeSync(openSync(options.file, "a", 0o600));
    chmodSync(options.file, 0o600);
    return open();
  } catch (error) {
    if (!isBroken(error)) {
      options.log(`answer cache: ${error instanceof Error ? error.message : String(error)}`);
      return undefined;
    }
  }
  try {
    const aside = `${options.file}.broken-${options.nowMs()}`;
    renameSync(options.file, aside);
    // Its logs belong to it, not to the new one.
    for (const log of ["-wal", "-shm"]) rmSync(`${options.file}${log}`, { force: true });
    closeSync(openSync(options.file, "a", 0o600));
    options.notice(msg("The file of kept answers was broken. It was set aside as {0}, and a new one begun.", aside));
    return open();
  } catch {
    return undefined;
  }
}

function openMigrated(db: DatabaseSync, { log }: SqliteCacheOptions): DatabaseSync | undefined {
  try {
    db.exec(
      `PRAGMA busy_timeout = ${busyMs}; PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL; PRAGMA secure_delete = ON;`,
    );
    const version = () => Number(db.prepare("PRAGMA user_version").get()?.["user_version"] ?? 0);
    if (version() > migrations.length) {
      log("answer cache: written by a newer version of Switchyard; not used");
      db.close();
      return undefined;
    }
    while (version() < migrations.length) {
      // Another window may be doing the same: whoever comes second finds it done.
      db.exec("BEGIN IMMEDIATE");
      const at = version();
      if (at < migrations.length) db.exec(`${migrations[at]} PRAGMA user_version = ${at + 1};`);
      db.exec("COMMIT");
    }
    return db;
  } catch (error) {
    db.close();
    throw error;
  }
}

/** SQLITE_CORRUPT and SQLITE_NOTADB. */
function isBroken(error: unknown): boolean {
  const code = error instanceof Error && "errcode" in error ? Number(error.errcode) & 0xff : 0;
  return code === 11 || code === 26;
}
