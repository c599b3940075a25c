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

const noUsage: TokenUsage = { inputTokens: 0, cacheWriteTokens: 0, cacheReadTokens: 0, outputTokens: 0 };

function addUsage(a: TokenUsage, b: TokenUsage): TokenUsage {
  return {
    inputTokens: a.inputTokens + b.inputTokens,
    cacheWriteTokens: a.cacheWriteTokens + b.cacheWriteTokens,
    cacheReadTokens: a.cacheReadTokens + b.cacheReadTokens,
    outputTokens: a.outputTokens + b.outputTokens,
  };
}
