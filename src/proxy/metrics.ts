// Figures for Prometheus. Every label comes from a closed list or from the installed models and their servers, up to a
// bound, so that no client can make them grow.
import CounterOf from "prom-client/lib/counter.js";
import HistogramOf from "prom-client/lib/histogram.js";
import RegistryOf from "prom-client/lib/registry.js";
import { cloudModels, withoutDate } from "../core/cost.ts";
import type { TaskKind } from "../core/task.ts";
import type { DialectName } from "./exchange.ts";
import { addGauges, type GaugeSources } from "./gauges.ts";
import type { Sent } from "./respond.ts";

const outcomes = ["done", "refused", "failed", "left"] as const;
export type RequestOutcome = (typeof outcomes)[number];
export type AnswerOutcome = "done" | "failed" | "left";
const dialects: readonly DialectName[] = ["ollama", "openai", "anthropic"];

export interface Metrics {
  request(dialect: DialectName, outcome: RequestOutcome): void;
  /** A request that was answered with an error. */
  refused(dialect: DialectName, status: number): void;
  /** How long a request waited for its place, ms. */
  waited(task: TaskKind, ms: number): void;
  /** @param totalMs from the request to the last byte */
  answer(task: TaskKind, sent: Sent, totalMs: number): void;
  /** One of Claude itself. */
  passed(model: string, outcome: AnswerOutcome): void;
  text(): Promise<string>;
}

/** Most models and servers that are told apart; the rest are `other`. */
const maxModels = 50;
const maxNodes = 20;

const seconds = {
  firstToken: [0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60],
  answer: [0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120, 300],
  load: [0.5, 1, 2.5, 5, 10, 30, 60, 120, 300],
  queue: [0.01, 0.05, 0.1, 0.5, 1, 5, 10, 30, 60],
} as const;

export function createMetrics(sources: GaugeSources): Metrics {
  const registry = new RegistryOf();
  const { counters, histograms } = createFigures(registry);
  addGauges(registry, sources);
  // A share of failures needs a zero where there are none.
  for (const dialect of dialects) for (const outcome of outcomes) counters.requests.inc({ dialect, outcome }, 0);
  const modelLabel = createBound(maxModels);
  const nodeLabel = createBound(maxNodes);
  const sums = createSums(counters);
  return {
    request: (dialect, outcome) => counters.requests.inc({ dialect, outcome }),
    refused: (dialect, status) => counters.errors.inc({ dialect, status }),
    waited: (task, ms) => histograms.queue.observe({ task }, ms / 1000),
    answer(task, sent, totalMs) {
      const node = nodeLabel(sent.route?.backend);
      sums.add({ task, model: modelLabel(sent.route?.model), node }, sent);
      if (sent.firstMs !== undefined) histograms.firstToken.observe({ task, node }, sent.firstMs / 1000);
      if (!sent.ending) return;
      histograms.answer.observe({ task, node }, totalMs / 1000);
      if (sent.isKept) return;
      // Of a model that was loaded already, servers tell the moment that finding it took.
      if (sent.ending.loadMs >= leastLoadMs) histograms.load.observe({ node }, sent.ending.loadMs / 1000);
    },
    passed(model, outcome) {
      const name = cloudModels.find((each) => each.name === withoutDate(model))?.name ?? "other";
      counters.answers.inc({ task: "none", model: name, node: "Claude", outcome });
    },
    text() {
      sums.tell();
      return registry.metrics();
    },
  };
}

const leastLoadMs = 250;

