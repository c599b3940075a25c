// The ledger where there is no SQLite: a file that is only ever added to, one line of JSON for each state of an entry.
import { chmod, mkdir, open, readFile, rm } from "node:fs/promises";
import { dirname } from "node:path";
import { refuseOverBudget } from "../core/cost.ts";
import type { Ledger, LedgerEntry } from "../core/ledger.ts";
import { countedUsd, periodsOf } from "../core/spending.ts";
import { byTime, readEntry, writeEntry } from "./ledger-entry.ts";
import { storageError } from "./ledger-error.ts";

/** A ledger of one file. What was set aside beside it, and when notes are written, is another's to know. */
export type FileLedger = Omit<Ledger, "lostRecord" | "note">;

const newline = 0x0a;

/** @param file made on the first entry, readable by its owner alone; several processes may add to it at once */
export function createLineLedger(file: string): FileLedger {
  let writing: Promise<unknown> = Promise.resolve();
  /** One after the other, so that a clearing does not overtake what was asked before it. */
  const inTurn = (work: () => Promise<unknown>): Promise<void> => {
    const done = writing.then(work).catch((error: unknown) => {
      throw storageError(file, error);
    });
    writing = done.catch(() => undefined);
    return done.then(() => undefined);
  };
  const states = async () => latest(await readText(file));
  return {
    append: (entry) => inTurn(() => appendLine(file, writeEntry(entry))),
    reserve: (entry, budgets) =>
      inTurn(async () => {
        const { dayMs, monthMs } = periodsOf(entry.atMs);
        const known = await states();
        refuseOverBudget(entry.costUsd, {
          ...budgets,
          spentTodayUsd: spentSince(known, dayMs, entry.atMs),
          spentMonthUsd: spentSince(known, monthMs, entry.atMs),
        });
        await appendLine(file, writeEntry(entry));
      }),
    list: async () => (await states()).sort(byTime),
    spentUsd: async (sinceMs, nowMs) => spentSince(await states(), sinceMs, nowMs),
    clear: () => inTurn(() => rm(file, { force: true })),
  };
}

function spentSince(entries: readonly LedgerEntry[], sinceMs: number, nowMs: number): number {
  return entries.filter(({ atMs }) => atMs >= sinceMs).reduce((sum, entry) => sum + countedUsd(entry, nowMs), 0);
}

/** In one write, and on the disk when it returns. A line that a crash left half written is ended first. */
async function appendLine(file: string, line: string): Promise<void> {
  await mkdir(dirname(file), { recursive: true, mode: 0o700 });
  const handle = await open(file, "a+", 0o600);
  try {
    await chmod(file, 0o600);
    const { size } = await handle.stat();
    const last = Buffer.alloc(1);
    if (size > 0) await handle.read(last, 0, 1, size - 1);
    const bytes = Buffer.from(`${size > 0 && last[0] !== newline ? "\n" : ""}${line}\n`);
    const { bytesWritten } = await handle.write(bytes);
    // Where only a part found room, the rest would not be this line's any more: another process may have written since.
    if (bytesWritten < bytes.length) throw Object.assign(new Error("no space left on device"), { code: "ENOSPC" });
    await handle.datasync();
  } finally {
    await handle.close();
  }
}

async function readText(file: string): Promise<string> {
  try {
    return await readFile(file, "utf8");
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "ENOENT") return "";
    throw storageError(file, error);
  }
}

/** The last state of each entry; what is no entry is passed over. */
function latest(text: string): LedgerEntry[] {
  const entries = new Map<string, LedgerEntry>();
  for (const line of text.split("\n")) {
    const entry = line === "" ? undefined : readEntry(line);
    if (entry) entries.set(entry.id, entry);
  }
  return [...entries.values()];
}
