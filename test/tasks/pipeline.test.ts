import { hash } from "node:crypto";
import { expect, it } from "vitest";
import type { AnswerEvent } from "../../src/core/answer.ts";
import type { Backend, InstalledModel, ModelRequest } from "../../src/core/backend.ts";
import { classify } from "../../src/core/classify.ts";
import { createStickyWindows } from "../../src/core/context.ts";
import type { ModelEvent } from "../../src/core/model-event.ts";
import { createNodeQueue } from "../../src/core/node-queue.ts";
import { defaultSettings, type Settings } from "../../src/core/settings.ts";
import type { Ask } from "../../src/core/task.ts";
import { TaskError } from "../../src/core/task-error.ts";
import { createTokenCounts } from "../../src/core/token-counts.ts";
import { createTurns, usualLimits } from "../../src/core/turns.ts";
import { definitions } from "../../src/tasks/definitions.ts";
import { createPipeline } from "../../src/tasks/pipeline.ts";
import { createRunOnNodes } from "../../src/tasks/run-on-nodes.ts";
import type { TaskDefinition } from "../../src/tasks/task-definition.ts";

const never = new AbortController().signal;
const stats = { promptTokens: 5, answerTokens: 2, loadMs: 0, prefillMs: 10, decodeMs: 20 };
const done: ModelEvent = { kind: "done", stats, finish: "stop" };
const model: InstalledModel = {
  name: "llama3.1:8b",
  backend: "test server",
  place: "this-machine",
  sizeBytes: 1_000_000,
  contextTokens: 8192,
  capabilities: ["completion"],
};

function pipelineWith(over: {
  readonly answer?: (request: ModelRequest, call: number) => readonly ModelEvent[];
  readonly settings?: Partial<Settings>;
  readonly chat?: Partial<TaskDefinition>;
  readonly model?: Partial<InstalledModel>;
  readonly mayLeave?: boolean;
}) {
  const requests: ModelRequest[] = [];
  const state = { running: 0 };
  const unused = () => {
    throw new Error("not part of this test");
  };
  const backend: Backend = {
    name: "test server",
    place: "this-machine",
    models: unused,
    loaded: unused,
    load: unused,
    unload: unused,
    pull: unused,
    delete: unused,
    async *run(request) {
      requests.push(request);
      state.running++;
      try {
        yield* over.answer?.(request, requests.length) ?? [{ kind: "text", text: "answer" }, done];
      } finally {
        state.running--;
      }
    },
  };
  const pipeline = createPipeline({
    classify,
    windows: createStickyWindows(() => 0),
    counts: createTokenCounts(),
    definitions: { ...definitions, chat: { ...definitions.chat, ...over.chat } },
    settings: () => ({ ...defaultSettings, ...over.settings }),
    findWorld: async () => ({
      models: [{ ...model, ...over.model }],
      backends: new Map([[backend.name, backend]]),
      memoryBytes: 64 * 2 ** 30,
    }),
    privacyOf: async () => undefined,
    cache: { get: async () => undefined, put: async () => {}, clear: async () => {} },
    ledger: over.mayLeave
      ? { append: async () => {}, list: unused, spentUsd: async () => 0, clear: unused }
      : { append: unused, list: unused, spentUsd: unused, clear: unused },
    mayLeave: over.mayLeave ? async () => ({ kind: "allow", by: "once", secrets: "mask" }) : unused,
    askedBy: "shell",
    nowMs: () => 0,
    hash: (text) => hash("sha256", text),
    turns: createTurns({ limits: usualLimits, maxWaiting: 100 }, () => 0),
    runOnNodes: createRunOnNodes({ queue: createNodeQueue(() => 0), slotsOf: () => 4 }),
  });
  return { pipeline, requests, state };
}

const chat: Ask = { kind: "chat", text: "hello there", sources: [], history: [] };

async function all(events: AsyncIterable<AnswerEvent>): Promise<AnswerEvent[]> {
  const seen: AnswerEvent[] = [];
  for await (const event of events) seen.push(event);
  return seen;
}

const textOf = (events: readonly AnswerEvent[]) =>
  events.map((event) => (event.kind === "text" ? event.text : "")).join("");

it("says where the task runs before anything else, and ends with the server's figures", async () => {
  const { pipeline } = pipelineWith({});
  const events = await all(pipeline.run(chat, never));
  expect(events.map((event) => event.kind)).toEqual(["routed", "text", "done"]);
  expect(events[0]).toMatchObject({ route: { task: "chat", model: "llama3.1:8b", place: "this-machine" } });
  expect(events.at(-1)).toEqual(done);
});

it("refuses to work on nothing", async () => {
  const { pipeline, requests } = pipelineWith({});
  await expect(all(pipeline.run({ ...chat, text: "  \n" }, never))).rejects.toMatchObject({ kind: "bad-input" });
  expect(requests).toHaveLength(0);
});

