// What the tests of the stores keep; without vitest, so that a process of its own can use it as well.
import type { CachedAnswer } from "../../src/core/answer-cache.ts";
import type { LedgerEntry } from "../../src/core/ledger.ts";

export function answer(text: string): CachedAnswer {
  return {
    text,
    findings: [
      {
        uri: "a.ts",
        startLine: 1,
        endLine: 2,
        severity: "problem",
        title: "t",
        body: "b",
        quote: "q",
        replacement: "r",
      },
      { uri: "a.ts", startLine: 3, endLine: 3, severity: "style", title: "t", body: "b", quote: "" },
    ],
    stats: { promptTokens: 3, answerTokens: 2, loadMs: 0, prefillMs: 1.5, decodeMs: 7 },
    storedAtMs: 1_700_000_000_000,
  };
}

export function entry(id: string, changes: Partial<LedgerEntry> = {}): LedgerEntry {
  return {
    id,
    atMs: 1_700_000_000_000,
    destination: "api.anthropic.com",
    model: "claude-sonnet-5-5",
    task: "analyze",
    askedBy: "editor",
    sources: [{ uri: "file:///a.ts", startLine: 1, endLine: 9 }, { uri: "file:///b.ts" }],
    bytes: 1234,
    promptTokens: 300,
    answerTokens: 0,
    costUsd: 0.25,
    allowedBy: "once",
    maskedSecrets: 1,
    outcome: "sent",
    ...changes,
  };
}
