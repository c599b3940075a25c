// What left this machine: in the SQLite file, or as lines in a file beside it where the host has no SQLite.
import { readdir, rm } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { refuseUnknownSpending } from "../core/cost.ts";
import type { Ledger } from "../core/ledger.ts";
import { reasonOf } from "../core/reason-of.ts";
import { periodsOf, spendingOf } from "../core/spending.ts";
import { byTime } from "./ledger-entry.ts";
import { storageError } from "./ledger-error.ts";
import { createLineLedger } from "./ledger-lines.ts";
import { createSqliteLedger } from "./ledger-sqlite.ts";
import type { SqliteOptions } from "./sqlite.ts";
import { SqliteUnusable } from "./sqlite-connection.ts";

const databaseName = "switchyard.db";

/** What a ledger tells, and hears from, the host it works in. */
export type LedgerHost = Omit<SqliteOptions, "file">;
const quietHost: LedgerHost = { nowMs: () => Date.now(), notice: () => undefined, log: () => undefined };

export interface OpenedLedger extends Ledger {
  /** At once where nothing waits to be written. */
  dispose(): Promise<void>;
}

/**
 * Both files are read wherever SQLite is there, since a shell and an editor need not have the same one. A host without
 * it knows of the lines alone.
 * @param linesFile for hosts without SQLite; the database lies beside it
 */
export function createLedger(linesFile: string, host: LedgerHost = quietHost): OpenedLedger {
  const file = join(dirname(linesFile), databaseName);
  const lines = createLineLedger(linesFile);
  const sqlite = createSqliteLedger({ ...host, file });

  /** Undefined in a host without SQLite. */
  async function inSqlite<T>(work: () => Promise<T>): Promise<{ readonly value: T } | undefined> {
    try {
      return { value: await work() };
    } catch (error) {
      if (error instanceof SqliteUnusable && error.reason === "missing") return undefined;
      throw storageError(file, error);
    }
  }

  const noting = new Set<Promise<void>>();
  /** Notes of before are seen by whoever reads. */
  const settled = async () => {
    if (noting.size === 0) return;
    await sqlite.flush();
    await Promise.all(noting);
  };

  return {
    async append(entry) {
      if (!(await inSqlite(async () => sqlite.append(entry)))) await lines.append(entry);
    },
    note(entry) {
      const noted = inSqlite(async () => sqlite.note(entry))
        .then((stored) => (stored ? undefined : lines.append(entry)))
        .catch((error: unknown) => host.log(`ledger: how an entry went on is not recorded, ${reasonOf(error)}`))
        .finally(() => noting.delete(noted));
      noting.add(noted);
    },
    async reserve(entry, budgets) {
      await settled();
      refuseUnknownSpending(await lostRecord(file, entry.atMs));
      const elsewhere = await spendingOf(lines, entry.atMs);
      if (!(await inSqlite(() => sqlite.reserve(entry, budgets, elsewhere)))) await lines.reserve(entry, budgets);
      // It may have been found broken just now, and the sums were those of the new file.
      refuseUnknownSpending(await lostRecord(file, entry.atMs));
    },
    async list() {
      await settled();
      const [stored, others] = await Promise.all([inSqlite(() => sqlite.list()), lines.list()]);
      // An entry that one host began and another ended does not occur: whoever asks also hears the end.
      return [...(stored?.value ?? []), ...others].sort(byTime);
    },
    async spentUsd(sinceMs, nowMs) {
      await settled();
      const [stored, others] = await Promise.all([
        inSqlite(() => sqlite.spentUsd(sinceMs, nowMs)),
        lines.spentUsd(sinceMs, nowMs),
      ]);
      return (stored?.value ?? 0) + others;
    },
    lostRecord: (nowMs) => lostRecord(file, nowMs),
    async clear() {
      await settled();
      await Promise.all([inSqlite(() => sqlite.clear()), lines.clear()]);
      await deleteSetAside(file);
    },
    async dispose() {
      if (noting.size > 0) await settled();
      sqlite.dispose();
    },
  };
}

async function setAside(file: string): Promise<readonly string[]> {
  const names = await readdir(dirname(file)).catch(() => []);
  return names.filter((name) => name.startsWith(`${basename(file)}.broken-`));
}

/** The newest, where it was set aside this month: older ones say nothing of what may be spent now. */
async function lostRecord(file: string, nowMs: number): Promise<string | undefined> {
  const { monthMs } = periodsOf(nowMs);
  const atMs = (name: string) => Number(/\.broken-(\d+)$/.exec(name)?.[1]);
  const lost = (await setAside(file)).filter((name) => atMs(name) >= monthMs).sort((a, b) => atMs(b) - atMs(a))[0];
  return lost === undefined ? undefined : join(dirname(file), lost);
}

/** Broken files that were set aside still hold what is to be forgotten. */
async function deleteSetAside(file: string): Promise<void> {
  try {
    const names = await setAside(file);
    await Promise.all(names.map((name) => rm(join(dirname(file), name), { force: true })));
  } catch (error) {
    throw storageError(file, error);
  }
}
