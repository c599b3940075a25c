// What the tests of the stores keep.
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach } from "vitest";
import type { CachedAnswer } from "../../src/core/answer-cache.ts";
import type { LedgerEntry } from "../../src/core/ledger.ts";
import { formatMessage, type Message } from "../../src/core/message.ts";

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

/** A folder that is gone after the test. */
export function temporaryFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), "switchyard-store-"));
  folders.push(folder);
  return folder;
}

const folders: string[] = [];
afterEach(() => {
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true, force: true });
});

/** A host that writes down what it is told. */
export function listeningHost() {
  const notices: string[] = [];
  const lines: string[] = [];
  return {
    notices,
    lines,
    nowMs: () => Date.now(),
    notice: (text: Message) => void notices.push(formatMessage(text)),
    log: (text: string) => void lines.push(text),
  };
}

export async function until(isTrue: () => boolean | Promise<boolean>, limitMs = 5000): Promise<void> {
  const endMs = performance.now() + limitMs;
  while (!(await isTrue())) {
    if (performance.now() > endMs) throw new Error("it did not become so in time");
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}
