// From a route to the requests that make up the task, and the context window they need.
import type { Backend, InstalledModel, ModelRequest } from "../core/backend.ts";
import { keepAliveOf } from "../core/catalogue.ts";
import { chooseContext, type StickyWindows } from "../core/context.ts";
import { type CountedPrompt, countPrompt } from "../core/count-prompt.ts";
import { estimateTokens } from "../core/estimate-tokens.ts";
import { detectLanguage } from "../core/language.ts";
import { msg } from "../core/message.ts";
import { hasPictures } from "../core/pictures.ts";
import { remediesFor } from "../core/remedies.ts";
import type { Route, World } from "../core/route.ts";
import type { Settings } from "../core/settings.ts";
import type { AnswerLanguage, Ask, TaskKind } from "../core/task.ts";
import { TaskError } from "../core/task-error.ts";
import type { TokenCounts } from "../core/token-counts.ts";
import { planOwnPrompt } from "./conversation.ts";
import type { PlanContext, Step, TaskDefinition } from "./task-definition.ts";

export interface PrepareParts {
  readonly definitions: Readonly<Record<TaskKind, TaskDefinition>>;
  readonly settings: () => Settings;
  readonly interfaceLanguage?: AnswerLanguage;
  readonly windows: StickyWindows;
  readonly counts: TokenCounts;
}

/** Tokens kept free for the answer when nobody says how long it may be. */
const defaultAnswerTokens = 2048;
/** Programs ask for far more than they mean; what is free of the window they get. */
const programAnswerTokens = 4096;
/** Context assumed of a model whose server does not tell it. */
const unknownContextTokens = 4096;

/** A task that is ready to be run. */
export interface Job {
  readonly backend: Backend;
  readonly model: InstalledModel;
  readonly steps: readonly Step[];
  /** Counts the tokens of a prompt for this model. */
  readonly countTokens: (prompt: CountedPrompt) => number;
  /** Told what the server counted for a prompt. */
  readonly sawCount: (prompt: CountedPrompt, counted: number) => void;
  /** The part of the request that is the same for every step. */
  readonly base: Omit<ModelRequest, "messages">;
}

/**
 * Plans the requests of a task and chooses the context window they need.
 * @throws TaskError `context-overflow` with numbers, `bad-input`
 */
export async function prepare(ask: Ask, route: Route, world: World, parts: PrepareParts): Promise<Job> {
  const settings = parts.settings();
  const definition = parts.definitions[route.task];
  const backend = world.backends.get(route.backend);
  const model = world.models.find((each) => each.name === route.model && each.backend === route.backend);
  if (!backend || !model) throw new TaskError("internal", msg("The chosen model {0} is gone. Ask again.", route.model));
  const key = `${model.backend}\n${model.name}`;
  const estimate = createKnowing(estimateTokens);
  const count = parts.counts.of(key, estimate);
  // Asked several times of the same prompt, which may be long.
  const counted = new Map<CountedPrompt, number>();
  const countTokens = (prompt: CountedPrompt) => {
    const tokens = counted.get(prompt) ?? countPrompt(prompt, count);
    counted.set(prompt, tokens);
    return tokens;
  };
  const limit = Math.min(settings.maxContextTokens, model.contextTokens ?? unknownContextTokens);
  const answerTokens = Math.min(answerRoom(ask), Math.floor(limit / 2));
  const context: PlanContext = {
    answerLanguage: answerLanguage(ask, settings, parts.interfaceLanguage),
    model: model.name,
    modelBytes: model.sizeBytes,
    promptTokens: limit - answerTokens,
    estimateTokens: count,
  };
  // What is asked of a picture is a question, whatever its kind: only conversations show pictures to a model.
  const planned = hasPictures(ask) ? parts.definitions.chat : definition;
  const steps = ask.ownPrompt ? planOwnPrompt(ask, ask.ownPrompt) : await planned.plan(ask, context);
  return {
    backend,
    model,
    steps,
    countTokens,
    sawCount: (prompt, counted) => {
      // How tokens of text are counted cannot be learned from pictures, nor from what a template makes of tools.
      const isText = !prompt.toolUse && prompt.messages.every((message) => !message.images && !message.toolCalls);
      if (isText) parts.counts.saw(key, countPrompt(prompt, estimate), counted);
    },
    base: {
      model: model.name,
      sampling: { ...definition.sampling, ...settings.sampling[route.task], ...ask.sampling },
      contextTokens: parts.windows.choose(
        key,
        contextFor(
          steps,
          { answerTokens, countTokens, wantedTokens: answerRoom(ask), wishedTokens: ask.contextTokens, world },
          model,
          settings,
        ),
        ask.conversation,
      ),
      keepAlive: ask.keepAlive ?? keepAliveIn(settings) ?? keepAliveOf(route.role),
      think: model.capabilities.includes("thinking") && (ask.ownPrompt?.think ?? definition.think),
      ...(ask.conversation === undefined ? {} : { conversation: ask.conversation }),
      ...(ask.maxTokens === undefined ? {} : { maxTokens: ask.maxTokens }),
    },
  };
}