function createFigures(registry: InstanceType<typeof RegistryOf>) {
  const registers = [registry];
  const answer = ["task", "model", "node"] as const;
  const counter = <Label extends string>(name: string, help: string, labelNames: readonly Label[]) =>
    new CounterOf<Label>({ name: `switchyard_${name}`, help, labelNames: [...labelNames], registers });
  const histogram = <Label extends string>(
    name: string,
    help: string,
    labelNames: readonly Label[],
    buckets: readonly number[],
  ) =>
    new HistogramOf<Label>({
      name: `switchyard_${name}`,
      help,
      labelNames: [...labelNames],
      buckets: [...buckets],
      registers,
    });
  return {
    counters: {
      requests: counter("requests_total", "Requests by dialect and outcome", ["dialect", "outcome"]),
      errors: counter("errors_total", "Requests that were answered with an error", ["dialect", "status"]),
      answers: counter("answers_total", "Answers by outcome", [...answer, "outcome"]),
      cacheHits: counter("cache_hits_total", "Answers that were known already", answer),
      promptTokens: counter("prompt_tokens_total", "Tokens read by models", answer),
      answerTokens: counter("answer_tokens_total", "Tokens written by models", answer),
      prefill: counter("prefill_seconds_total", "Time models took to read prompts", answer),
      decode: counter("decode_seconds_total", "Time models took to write", answer),
    },
    histograms: {
      firstToken: histogram(
        "first_token_seconds",
        "Time from the request to the first piece of text",
        ["task", "node"],
        seconds.firstToken,
      ),
      answer: histogram(
        "answer_seconds",
        "Time from the request to the end of a whole answer",
        ["task", "node"],
        seconds.answer,
      ),
      load: histogram("model_load_seconds", "Time models took to load", ["node"], seconds.load),
      queue: histogram("queue_seconds", "Time requests waited for a place", ["task"], seconds.queue),
    },
  };
}

type Counters = ReturnType<typeof createFigures>["counters"];
type AnswerLabels = Readonly<Record<"task" | "model" | "node", string>>;

interface Sum {
  readonly labels: AnswerLabels;
  readonly outcomes: Record<AnswerOutcome, number>;
  kept: number;
  made: number;
  promptTokens: number;
  answerTokens: number;
  prefillMs: number;
  decodeMs: number;
}

/** Adds up what answers come to until somebody reads it: a counter looks up its labels anew for each. */
function createSums(counters: Counters) {
  const sums = new Map<string, Sum>();
  const sumOf = (labels: AnswerLabels): Sum => {
    const key = `${labels.task} ${labels.node} ${labels.model}`;
    const known = sums.get(key);
    if (known) return known;
    const counts = { kept: 0, made: 0, promptTokens: 0, answerTokens: 0, prefillMs: 0, decodeMs: 0 };
    const sum = { labels, outcomes: { done: 0, failed: 0, left: 0 }, ...counts };
    sums.set(key, sum);
    return sum;
  };
  return {
    add(labels: AnswerLabels, sent: Sent): void {
      const sum = sumOf(labels);
      sum.outcomes[outcomeOf(sent)]++;
      if (sent.isKept) sum.kept++;
      // A kept answer's figures are those of the time it was made.
      if (!sent.ending || sent.isKept) return;
      sum.made++;
      sum.promptTokens += sent.ending.promptTokens;
      sum.answerTokens += sent.ending.answerTokens;
      sum.prefillMs += sent.ending.prefillMs;
      sum.decodeMs += sent.ending.decodeMs;
    },
    tell(): void {
      for (const { labels, outcomes: ended, ...sum } of sums.values()) {
        for (const [outcome, count] of Object.entries(ended)) {
          if (count > 0) counters.answers.inc({ ...labels, outcome }, count);
        }
        if (sum.kept > 0) counters.cacheHits.inc(labels, sum.kept);
        if (sum.made === 0) continue;
        counters.promptTokens.inc(labels, sum.promptTokens);
        counters.answerTokens.inc(labels, sum.answerTokens);
        counters.prefill.inc(labels, sum.prefillMs / 1000);
        counters.decode.inc(labels, sum.decodeMs / 1000);
      }
      sums.clear();
    },
  };
}

function outcomeOf({ ending, error }: Sent): AnswerOutcome {
  if (ending) return "done";
  return error ? "failed" : "left";
}

/** The first names that come are told apart. */
function createBound(most: number): (name: string | undefined) => string {
  const known = new Set<string>();
  return (name) => {
    if (name === undefined) return "none";
    if (known.size < most) known.add(name);
    return known.has(name) ? name : "other";
  };
}
