// How a kept answer is written, and read again by whoever cannot trust what was written.
import * as z from "zod/mini";
import type { CachedAnswer } from "../core/answer-cache.ts";

const formatVersion = 1;
const count = z.number().check(z.gte(0));
const line = z.int().check(z.gte(1));

const answerSchema = z.object({
  version: z.literal(formatVersion),
  answer: z.object({
    text: z.string(),
    findings: z.array(
      z.object({
        uri: z.string(),
        startLine: line,
        endLine: line,
        severity: z.enum(["problem", "suggestion", "style"]),
        title: z.string(),
        body: z.string(),
        quote: z.string(),
        replacement: z.exactOptional(z.string()),
      }),
    ),
    stats: z.object({
      promptTokens: count,
      answerTokens: count,
      loadMs: count,
      prefillMs: count,
      decodeMs: count,
      estimated: z.exactOptional(z.literal(true)),
      usage: z.exactOptional(
        z.object({ inputTokens: count, cacheWriteTokens: count, cacheReadTokens: count, outputTokens: count }),
      ),
    }),
    storedAtMs: count,
  }),
});

export function writeAnswer(answer: CachedAnswer): string {
  return JSON.stringify({ version: formatVersion, answer });
}

/** Undefined for what is no answer, or one of another version. */
export function readAnswer(text: unknown): CachedAnswer | undefined {
  if (typeof text !== "string") return undefined;
  try {
    const parsed = answerSchema.safeParse(JSON.parse(text));
    return parsed.success ? parsed.data.answer : undefined;
  } catch {
    return undefined;
  }
}
