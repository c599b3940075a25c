// Runs the planned requests of one task, one after the other.
import type { AnswerEvent } from "../core/answer.ts";
import type { ModelRequest } from "../core/backend.ts";
import type { ChatMessage } from "../core/chat-message.ts";
import { countPrompt } from "../core/count-prompt.ts";
import { msg } from "../core/message.ts";
import type { AnswerStats, ModelEvent, TokenUsage } from "../core/model-event.ts";
import type { AnswerLanguage } from "../core/task.ts";
import { withoutEcho } from "./echo.ts";
import { untilWrongLanguage } from "./language-guard.ts";
import type { Run } from "./leave.ts";
import { type Counted, countAnswer, cutLoops } from "./loop-guard.ts";
import type { Job } from "./prepare.ts";
import { throughReader } from "./read-answer.ts";
import type { Step } from "./task-definition.ts";
import { readToolCalls } from "./tool-calls.ts";

type PromptStep = Extract<Step, { kind: "prompt" }>;
type Done = Extract<AnswerEvent, { kind: "done" }>;

/** Runs a planned task. `way` takes each request to its model. */
export async function* runSteps(job: Job, way: Run, signal: AbortSignal): AsyncIterable<AnswerEvent> {
  const total = job.steps.filter((step) => step.kind === "prompt").length;
  const finished: Done[] = [];
  for (const step of job.steps) {
    if (step.kind !== "prompt") {
      yield step.kind === "literal" ? { kind: "text", text: step.text } : step;
      continue;
    }
    for await (const event of runPrompt(job, step, way, signal)) {
      if (event.kind === "done") finished.push(event);
      else yield event;
    }
    if (total > 1) yield { kind: "progress", done: finished.length, total };
  }
  yield {
    kind: "done",
    stats: finished.map((each) => each.stats).reduce(addStats, noStats),
    finish: finished.some((each) => each.finish === "length") ? "length" : "stop",
  };
}

const noStats: AnswerStats = { promptTokens: 0, answerTokens: 0, loadMs: 0, prefillMs: 0, decodeMs: 0 };

function addStats(a: AnswerStats, b: AnswerStats): AnswerStats {
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

/** Runs one prompt; yields exactly one `done`, last. */
function runPrompt(job: Job, step: PromptStep, way: Run, signal: AbortSignal): AsyncIterable<AnswerEvent> {
  if (step.check) {
    return runChecked(job, step, step.check, way, signal);
  }
  if (step.language && !step.read) {
    return runInLanguage(job, step, step.language, way, signal);
  }
  const counted = countStep(step);
  const model = answered(job, step, counted, way, signal);
  return step.read ? throughReader(model, step.read, counted) : model;
}

/** An answer that begins in another language is stopped and asked for once more; the second one stands. */
async function* runInLanguage(
  job: Job,
  step: PromptStep,
  wanted: AnswerLanguage,
  way: Run,
  signal: AbortSignal,
): AsyncIterable<AnswerEvent> {
  const counted = countStep(step);
  const watched = { isWrong: false };
  yield* untilWrongLanguage(answered(job, step, counted, way, signal), wanted, watched);
  if (!watched.isWrong) return;
  yield {
    kind: "notice",
    text: msg("The model began in another language than was asked for; it was asked once more."),
  };
  const again = { ...step, messages: remind(step.messages, wanted) };
  for await (const event of answered(job, again, countStep(again), way, signal)) {
    yield event.kind === "done" ? { ...event, stats: addStats(counted.stats(), event.stats) } : event;
  }
}

function remind(messages: readonly ChatMessage[], wanted: AnswerLanguage): readonly ChatMessage[] {
  const reminder =
    wanted === "zh-CN" ? "必须只用简体中文回答，不要使用英文。" : "You must answer in English only, not in Chinese.";
  return messages.map((message, at) =>
    at === messages.length - 1 ? { ...message, content: `${message.content}\n\n${reminder}` } : message,
  );
}

function countStep(step: PromptStep): Counted {
  return countAnswer(
    () => countPrompt(step),
    () => performance.now(),
  );
}

/** What the model says: tool calls read, without loops and without our own instructions. */
function answered(job: Job, step: PromptStep, counted: Counted, way: Run, signal: AbortSignal) {
  const asked = ask(job, step, way, signal);
  const model = cutLoops(step.toolUse ? readToolCalls(asked, step.toolUse) : asked, counted);
  return withoutEcho(model, step.instructions);
}

async function* ask(job: Job, step: PromptStep, way: Run, signal: AbortSignal): AsyncIterable<ModelEvent> {
  for await (const event of way(requestOf(job, step), signal)) {
    // With earlier turns in it, much of a prompt may have been read before, and older servers do not count that.
    const isFirst = step.messages.every((message) => message.role !== "assistant");
    if (event.kind === "done" && isFirst && !event.stats.estimated) job.sawCount(step, event.stats.promptTokens);
    yield event;
  }
}

/** Every request the task will make, in order; a part that fails its check is asked once more. */
export function requestsOf(job: Job): readonly ModelRequest[] {
  return job.steps.flatMap((step) => (step.kind === "prompt" ? [requestOf(job, step)] : []));
}

function requestOf(job: Job, step: PromptStep): ModelRequest {
  // The answer may not grow past the window: the server would drop the beginning of the prompt to make room.
  const promptTokens = job.countTokens(step);
  const room = job.base.contextTokens - promptTokens;
  const wanted = Math.min(step.maxTokens ?? room, job.base.maxTokens ?? room, room);
  const request = { ...job.base, messages: step.messages, promptTokens, maxTokens: Math.max(1, wanted) };
  return {
    ...request,
    ...(step.format ? { format: step.format } : {}),
    ...(step.toolUse ? { toolUse: step.toolUse } : {}),
  };
}

/** Holds the answer back until it is whole and accepted; asks once more, then shows what stands in for it. */
async function* runChecked(
  job: Job,
  step: PromptStep,
  check: NonNullable<PromptStep["check"]>,
  way: Run,
  signal: AbortSignal,
): AsyncIterable<AnswerEvent> {
  let stats = noStats;
  let finish: Done["finish"] = "stop";
  for (let attempt = 0; attempt < 2; attempt++) {
    const shown: AnswerEvent[] = [];
    const counted = countStep(step);
    const model = answered(job, step, counted, way, signal);
    for await (const event of step.read ? throughReader(model, step.read, counted) : model) {
      if (event.kind === "done") {
        stats = addStats(stats, event.stats);
        finish = event.finish;
      } else if (event.kind === "text" || event.kind === "finding") shown.push(event);
      else yield event;
    }
    const answer = shown.map((event) => (event.kind === "text" ? event.text : "")).join("");
    if (finish === "stop" && check.accept(answer)) {
      yield* shown;
      yield { kind: "done", stats, finish };
      return;
    }
  }
  yield { kind: "notice", text: msg("One part was not answered as asked, twice; the original stands in its place.") };
  yield { kind: "text", text: check.otherwise };
  yield { kind: "done", stats, finish: "stop" };
}
