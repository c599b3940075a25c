// Started by the tests as a process of its own: appends entries and says which ones are acknowledged.
// Arguments: file, first part of the ids, how many, `lines` for a host without SQLite, Unix ms to begin at, and a
// budget of the day, US dollars, that what does not fit into is left out; 0: none.
import { writeSync } from "node:fs";
import { TaskError } from "../../src/core/task-error.ts";
import { createLedger } from "../../src/store/ledger.ts";
import { entry } from "./sample-entries.ts";

const [file = "", name = "", count = "0", form = "", startAtMs = "0", dailyUsd = "0"] = process.argv.slice(2);
const host = { nowMs: () => Date.now(), notice: () => undefined, log: () => undefined };
const ledger = createLedger(file, form === "lines" ? { ...host, loadSqlite: async () => undefined } : host);
// Spinning, so that several begin within the same moment.
while (Date.now() < Number(startAtMs));
for (let index = 0; index < Number(count); index++) {
  const each = entry(`${name}${index}`, { costUsd: 0.001 });
  try {
    await (Number(dailyUsd) > 0
      ? ledger.reserve(each, { dailyUsd: Number(dailyUsd), monthlyUsd: 1000 })
      : ledger.append(each));
    writeSync(1, `${name}${index}\n`);
  } catch (error) {
    if (!(error instanceof TaskError && error.kind === "cloud-limit")) throw error;
  }
}
await ledger.dispose();
