// Figures for Prometheus, in its text format. Every label comes from a closed list or from the installed models, so
// that no client can make them grow.
import { type TaskKind, taskKinds } from "../core/task.ts";
import type { DialectName } from "./exchange.ts";
import type { Gate } from "./gate.ts";
import type { Sent } from "./respond.ts";

export type RequestOutcome = "done" | "refused" | "failed" | "left";

export interface Metrics {
  request(dialect: DialectName, outcome: RequestOutcome): void;
  answer(task: TaskKind, sent: Sent): void;
  text(gate: Gate, connections: number): string;
}

/** Most models that are told apart; the rest are `other`. */
const maxModels = 50;
const firstTokenBuckets = [0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60];

interface Histogram {
  /** How many were at most as long as each of the bounds, and no longer fitted the one before. */
  readonly counts: number[];
  sum: number;
}

interface Counter {
  readonly help: string;
  readonly values: Map<string, number>;
}

export function createMetrics(): Metrics {
  const counters = {
    requests_total: counter("Requests by dialect and outcome"),
    answers_total: counter("Answers by kind of task, model and outcome"),
    cache_hits_total: counter("Answers that were known already"),
    prompt_tokens_total: counter("Tokens read by models"),
    answer_tokens_total: counter("Tokens written by models"),
    load_seconds_total: counter("Time models took to load"),
    prefill_seconds_total: counter("Time models took to read prompts"),
    decode_seconds_total: counter("Time models took to write"),
  };
  const firstTokens = new Map<TaskKind, Histogram>();
  const models = new Set<string>();
  const modelLabel = (model: string | undefined) => {
    if (model === undefined) return "none";
    if (models.size < maxModels) models.add(model);
    return models.has(model) ? model : "other";
  };
  return {
    request: (dialect, outcome) => add(counters.requests_total, { dialect, outcome }, 1),
    answer(task, sent) {
      const labels = { task, model: modelLabel(sent.route?.model) };
      add(counters.answers_total, { ...labels, outcome: outcomeOf(sent) }, 1);
      if (sent.firstMs !== undefined) observe(firstTokens, task, sent.firstMs / 1000);
      if (sent.isKept) add(counters.cache_hits_total, labels, 1);
      // A kept answer's figures are those of the time it was made.
      if (!sent.ending || sent.isKept) return;
      add(counters.prompt_tokens_total, labels, sent.ending.promptTokens);
      add(counters.answer_tokens_total, labels, sent.ending.answerTokens);
      add(counters.load_seconds_total, labels, sent.ending.loadMs / 1000);
      add(counters.prefill_seconds_total, labels, sent.ending.prefillMs / 1000);
      add(counters.decode_seconds_total, labels, sent.ending.decodeMs / 1000);
    },
    text(gate, connections) {
      const lines = Object.entries(counters).flatMap(([name, { help, values }]) => [
        `# HELP switchyard_${name} ${help}`,
        `# TYPE switchyard_${name} counter`,
        ...[...values].map(([labels, value]) => `switchyard_${name}${labels} ${value}`),
      ]);
      lines.push(
        ...histogramLines("first_token_seconds", "Time from the request to the first piece of text", firstTokens),
      );
      const states = taskKinds.map((task) => ({ task, ...gate.state(task) }));
      lines.push("# HELP switchyard_working Requests being answered", "# TYPE switchyard_working gauge");
      lines.push(...states.map(({ task, working }) => `switchyard_working{task="${task}"} ${working}`));
      lines.push("# HELP switchyard_waiting Requests that wait for a place", "# TYPE switchyard_waiting gauge");
      lines.push(...states.map(({ task, waiting }) => `switchyard_waiting{task="${task}"} ${waiting}`));
      lines.push("# HELP switchyard_connections Open connections", "# TYPE switchyard_connections gauge");
      lines.push(`switchyard_connections ${connections}`);
      lines.push("# HELP switchyard_memory_bytes Memory of the service", "# TYPE switchyard_memory_bytes gauge");
      lines.push(`switchyard_memory_bytes ${process.memoryUsage.rss()}`);
      return `${lines.join("\n")}\n`;
    },
  };
}

function outcomeOf({ ending, error }: Sent): string {
  if (ending) return "done";
  return error ? "failed" : "left";
}

const counter = (help: string): Counter => ({ help, values: new Map() });

function add({ values }: Counter, labels: Readonly<Record<string, string>>, by: number): void {
  const escaped = (value: string) => value.replace(/[\\"]/g, "\\$&").replace(/\n/g, "\\n");
  const key = `{${Object.entries(labels)
    .map(([name, value]) => `${name}="${escaped(value)}"`)
    .join(",")}}`;
  values.set(key, (values.get(key) ?? 0) + by);
}

function observe(histograms: Map<TaskKind, Histogram>, task: TaskKind, seconds: number): void {
  const histogram = histograms.get(task) ?? { counts: Array(firstTokenBuckets.length + 1).fill(0), sum: 0 };
  histograms.set(task, histogram);
  const bucket = firstTokenBuckets.findIndex((bound) => seconds <= bound);
  const at = bucket < 0 ? firstTokenBuckets.length : bucket;
  histogram.counts[at] = (histogram.counts[at] ?? 0) + 1;
  histogram.sum += seconds;
}

function histogramLines(name: string, help: string, histograms: ReadonlyMap<TaskKind, Histogram>): readonly string[] {
  const lines = [`# HELP switchyard_${name} ${help}`, `# TYPE switchyard_${name} histogram`];
  for (const [task, { counts, sum }] of histograms) {
    let total = 0;
    counts.forEach((count, at) => {
      total += count;
      lines.push(`switchyard_${name}_bucket{task="${task}",le="${firstTokenBuckets[at] ?? "+Inf"}"} ${total}`);
    });
    lines.push(`switchyard_${name}_sum{task="${task}"} ${sum}`, `switchyard_${name}_count{task="${task}"} ${total}`);
  }
  return lines;
}
