// How an entry of the ledger is written, and read again.
import * as z from "zod/mini";
import type { LedgerEntry } from "../core/ledger.ts";
import { taskKinds } from "../core/task.ts";

const entrySchema = z.object({
  id: z.string(),
  atMs: z.number(),
  destination: z.string(),
  model: z.string(),
  task: z.enum([...taskKinds, "embed", "keep"]),
  askedBy: z.enum(["editor", "shell", "proxy", "mcp"]),
  sources: z.array(
    z.object({ uri: z.string(), startLine: z.exactOptional(z.number()), endLine: z.exactOptional(z.number()) }),
  ),
  bytes: z.number(),
  promptTokens: z.number(),
  answerTokens: z.number(),
  costUsd: z.number(),
  allowedBy: z.string(),
  pictures: z.exactOptional(z.object({ count: z.number(), bytes: z.number() })),
  maskedSecrets: z.number(),
  outcome: z.enum(["sent", "done", "stopped", "failed"]),
});

/** @throws Error for what could not be read again, and would then be missing from what was spent */
export function writeEntry(entry: LedgerEntry): string {
  const text = JSON.stringify(entry);
  if (!readEntry(text)) throw new Error("this entry cannot be recorded as it is");
  return text;
}

/** Undefined for what is no entry, such as a line that a crash cut. */
export function readEntry(text: unknown): LedgerEntry | undefined {
  if (typeof text !== "string") return undefined;
  try {
    const parsed = entrySchema.safeParse(JSON.parse(text));
    return parsed.success ? parsed.data : undefined;
  } catch {
    return undefined;
  }
}

/** Newest first. */
export function byTime(a: LedgerEntry, b: LedgerEntry): number {
  return b.atMs - a.atMs;
}
