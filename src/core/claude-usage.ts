// How Claude counts tokens.
import * as z from "zod/mini";
import type { TokenUsage } from "./model-event.ts";

const count = z.optional(z.nullable(z.number()));
export const claudeUsage = z.object({
  input_tokens: count,
  cache_creation_input_tokens: count,
  cache_read_input_tokens: count,
  output_tokens: count,
  /** Of what is written into the cache. */
  cache_creation: z.optional(z.nullable(z.object({ ephemeral_1h_input_tokens: count }))),
  server_tool_use: z.optional(z.nullable(z.object({ web_search_requests: count }))),
});

export const noUsage: TokenUsage = { inputTokens: 0, cacheWriteTokens: 0, cacheReadTokens: 0, outputTokens: 0 };

/** Counts are of everything so far; what is not told stays as it was. */
export function updatedUsage(before: TokenUsage, told: z.infer<typeof claudeUsage>): TokenUsage {
  const longTokens = told.cache_creation?.ephemeral_1h_input_tokens ?? before.longCacheWriteTokens;
  const webSearches = told.server_tool_use?.web_search_requests ?? before.webSearches;
  return {
    inputTokens: told.input_tokens ?? before.inputTokens,
    cacheWriteTokens: told.cache_creation_input_tokens ?? before.cacheWriteTokens,
    ...(longTokens ? { longCacheWriteTokens: longTokens } : {}),
    cacheReadTokens: told.cache_read_input_tokens ?? before.cacheReadTokens,
    outputTokens: told.output_tokens ?? before.outputTokens,
    ...(webSearches ? { webSearches } : {}),
  };
}

/** Tokens of the prompt, wherever they came from. */
export const promptTokensOf = ({ inputTokens, cacheWriteTokens, cacheReadTokens }: TokenUsage): number =>
  inputTokens + cacheWriteTokens + cacheReadTokens;

/** Of a status: something in between has given up an answer that Claude may have gone on with, and that is paid for then. */
export const mayHaveGoneOn = (status: number): boolean => status === 502 || status === 504;