/** Shorter texts are counted as soon as they are looked up, characters. */
const longText = 4_000;

/** The texts of a prompt are counted several times on its way, and may be long. */
function createKnowing(count: (text: string) => number): (text: string) => number {
  const known = new Map<string, number>();
  return (text) => {
    if (text.length < longText) return count(text);
    const tokens = known.get(text) ?? count(text);
    known.set(text, tokens);
    return tokens;
  };
}

/** Ollama takes durations with a unit, and for ever as a number. */
function keepAliveIn({ keepAlive }: Settings): string | number | undefined {
  if (keepAlive === "") return undefined;
  return keepAlive === "-1" ? -1 : keepAlive;
}

/** Tokens that have to be free for the answer. */
function answerRoom({ maxTokens = defaultAnswerTokens, ownPrompt }: Ask): number {
  return ownPrompt ? Math.min(maxTokens, programAnswerTokens) : maxTokens;
}

/** The question's; a command asks nothing in words: then the person's own. */
function answerLanguage(ask: Ask, settings: Settings, interfaceLanguage: AnswerLanguage = "en"): AnswerLanguage {
  if (ask.answerLanguage) return ask.answerLanguage;
  if (settings.answerLanguage !== "auto") return settings.answerLanguage;
  if (ask.text.trim() === "") return interfaceLanguage;
  return detectLanguage(ask.text) === "zh" ? "zh-CN" : "en";
}

interface AnswerRoom {
  /** What half of the present window leaves for the answer, and what is wanted. */
  readonly answerTokens: number;
  readonly wantedTokens: number;
  readonly wishedTokens: number | undefined;
  readonly world: World;
}

/** One window for the whole task, so that the model is loaded once. Refuses, with numbers, what does not fit. */
function contextFor(
  steps: readonly Step[],
  { answerTokens, countTokens, wantedTokens, wishedTokens, world }: Pick<Job, "countTokens"> & AnswerRoom,
  model: InstalledModel,
  settings: Settings,
): number {
  const promptTokens = steps.reduce((most, step) => Math.max(most, step.kind === "prompt" ? countTokens(step) : 0), 0);
  const modelContextTokens = model.contextTokens ?? unknownContextTokens;
  const chosen = chooseContext({
    promptTokens,
    answerTokens,
    modelContextTokens,
    maxContextTokens: settings.maxContextTokens,
    wishedTokens,
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
  const { maxContextTokens } = settings;
  const overflow = { promptTokens, answerTokens: wantedTokens, model, maxContextTokens, ...world };
  const remedies = remediesFor(overflow);
  throw new TaskError("context-overflow", advice, { details: { promptTokens, contextTokens, remedies } });
}
