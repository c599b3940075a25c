import type { LedgerEntry } from "./ledger.ts";

const columns = [
  ...["id", "at", "destination", "model", "task", "askedBy", "sources", "bytes", "promptTokens", "answerTokens"],
  ...["costUsd", "allowedBy", "maskedSecrets", "outcome", "pictures", "pictureBytes"],
];

/** CSV as RFC 4180 has it, safe to open in a spreadsheet; or JSON as it is stored. */
export function exportLedger(entries: readonly LedgerEntry[], form: "csv" | "json"): string {
  if (form === "json") return `${JSON.stringify(entries, undefined, 2)}\n`;
  const rows = entries.map((entry) => {
    const values: Readonly<Record<string, unknown>> = {
      ...entry,
      at: timeOf(entry.atMs),
      pictures: entry.pictures?.count ?? 0,
      pictureBytes: entry.pictures?.bytes ?? 0,
      sources: entry.sources
        .map(({ uri, startLine, endLine }) =>
          startLine === undefined ? uri : `${uri}:${startLine}-${endLine ?? startLine}`,
        )
        .join(" "),
    };
    return columns.map((column) => cell(values[column]));
  });
  return [columns, ...rows].map((row) => `${row.join(",")}\r\n`).join("");
}

/** Empty for a number that is no time: one broken entry must not keep the others from being exported. */
function timeOf(ms: number): string {
  const time = new Date(ms);
  return Number.isNaN(time.getTime()) ? "" : time.toISOString();
}

/** A text that a spreadsheet would take for a formula gets an apostrophe; full-width signs count in Chinese ones. */
function cell(value: unknown): string {
  if (typeof value === "number") return String(value);
  const text = String(value ?? "");
  const safe = /^[=+\-@＝＋－＠\t\r\n]/.test(text) ? `'${text}` : text;
  return /[",\r\n]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe;
}
