// Ledgers in this process and in others.
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { createLedger } from "../../src/store/ledger.ts";
import { listeningHost } from "./sample.ts";

export const withoutSqlite = { loadSqlite: async () => undefined };

export function openLedger(folder: string, more: Partial<Parameters<typeof createLedger>[1]> = {}) {
  const host = listeningHost();
  return { host, ledger: createLedger(join(folder, "ledger.ndjson"), { ...host, ...more }) };
}

export function startWriter(folder: string, name: string, count: number, form: string, startAtMs = 0, dailyUsd = 0) {
  const child = spawn(
    process.execPath,
    [
      join(import.meta.dirname, "ledger-writer.ts"),
      join(folder, "ledger.ndjson"),
      name,
      String(count),
      form,
      String(startAtMs),
      String(dailyUsd),
    ],
    { stdio: ["ignore", "pipe", "pipe"] },
  );
  let said = "";
  let wrong = "";
  child.stdout.on("data", (piece: Buffer) => {
    said += String(piece);
  });
  child.stderr.on("data", (piece: Buffer) => {
    wrong += String(piece);
  });
  return { child, acknowledged: () => said.split("\n").slice(0, -1), wrong: () => wrong };
}

export async function ended(child: ChildProcess): Promise<void> {
  if (!child.stdout?.closed || (child.exitCode === null && child.signalCode === null)) await once(child, "close");
}