it("refuses a prompt that does not fit with numbers, and sends nothing", async () => {
  const { pipeline, requests } = pipelineWith({});
  const long = { ...chat, text: "word ".repeat(20_000) };
  const error = await all(pipeline.run(long, never)).catch((caught: unknown) => caught);
  expect(error).toBeInstanceOf(TaskError);
  expect(error).toMatchObject({ kind: "context-overflow", details: { contextTokens: 8192, remedies: { models: [] } } });
  expect(String(error)).toContain("8192");
  expect(requests).toHaveLength(0);
});

it("names the setting when it is what limits the context", async () => {
  const { pipeline } = pipelineWith({ settings: { maxContextTokens: 2048 } });
  await expect(all(pipeline.run({ ...chat, text: "word ".repeat(5000) }, never))).rejects.toThrow(
    /switchyard\.maxContextTokens.*8192/,
  );
});

it("parts what can be parted: a document and a source ten times the window are worked on whole, in pieces that fit", async () => {
  const prose = Array.from(
    { length: 1500 },
    (_, at) => `Paragraph ${at} says what the ${at}th part of the engine does, and why.`,
  );
  const code = Array.from(
    { length: 3000 },
    (_, at) => `export function f${at}(a: number): number {\n  return a * ${at};\n}\n`,
  );
  for (const [kind, languageId, text] of [
    ["translate", "markdown", prose.join("\n\n")],
    ["translate", "plaintext", prose.join("\n")],
    ["review", "typescript", code.join("\n")],
  ] as const) {
    const { pipeline, requests } = pipelineWith({
      model: { contextTokens: 4096 },
      settings: { maxContextTokens: 4096 },
    });
    const source = { uri: "file:///a", label: "a", text, languageId, origin: "file" as const };
    await all(pipeline.run({ kind, text: "", sources: [source], history: [] }, never));
    expect(requests.length).toBeGreaterThan(10);
    const sent = requests.map((request) => request.messages.map((message) => message.content).join("\n"));
    for (const each of sent) expect(each.length / 4).toBeLessThan(4096);
    for (const at of [0, 700, 1499]) {
      const mark = kind === "review" ? `function f${at}(` : `Paragraph ${at} says`;
      expect(sent.some((each) => each.includes(mark))).toBe(true);
    }
  }
});

it("never lets an answer grow past the context, where the server would drop the start of the prompt", async () => {
  const { pipeline, requests } = pipelineWith({});
  await all(pipeline.run({ ...chat, text: "word ".repeat(3000) }, never));
  const [request] = requests;
  const promptTokens = (request?.messages ?? []).reduce((sum, each) => sum + each.content.length / 4, 0);
  expect(promptTokens + (request?.maxTokens ?? Number.NaN)).toBeLessThanOrEqual(request?.contextTokens ?? 0);
});

it("samples as the task says, unless the settings or the ask say otherwise", async () => {
  const { pipeline, requests } = pipelineWith({ settings: { sampling: { create: { topP: 0.5 } } } });
  await all(pipeline.run({ ...chat, kind: "create", sampling: { repeatPenalty: 1.2 } }, never));
  expect(requests[0]?.sampling).toEqual({ temperature: 0.8, topP: 0.5, repeatPenalty: 1.2 });
});

it("says that complex reasoning stays on this machine", async () => {
  const { pipeline } = pipelineWith({});
  const events = await all(pipeline.run({ ...chat, kind: "analyze" }, never));
  expect(events[1]).toMatchObject({ kind: "notice", text: { args: ["llama3.1:8b"] } });
});

it("stops the model when its reader leaves", async () => {
  const { pipeline, state } = pipelineWith({
    answer: () => Array.from({ length: 100 }, () => ({ kind: "text", text: "on " }) as const),
  });
  for await (const event of pipeline.run(chat, never)) if (event.kind === "text") break;
  expect(state.running).toBe(0);
});

it("adds the figures of several requests up, in order, with text between them as it is", async () => {
  const step = (content: string) => ({ kind: "prompt", messages: [{ role: "user", content }] }) as const;
  const { pipeline } = pipelineWith({
    chat: { plan: () => [step("one"), { kind: "literal", text: "|" }, step("two")] },
    answer: (request) => [{ kind: "text", text: request.messages[0]?.content ?? "" }, done],
  });
  const events = await all(pipeline.run(chat, never));
  expect(textOf(events)).toBe("one|two");
  expect(events.at(-1)).toMatchObject({ kind: "done", stats: { promptTokens: 10, answerTokens: 4, decodeMs: 40 } });
});

