// One SQLite file that all windows and shells share: opened on first use, private, brought to the newest schema, and
// begun anew where it is broken.
import { existsSync, mkdirSync, renameSync, rmdirSync, rmSync, statSync } from "node:fs";
import { open } from "node:fs/promises";
import { setTimeout as sleep } from "node:timers/promises";
import { type Message, msg } from "../core/message.ts";
import {
  type Connection,
  inodeOf,
  isBroken,
  isBusy,
  openConnection,
  type Sqlite,
  SqliteUnusable,
} from "./sqlite-connection.ts";

export interface SqliteOptions {
  readonly file: string;
  readonly nowMs: () => number;
  /** Something the person should hear. */
  readonly notice: (text: Message) => void;
  readonly log: (text: string) => void;
  /** Resolves with nothing in a host that has no SQLite. */
  readonly loadSqlite?: () => Promise<Sqlite | undefined>;
}

const retryMs = 10;
/** Whoever holds the right to set a broken file aside for longer than this has died of it. */
const mendingMs = 10_000;

export class SqliteFile {
  readonly #options: SqliteOptions;
  readonly #patienceMs: number;
  #sqlite: Promise<Sqlite | undefined> | undefined;
  readonly #trustMs: number;
  #connection: Connection | undefined;
  #seenMs = Number.NEGATIVE_INFINITY;

  /**
   * @param patienceMs how long others that write are waited for
   * @param trustMs how long the file is taken to be the one that was opened, without a look at the disk
   */
  constructor(options: SqliteOptions, patienceMs: number, trustMs = 0) {
    this.#trustMs = trustMs;
    this.#options = options;
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

  /**
   * As `use`, and on the disk when it resolves, so that a loss of power does not take it. SQLite would hold up the whole
   * process until then.
   */
  async write<T>(work: (connection: Connection) => T): Promise<T> {
    const done = await this.use(work);
    await logToDisk(`${this.#options.file}-wal`);
    return done;
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
    this.#connection ??= openConnection(sqlite, this.#options.file);
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

function loadNodeSqlite(): Promise<Sqlite | undefined> {
  // biome-ignore lint/correctness/noUnresolvedImports: as above
  return import("node:sqlite").catch(() => undefined);
}

/** What is not in the log is in the file already, which SQLite brings to the disk itself. */
async function logToDisk(log: string): Promise<void> {
  try {
    const handle = await open(log, "r+");
    await handle.datasync().finally(() => handle.close());
  } catch (error) {
    if (!(error instanceof Error && "code" in error && error.code === "ENOENT")) throw error;
  }
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
