// Started by the tests as a process of its own: appends entries and says which ones are acknowledged.
// Arguments: file, first part of the ids, how many, `lines` for a host without SQLite, Unix ms to begin at.
import { writeSync } from "node:fs";
import { createLedger } from "../../src/store/ledger.ts";
import { entry } from "./sample-entries.ts";

const [file = "", name = "", count = "0", form = "", startAtMs = "0"] = process.argv.slice(2);
const host = { nowMs: () => Date.now(), notice: () => undefined, log: () => undefined };
const ledger = createLedger(file, form === "lines" ? { ...host, loadSqlite: async () => undefined } : host);
// Spinning, so that several begin within the same moment.
while (Date.now() < Number(startAtMs));
for (let index = 0; index < Number(count); index++) {
  await ledger.append(entry(`${name}${index}`, { costUsd: 0.001 }));
  writeSync(1, `${name}${index}\n`);
}
ledger.dispose();
