// How a kept answer is written, and read again by whoever cannot trust what was written.
import * as z from "zod/mini";
import type { CachedAnswer } from "../core/answer-cache.ts";

const formatVersion = 1;

const answerSchema = z.object({
  version: z.literal(formatVersion),
  answer: z.object({
    text: z.string(),
    findings: z.array(z.looseObject({ uri: z.string(), title: z.string() })),
    stats: z.looseObject({
      promptTokens: z.number(),
      answerTokens: z.number(),
      loadMs: z.number(),
      prefillMs: z.number(),
      decodeMs: z.number(),
    }),
    storedAtMs: z.number(),
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
    return parsed.success ? (parsed.data.answer as unknown as CachedAnswer) : undefined;
  } catch {
    return undefined;
  }
}
