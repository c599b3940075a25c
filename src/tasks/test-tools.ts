// Whether a model really calls tools: one short question that only a call answers, asked when a person wants to know.
import type { Backend, InstalledModel, ModelRequest } from "../core/backend.ts";
import { usualContextTokens } from "../core/context.ts";
import { type CountedPrompt, countPrompt } from "../core/count-prompt.ts";
import { msg } from "../core/message.ts";
import type { ModelEvent } from "../core/model-event.ts";
import { serverName } from "../core/names.ts";
import { can } from "../core/needs.ts";
import type { World } from "../core/route.ts";
import type { Ask } from "../core/task.ts";
import { TaskError } from "../core/task-error.ts";
import type { Tool, ToolCall } from "../core/tool.ts";
import type { ToolTest, ToolTests } from "../core/tool-test.ts";
import { createToolText } from "../core/tool-text.ts";
import { type LeaveParts, openWay, recordAway } from "./leave.ts";
import type { RunOnNodes } from "./run-on-nodes.ts";

export interface TestToolsParts extends LeaveParts {
  readonly findWorld: (signal: AbortSignal) => Promise<Pick<World, "models" | "backends">>;
  readonly runOnNodes: RunOnNodes;
  readonly tests: Pick<ToolTests, "keep">;
  /** Longest wait for the answer of a model that is loaded, ms. A test takes about three seconds; processors are slower. */
  readonly deadlineMs?: number;
}

const usualDeadlineMs = 20_000;
const answerTokens = 256;
const question = "What time is it in Oslo now? Find out by calling the tool “current_time”. Do not answer in words.";
const tool: Tool = {
  name: "current_time",
  description: "Tells the time in a city",
  parameters: {
    type: "object",
    properties: { city: { type: "string", description: "Name of the city" } },
    required: ["city"],
  },
};
const ask: Ask = { kind: "chat", text: question, sources: [], history: [] };

/**
 * Tests each build of a model that there is here once, and keeps what it came to.
 * @returns function that throws TaskError: `model-missing`, `bad-input` where there is nothing to test, `server-error`
 * where no answer came in time; nothing is kept then
 */
export function createTestTools(parts: TestToolsParts) {
  return async (name: string, signal: AbortSignal): Promise<readonly ToolTest[]> => {
    const { models, backends } = await parts.findWorld(signal);
    const tests: ToolTest[] = [];
    for (const model of buildsOf(name, models)) {
      const backend = backends.get(model.backend);
      if (!backend) continue;
      const calls = await testOne(model, backend, parts, signal);
      const { digest } = model;
      const test = { model: name, backend: model.backend, ...(digest ? { digest } : {}), calls, atMs: parts.nowMs() };
      await parts.tests.keep(test);
      tests.push(test);
    }
    return tests;
  };
}

/** Equal weights on several servers are tested once. */
function buildsOf(name: string, all: readonly InstalledModel[]): readonly InstalledModel[] {
  const named = all.filter((model) => model.name === name);
  if (named.length === 0) {
    throw new TaskError("model-missing", msg("The model {0} is not installed.", name), {
      details: { suggestedModel: name },
    });
  }
  const own = named.filter(({ place }) => place !== "cloud");
  if (own.length === 0) throw new TaskError("bad-input", msg("Only models of your own are tested; {0} is none.", name));
  // What failed before may do better now.
  const promised = own.filter(({ capabilities }) => can({ capabilities }, "tools"));
  if (promised.length === 0) {
    const text = msg("{0} cannot call tools: its server says so. There is nothing to test.", name);
    throw new TaskError("bad-input", text);
  }
  const weightsOf = (model: InstalledModel) => model.digest ?? model.backend;
  return promised.filter((model, at) => promised.findIndex((each) => weightsOf(each) === weightsOf(model)) === at);
}

async function testOne(
  model: InstalledModel,
  backend: Backend,
  parts: TestToolsParts,
  signal: AbortSignal,
): Promise<ToolTest["calls"]> {
  const request = await requestFor(model, backend, signal);
  const sent = { ask, route: { task: "chat" } as const, countTokens: (prompt: CountedPrompt) => countPrompt(prompt) };
  const way = await openWay(
    {
      ...sent,
      model,
      backend,
      requests: () => [request],
      isNamed: true,
      here: (each, stop) => parts.runOnNodes(recordAway([{ model, backend }], sent, parts), each, stop),
    },
    parts,
    signal,
  );
  if (!way) throw unanswered(model);
  const late = new AbortController();
  const events = way(request, AbortSignal.any([signal, late.signal]));
  try {
    return await judge(withDeadline(events, late, parts.deadlineMs ?? usualDeadlineMs), model);
  } catch (error) {
    throw late.signal.aborted && !signal.aborted ? unanswered(model, error) : error;
  }
}

/** Loads the model first: that has no time limit. One that is loaded keeps its window. */
async function requestFor(model: InstalledModel, backend: Backend, signal: AbortSignal): Promise<ModelRequest> {
  const loaded = (await backend.loaded(signal)).find(({ name }) => name === model.name);
  const contextTokens =
    loaded?.contextTokens ?? Math.min(usualContextTokens, model.contextTokens ?? usualContextTokens);
  if (!loaded) await backend.load(model.name, { contextTokens }, signal);
  return {
    model: model.name,
    messages: [{ role: "user", content: question }],
    sampling: { temperature: 0, topP: 1, repeatPenalty: 1, seed: 1 },
    contextTokens,
    maxTokens: answerTokens,
    think: false,
    // Where a call is forced a grammar sees to it, and nothing is found out.
    toolUse: { tools: [tool], choice: { kind: "auto" }, isParallel: false },
  };
}

/** Stops what takes too long; waiting in the queue of the server does not count. */
async function* withDeadline(
  events: AsyncIterable<ModelEvent>,
  late: AbortController,
  deadlineMs: number,
): AsyncIterable<ModelEvent> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const begin = () => {
    clearTimeout(timer);
    timer = setTimeout(() => late.abort(), deadlineMs);
  };
  begin();
  try {
    for await (const event of events) {
      if (event.kind === "waiting") clearTimeout(timer);
      if (event.kind === "answering" || event.kind === "loading") begin();
      yield event;
    }
  } finally {
    clearTimeout(timer);
  }
}

async function judge(events: AsyncIterable<ModelEvent>, model: InstalledModel): Promise<ToolTest["calls"]> {
  const written = createToolText(new Set([tool.name]));
  let isText = false;
  let made: ToolCall | undefined;
  for await (const event of events) {
    if (event.kind === "tool-call") made ??= event.call;
    if (event.kind === "text") {
      written.push(event.text);
      isText ||= event.text.trim() !== "";
    }
    if (event.kind !== "done") continue;
    if (made) return isRight(made) ? "yes" : "no";
    // It spent all its tokens on thinking.
    if (event.finish === "length" && !isText) throw unanswered(model);
    return event.finish === "stop" && written.end().calls.some(isRight) ? "text" : "no";
  }
  throw unanswered(model);
}

function isRight({ name, arguments: given }: ToolCall): boolean {
  return name === tool.name && typeof given["city"] === "string" && given["city"] !== "";
}

function unanswered({ name, backend }: InstalledModel, cause?: unknown): TaskError {
  const text = msg(
    "{0} gave no answer in time on {1}, so nothing was found out. Test it again when the machine has less to do.",
    name,
    serverName(backend),
  );
  return new TaskError("server-error", text, { cause });
}
