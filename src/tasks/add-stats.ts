import { noUsage } from "../core/claude-usage.ts";
import type { AnswerStats, TokenUsage } from "../core/model-event.ts";

export const noStats: AnswerStats = { promptTokens: 0, answerTokens: 0, loadMs: 0, prefillMs: 0, decodeMs: 0 };

export function addStats(a: AnswerStats, b: AnswerStats): AnswerStats {
  return {
    promptTokens: a.promptTokens + b.promptTokens,
    answerTokens: a.answerTokens + b.answerTokens,
    loadMs: a.loadMs + b.loadMs,
    prefillMs: a.prefillMs + b.prefillMs,
    decodeMs: a.decodeMs + b.decodeMs,
    ...(a.estimated || b.estimated ? { estimated: true } : {}),
    ...(a.usage || b.usage ? { usage: addUsage(a.usage ?? noUsage, b.usage ?? noUsage) } : {}),
  };
}

function addUsage(a: TokenUsage, b: TokenUsage): TokenUsage {
  const longTokens = (a.longCacheWriteTokens ?? 0) + (b.longCacheWriteTokens ?? 0);
  return {
    ...(longTokens > 0 ? { longCacheWriteTokens: longTokens } : {}),
    inputTokens: a.inputTokens + b.inputTokens,
    cacheWriteTokens: a.cacheWriteTokens + b.cacheWriteTokens,
    cacheReadTokens: a.cacheReadTokens + b.cacheReadTokens,
    outputTokens: a.outputTokens + b.outputTokens,
  };
}
