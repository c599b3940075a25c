// The real pipeline over one scripted server.
import { hash } from "node:crypto";
import type { AnswerEvent } from "../../src/core/answer.ts";
import type { Backend, InstalledModel, ModelRequest } from "../../src/core/backend.ts";
import { classify } from "../../src/core/classify.ts";
import { createStickyWindows } from "../../src/core/context.ts";
import type { ModelEvent } from "../../src/core/model-event.ts";
import { createNodeQueue } from "../../src/core/node-queue.ts";
import { defaultSettings, type Settings } from "../../src/core/settings.ts";
import type { Ask } from "../../src/core/task.ts";
import { createTokenCounts } from "../../src/core/token-counts.ts";
import { createTurns, usualLimits } from "../../src/core/turns.ts";
import { definitions } from "../../src/tasks/definitions.ts";
import { createPipeline } from "../../src/tasks/pipeline.ts";
import { createRunOnNodes } from "../../src/tasks/run-on-nodes.ts";
import type { TaskDefinition } from "../../src/tasks/task-definition.ts";

export const never = new AbortController().signal;
export const stats = { promptTokens: 5, answerTokens: 2, loadMs: 0, prefillMs: 10, decodeMs: 20 };
export const done: ModelEvent = { kind: "done", stats, finish: "stop" };
export const model: InstalledModel = {
  name: "llama3.1:8b",
  backend: "test server",
  place: "this-machine",
  sizeBytes: 1_000_000,
  contextTokens: 8192,
  capabilities: ["completion"],
};

export function pipelineWith(over: {
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
    privacyIn: async () => undefined,
    cache: { get: async () => undefined, put: async () => {}, clear: async () => {} },
    ledger: over.mayLeave
      ? {
          append: async () => {},
          note: () => {},
          reserve: async () => {},
          list: unused,
          spentUsd: async () => 0,
          lostRecord: async () => undefined,
          clear: unused,
        }
      : {
          append: unused,
          note: unused,
          reserve: unused,
          list: unused,
          spentUsd: unused,
          lostRecord: unused,
          clear: unused,
        },
    mayLeave: over.mayLeave ? async () => ({ kind: "allow", by: "once", secrets: "mask" }) : unused,
    askedBy: "shell",
    nowMs: () => 0,
    hash: (text) => hash("sha256", text),
    turns: createTurns({ limits: usualLimits, maxWaiting: 100 }, () => 0),
    runOnNodes: createRunOnNodes({ queue: createNodeQueue(() => 0), slotsOf: () => 4 }),
  });
  return { pipeline, requests, state };
}

export const chat: Ask = { kind: "chat", text: "hello there", sources: [], history: [] };

export async function all(events: AsyncIterable<AnswerEvent>): Promise<AnswerEvent[]> {
  const seen: AnswerEvent[] = [];
  for await (const event of events) seen.push(event);
  return seen;
}

export const textOf = (events: readonly AnswerEvent[]) =>
  events.map((event) => (event.kind === "text" ? event.text : "")).join("");
