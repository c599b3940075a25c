// One task's way: ask → classify → route → context check → backend → answer events. Nothing goes back up it.
import type { AnswerEvent } from "../core/answer.ts";
import type { Backend, ChatMessage, InstalledModel, ModelRequest } from "../core/backend.ts";
import type { Classifier } from "../core/classify.ts";
import { chooseContext, estimateTokens } from "../core/context.ts";
import { detectLanguage } from "../core/language.ts";
import { msg } from "../core/message.ts";
import type { AnswerStats, ModelEvent } from "../core/model-event.ts";
import { chooseRoute, type Reachable, type Route } from "../core/route.ts";
import type { Settings } from "../core/settings.ts";
import type { AnswerLanguage, Ask, TaskKind } from "../core/task.ts";
import { TaskError } from "../core/task-error.ts";
import { type Counted, countAnswer, cutLoops } from "./loop-guard.ts";
import { throughReader } from "./read-answer.ts";
import type { Step, TaskDefinition } from "./task-definition.ts";

/** What can be reached now: models and the servers that have them. */
export interface World extends Reachable {
  readonly backends: ReadonlyMap<string, Backend>;
}

export interface PipelineParts {
  readonly classify: Classifier;
  readonly definitions: Readonly<Record<TaskKind, TaskDefinition>>;
  readonly settings: () => Settings;
  readonly findWorld: (signal: AbortSignal) => Promise<World>;
}

export interface Pipeline {
  /** Where the ask would run and why; nothing is sent. */
  preview(ask: Ask, signal: AbortSignal): Promise<Route>;
  run(ask: Ask, signal: AbortSignal): AsyncIterable<AnswerEvent>;
}

/** Tokens kept free for the answer when nobody says how long it may be. */
const defaultAnswerTokens = 2048;
/** Tokens that a chat template puts around each message. */
const messageOverheadTokens = 8;
/** Context assumed of a model whose server does not tell it. */
const unknownContextTokens = 4096;

export function createPipeline(parts: PipelineParts): Pipeline {
  const settle = async (ask: Ask, signal: AbortSignal) => {
    refuseEmpty(ask);
    const classification = parts.classify(ask);
    const world = await parts.findWorld(signal);
    return { world, route: chooseRoute(ask, classification, world, parts.settings()) };
  };
  return {
    preview: async (ask, signal) => (await settle(ask, signal)).route,
    async *run(ask, signal) {
      const { world, route } = await settle(ask, signal);
      yield { kind: "routed", route };
      if (route.role === "reasoning") {
        yield {
          kind: "notice",
          text: msg("Complex reasoning runs on the local model {0}: no cloud model is connected.", route.model),
        };
      }
      const job = prepare(ask, route, world, parts);
      yield* runSteps(job, signal);
    },
  };
}

function refuseEmpty(ask: Ask): void {
  if (ask.text.trim() === "" && ask.sources.every((source) => source.text.trim() === "")) {
    throw new TaskError("bad-input", msg("There is nothing to work on: type a question, or select some text first."));
  }
}

interface Job {
  readonly backend: Backend;
  readonly steps: readonly Step[];
  /** The part of the request that is the same for every step. */
  readonly base: Omit<ModelRequest, "messages">;
}

function prepare(ask: Ask, route: Route, world: World, parts: PipelineParts): Job {
  const settings = parts.settings();
  const definition = parts.definitions[route.task];
  const backend = world.backends.get(route.backend);
  const model = world.models.find((each) => each.name === route.model && each.backend === route.backend);
  if (!backend || !model) throw new TaskError("internal", msg("The chosen model {0} is gone. Ask again.", route.model));
  const limit = Math.min(settings.maxContextTokens, model.contextTokens ?? unknownContextTokens);
  const answerTokens = Math.min(ask.maxTokens ?? defaultAnswerTokens, Math.floor(limit / 2));
  const steps = definition.plan(ask, {
    answerLanguage: answerLanguage(ask, settings),
    model: model.name,
    promptTokens: limit - answerTokens,
    estimateTokens,
  });
  return {
    backend,
    steps,
    base: {
      model: model.name,
      sampling: { ...definition.sampling, ...settings.sampling[route.task], ...ask.sampling },
      contextTokens: contextFor(steps, answerTokens, model, settings),
      think: definition.think && model.capabilities.includes("thinking"),
      ...(ask.maxTokens === undefined ? {} : { maxTokens: ask.maxTokens }),
    },
  };
}

