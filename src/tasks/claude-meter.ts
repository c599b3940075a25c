// What an answer of Claude costs, read from its bytes as they go by.
import * as z from "zod/mini";
import { claudeUsage, mayHaveGoneOn, noUsage, promptTokensOf, updatedUsage } from "../core/claude-usage.ts";
import { costUsd } from "../core/cost.ts";
import type { TokenUsage } from "../core/model-event.ts";
import { parseJson } from "../core/parse-json.ts";
import type { Progress } from "./on-record.ts";

export interface ClaudeMeter {
  head(status: number, contentType: string): void;
  read(bytes: Uint8Array): void;
  /** Of an answer that came to its end. */
  whole(): Progress;
  /** Of one that was stopped or lost: what it can have cost until now. */
  partial(): Progress;
}

export interface Metered {
  readonly model: string;
  /** Estimated; it counts until Claude has counted. */
  readonly promptTokens: number;
  /** Whether the prompt may be kept for an hour. */
  readonly isKeptLong: boolean;
  /** What the answer can have at most. */
  readonly maxAnswerTokens: number;
  /** Searches of the web that Anthropic may make for it. */
  readonly webSearches: number;
  readonly nowMs: () => number;
}

/** No model writes faster. What it thinks is paid for, and need not be seen. */
const mostTokensPerSecond = 500;
/** Longer ones hold no figures. */
const maxLineLength = 256 * 1024;
/** Of an answer in one piece. */
const maxWholeLength = 64 * 1024 * 1024;

const startSchema = z.object({ type: z.literal("message_start"), message: z.object({ usage: claudeUsage }) });
const deltaSchema = z.object({ type: z.literal("message_delta"), usage: claudeUsage });
const wholeSchema = z.object({ usage: claudeUsage });
const countSchema = z.object({ input_tokens: z.number() });

/** Of one request for a message. */
export function createClaudeMeter(metered: Metered): ClaudeMeter {
  const { model, promptTokens, isKeptLong, maxAnswerTokens, webSearches, nowMs } = metered;
  const startMs = nowMs();
  const stream = createUsageLines();
  const decoder = new TextDecoder();
  let status = 0;
  let isStream = false;
  /** All of an answer in one piece. */
  let text = "";

  const figures = (counted: TokenUsage): Progress => ({
    promptTokens: promptTokensOf(counted),
    answerTokens: counted.outputTokens,
    costUsd: costUsd(model, counted),
  });
  const partial = (): Progress => {
    if (status >= 300 && !mayHaveGoneOn(status)) return free;
    const estimate: TokenUsage = {
      ...noUsage,
      cacheWriteTokens: promptTokens,
      ...(isKeptLong ? { longCacheWriteTokens: promptTokens } : {}),
    };
    const { usage: known = estimate, isFinal } = stream.told();
    if (isFinal) return figures(known);
    const written = Math.ceil(((nowMs() - startMs) / 1000) * mostTokensPerSecond);
    return figures({
      ...known,
      webSearches,
      outputTokens: Math.max(known.outputTokens, Math.min(maxAnswerTokens, written)),
    });
  };
  return {
    head(told, contentType) {
      status = told;
      isStream = contentType.startsWith("text/event-stream");
    },
    read(bytes) {
      if (status >= 300 || text.length > maxWholeLength) return;
      const piece = decoder.decode(bytes, { stream: true });
      if (isStream) stream.add(piece);
      else text += piece;
    },
    whole() {
      if (status >= 300) return { ...partial(), outcome: "failed" };
      if (isStream) return { ...partial(), outcome: stream.told().isFinal ? "done" : "failed" };
      const told = wholeSchema.safeParse(parseJson(text));
      // Whoever does not tell how much it was has been paid the most.
      return { ...(told.success ? figures(updatedUsage(noUsage, told.data.usage)) : {}), outcome: "done" };
    },
    partial,
  };
}

/** The figures in the lines of a stream. */
function createUsageLines() {
  /** The line that is not yet whole. */
  let rest = "";
  let usage: TokenUsage | undefined;
  /** Whether the figures are those of the end. */
  let isFinal = false;

  const take = (line: string) => {
    // Looked for before it is parsed: most lines are pieces of text.
    if (!line.startsWith("data:") || !line.includes('"usage"')) return;
    const event = parseJson(line.slice("data:".length));
    const start = startSchema.safeParse(event);
    if (start.success) usage = updatedUsage(noUsage, start.data.message.usage);
    const delta = deltaSchema.safeParse(event);
    if (!delta.success) return;
    usage = updatedUsage(usage ?? noUsage, delta.data.usage);
    isFinal = true;
  };
  return {
    add(text: string): void {
      const lines = (rest + text).split("\n");
      rest = lines.pop() ?? "";
      if (rest.length > maxLineLength) rest = "";
      for (const line of lines) take(line);
    },
    told: () => ({ usage, isFinal }),
  };
}

const free: Progress = { costUsd: 0, answerTokens: 0 };

/** Of one request for a count of tokens, which is free. */
export function createCountMeter(): ClaudeMeter {
  const decoder = new TextDecoder();
  let status = 0;
  let text = "";
  return {
    head: (told) => {
      status = told;
    },
    read: (bytes) => {
      text += decoder.decode(bytes, { stream: true });
    },
    whole() {
      const count = countSchema.safeParse(parseJson(text));
      const promptTokens = count.success ? { promptTokens: count.data.input_tokens } : {};
      return { ...promptTokens, outcome: status < 300 ? "done" : "failed" };
    },
    partial: () => ({}),
  };
}
