import { expect, it } from "vitest";
import type { LedgerEntry } from "../../src/core/ledger.ts";
import { readEntry, writeEntry } from "../../src/store/ledger-entry.ts";

const entry: LedgerEntry = {
  id: "a",
  atMs: 1000,
  destination: "api.anthropic.com",
  model: "claude",
  task: "review",
  askedBy: "editor",
  sources: [{ uri: "file:///模型.ts", startLine: 3, endLine: 9 }, { uri: "file:///b.ts" }],
  bytes: 120,
  promptTokens: 30,
  answerTokens: 0,
  costUsd: 0.5,
  allowedBy: "once",
  maskedSecrets: 0,
  outcome: "sent",
};

it("reads an entry as it was written", () => {
  expect(readEntry(writeEntry(entry))).toEqual(entry);
  const seen = { ...entry, pictures: { count: 2, bytes: 4711 } };
  expect(readEntry(writeEntry(seen))).toEqual(seen);
});

it.each(["costUsd", "atMs", "bytes", "promptTokens"])(
  "refuses to write an entry whose %s is no number, for it would be missing from what was spent",
  (name) => {
    expect(() => writeEntry({ ...entry, [name]: Number.NaN })).toThrow("cannot be recorded");
  },
);

it.each(["", "nonsense", "[]", "null", '{"id":"x"}', JSON.stringify({ ...entry, costUsd: "1" }), 7, undefined])(
  "takes %j for no entry",
  (text) => {
    expect(readEntry(text)).toBeUndefined();
  },
);