function answerLanguage(ask: Ask, settings: Settings): AnswerLanguage {
  if (ask.answerLanguage) return ask.answerLanguage;
  if (settings.answerLanguage !== "auto") return settings.answerLanguage;
  return detectLanguage(ask.text) === "zh" ? "zh-CN" : "en";
}

/** One window for the whole task, so that the model is loaded once. Refuses, with numbers, what does not fit. */
function contextFor(steps: readonly Step[], answerTokens: number, model: InstalledModel, settings: Settings): number {
  const promptTokens = Math.max(0, ...steps.map((step) => (step.kind === "prompt" ? countPrompt(step.messages) : 0)));
  const modelContextTokens = model.contextTokens ?? unknownContextTokens;
  const chosen = chooseContext({
    promptTokens,
    answerTokens,
    modelContextTokens,
    maxContextTokens: settings.maxContextTokens,
  });
  if (chosen !== undefined) return chosen;
  const contextTokens = Math.min(modelContextTokens, settings.maxContextTokens);
  const advice =
    settings.maxContextTokens < modelContextTokens
      ? msg(
          "This needs about {0} tokens and {1} for the answer, but the context is limited to {2}. Nothing was sent. Select less text, or raise the setting “switchyard.maxContextTokens”: {3} can hold {4}.",
          promptTokens,
          answerTokens,
          contextTokens,
          model.name,
          modelContextTokens,
        )
      : msg(
          "This needs about {0} tokens and {1} for the answer, but {3} holds {2}. Nothing was sent. Select less text, or choose a model with a larger context.",
          promptTokens,
          answerTokens,
          contextTokens,
          model.name,
        );
  throw new TaskError("context-overflow", advice, { details: { promptTokens, contextTokens } });
}

function countPrompt(messages: readonly ChatMessage[]): number {
  return messages.reduce((sum, message) => sum + estimateTokens(message.content) + messageOverheadTokens, 0);
}

type PromptStep = Extract<Step, { kind: "prompt" }>;
type Done = Extract<AnswerEvent, { kind: "done" }>;

async function* runSteps(job: Job, signal: AbortSignal): AsyncIterable<AnswerEvent> {
  const total = job.steps.filter((step) => step.kind === "prompt").length;
  const finished: Done[] = [];
  for (const step of job.steps) {
    if (step.kind !== "prompt") {
      yield step.kind === "literal" ? { kind: "text", text: step.text } : step;
      continue;
    }
    for await (const event of runPrompt(job, step, signal)) {
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
  };
}

/** Runs one prompt; yields exactly one `done`, last. */
async function* runPrompt(job: Job, step: PromptStep, signal: AbortSignal): AsyncIterable<AnswerEvent> {
  if (step.check) {
    yield* runChecked(job, step, step.check, signal);
    return;
  }
  const counted = countStep(step);
  const model = cutLoops(ask(job, step, signal), counted);
  yield* step.read ? throughReader(model, step.read, counted) : model;
}

function countStep(step: PromptStep): Counted {
  return countAnswer(countPrompt(step.messages), () => performance.now());
}

function ask(job: Job, step: PromptStep, signal: AbortSignal): AsyncIterable<ModelEvent> {
  // The answer may not grow past the window: the server would drop the beginning of the prompt to make room.
  const room = job.base.contextTokens - countPrompt(step.messages);
  const wanted = Math.min(step.maxTokens ?? room, job.base.maxTokens ?? room, room);
  const request = { ...job.base, messages: step.messages, maxTokens: Math.max(1, wanted) };
  return job.backend.run(step.format ? { ...request, format: step.format } : request, signal);
}

/** Holds the answer back until it is whole and accepted; asks once more, then shows what stands in for it. */
async function* runChecked(
  job: Job,
  step: PromptStep,
  check: NonNullable<PromptStep["check"]>,
  signal: AbortSignal,
): AsyncIterable<AnswerEvent> {
  let stats = noStats;
  let finish: Done["finish"] = "stop";
  for (let attempt = 0; attempt < 2; attempt++) {
    const shown: AnswerEvent[] = [];
    const counted = countStep(step);
    const model = cutLoops(ask(job, step, signal), counted);
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