it("asks a checked part once more, then puts the original in its place and says so", async () => {
  const { pipeline, requests } = pipelineWith({
    chat: {
      plan: () => [
        {
          kind: "prompt",
          messages: [{ role: "user", content: "translate ⟦1⟧" }],
          check: { accept: (answer) => answer.includes("⟦1⟧"), otherwise: "the original" },
        },
      ],
    },
  });
  const events = await all(pipeline.run(chat, never));
  expect(requests).toHaveLength(2);
  expect(textOf(events)).toBe("the original");
  expect(events.some((event) => event.kind === "notice")).toBe(true);
});

it("takes the second answer when only the first was refused", async () => {
  const { pipeline } = pipelineWith({
    answer: (_, call) => [{ kind: "text", text: call === 1 ? "bad" : "good" }, done],
    chat: {
      plan: () => [
        {
          kind: "prompt",
          messages: [{ role: "user", content: "x" }],
          check: { accept: (answer) => answer === "good", otherwise: "the original" },
        },
      ],
    },
  });
  expect(textOf(await all(pipeline.run(chat, never)))).toBe("good");
});

it("shows thinking as it comes and gives the reader of a task only the text", async () => {
  const { pipeline } = pipelineWith({
    answer: () => [{ kind: "thinking", text: "hm" }, { kind: "text", text: "a" }, { kind: "text", text: "b" }, done],
    chat: {
      plan: () => [
        {
          kind: "prompt",
          messages: [{ role: "user", content: "x" }],
          read: async function* (pieces) {
            for await (const piece of pieces) yield { kind: "text", text: piece.toUpperCase() };
          },
        },
      ],
    },
  });
  const events = await all(pipeline.run(chat, never));
  expect(events.map((event) => event.kind)).toEqual(["routed", "thinking", "text", "text", "done"]);
  expect(textOf(events)).toBe("AB");
});

it("asks once more when the model begins in another language, and shows only the second answer", async () => {
  const english = "This function computes the mean of the numbers it is given and returns it to the caller. ".repeat(3);
  const { pipeline, requests, state } = pipelineWith({
    answer: (_, call) => [{ kind: "text", text: call === 1 ? english : "这个函数计算平均值。" }, done],
  });
  const events = await all(pipeline.run({ ...chat, text: "这个函数做什么？" }, never));
  expect(textOf(events)).toBe("这个函数计算平均值。");
  expect(requests).toHaveLength(2);
  expect(requests[1]?.messages.at(-1)?.content).toContain("只用简体中文");
  expect(requests[1]?.sampling.temperature).toBeGreaterThan(requests[0]?.sampling.temperature ?? 1);
  expect(events.some((event) => event.kind === "notice")).toBe(true);
  expect(state.running).toBe(0);
});

const loop = Array.from(
  { length: 60 },
  () => ({ kind: "text", text: "It depends on many things, as always. " }) as const,
);

it("lets a model that repeats itself go on once from what was good, with other sampling, and says so", async () => {
  const { pipeline, requests } = pipelineWith({
    answer: (_, call) =>
      call === 1
        ? [{ kind: "text", text: "First, measure: " }, ...loop]
        : [{ kind: "text", text: "Then decide." }, done],
  });
  const events = await all(pipeline.run(chat, never));
  expect(textOf(events)).toMatch(/^First, measure: It depends .*Then decide\.$/s);
  expect(requests).toHaveLength(2);
  expect(requests[1]?.messages.at(-2)).toEqual({
    role: "assistant",
    content: "First, measure: It depends on many things, as always.",
  });
  expect(requests[1]?.sampling.repeatPenalty).toBeGreaterThan(requests[0]?.sampling.repeatPenalty ?? 2);
  expect(events.filter((event) => event.kind === "notice")).toHaveLength(1);
  expect(events.filter((event) => event.kind === "done")).toHaveLength(1);
});

it("asks only once more: a model that repeats itself again is stopped for good", async () => {
  const { pipeline, requests, state } = pipelineWith({ answer: () => [{ kind: "text", text: "Well. " }, ...loop] });
  const events = await all(pipeline.run(chat, never));
  expect(requests).toHaveLength(2);
  expect(events.filter((event) => event.kind === "notice")).toHaveLength(2);
  expect(events.at(-1)?.kind).toBe("done");
  expect(state.running).toBe(0);
});

it("does not buy a second answer of a cloud, nor put words into another program's conversation", async () => {
  const answer = () => loop;
  const cloud = pipelineWith({ answer, model: { place: "cloud" }, mayLeave: true });
  await all(cloud.pipeline.run({ ...chat, model: "llama3.1:8b" }, never));
  const other = pipelineWith({ answer });
  await all(other.pipeline.run({ ...chat, ownPrompt: { system: "" } }, never));
  expect([cloud.requests.length, other.requests.length]).toEqual([1, 1]);
});
