import { expect, it } from "vitest";
import type { LedgerEntry } from "../../src/core/ledger.ts";
import { exportLedger } from "../../src/core/ledger-export.ts";

const entry: LedgerEntry = {
  id: "1",
  atMs: Date.UTC(2026, 0, 2, 3, 4, 5),
  destination: "api.anthropic.com",
  model: "claude",
  task: "review",
  askedBy: "editor",
  sources: [{ uri: "file:///a.ts", startLine: 3, endLine: 9 }, { uri: "file:///b.ts" }],
  bytes: 120,
  promptTokens: 30,
  answerTokens: 4,
  costUsd: 0.0125,
  allowedBy: "once",
  maskedSecrets: 0,
  outcome: "done",
};

const header =
  "id,at,destination,model,task,askedBy,sources,bytes,promptTokens,answerTokens,costUsd,allowedBy,maskedSecrets,outcome,pictures,pictureBytes";

/** CSV read back by the letter of RFC 4180, written apart from what is tested. */
function readCsv(text: string): string[][] {
  const rows: string[][] = [];
  let [row, at]: [string[], number] = [[], 0];
  while (at < text.length) {
    const isQuoted = text[at] === '"';
    const found = (isQuoted ? /"((?:[^"]|"")*)"(,|\r\n)/y : /([^",\r\n]*)(,|\r\n)/y).exec(text.slice(at));
    if (!found) throw new Error(`no CSV at ${at}: ${text.slice(at, at + 40)}`);
    row.push(String(found[1]).replaceAll('""', '"'));
    at += found[0].length;
    if (found[2] === ",") continue;
    rows.push(row);
    row = [];
  }
  return rows;
}

function cellsOf(part: Partial<LedgerEntry>): Readonly<Record<string, string>> {
  const [names = [], values = []] = readCsv(exportLedger([{ ...entry, ...part }], "csv"));
  return Object.fromEntries(names.map((name, index) => [name, values[index] ?? "absent"]));
}

it("is one line for each entry under a line of names, and each line ends as RFC 4180 has it", () => {
  expect(exportLedger([entry, { ...entry, id: "2" }], "csv")).toBe(
    [
      header,
      "1,2026-01-02T03:04:05.000Z,api.anthropic.com,claude,review,editor,file:///a.ts:3-9 file:///b.ts,120,30,4,0.0125,once,0,done,0,0",
      "2,2026-01-02T03:04:05.000Z,api.anthropic.com,claude,review,editor,file:///a.ts:3-9 file:///b.ts,120,30,4,0.0125,once,0,done,0,0",
      "",
    ].join("\r\n"),
  );
});

it("names the pictures that were sent, and their bytes", () => {
  const cells = cellsOf({ pictures: { count: 2, bytes: 4711 } });
  expect(cells).toMatchObject({ pictures: "2", pictureBytes: "4711" });
});

it("still has its line of names when nothing was sent", () => {
  expect(exportLedger([], "csv")).toBe(`${header}\r\n`);
  expect(JSON.parse(exportLedger([], "json"))).toEqual([]);
});

it.each(['a "quoted" name', "a, b", "two\nlines", "two\r\nlines", '"', ",", '",\r\n"', "模型，中文", ""])(
  "gives %j back as it was",
  (text) => {
    expect(cellsOf({ model: text, outcome: "failed" })).toMatchObject({ model: text, outcome: "failed" });
  },
);

it("keeps an entry one line of a table when there is a line break in it", () => {
  const text = exportLedger([{ ...entry, model: "a\r\nb" }, entry], "csv");
  expect(readCsv(text).map((row) => row.length)).toEqual([16, 16, 16]);
  expect(text).toContain('"a\r\nb"');
});

it.each([
  '=HYPERLINK("http://evil.example")',
  "+1",
  "-1+1",
  "@SUM(A1)",
  "\t=1",
  "\r=1",
  "\n=1",
  "＝1",
  "＋1",
  "－1",
  "＠a",
])("is no formula in a spreadsheet: %j", (text) => {
  expect(cellsOf({ model: text })["model"]).toBe(`'${text}`);
  expect(cellsOf({ sources: [{ uri: text }] })["sources"]).toBe(`'${text}`);
});

it("leaves numbers numbers", () => {
  expect(cellsOf({ costUsd: -0.5, bytes: 0 })).toMatchObject({ costUsd: "-0.5", bytes: "0" });
});

it("says nothing of a time that is none, and goes on", () => {
  expect(cellsOf({ atMs: 1e300 })).toMatchObject({ at: "", id: "1" });
});

it("gives JSON as it is stored", () => {
  expect(JSON.parse(exportLedger([entry], "json"))).toEqual([entry]);
});
