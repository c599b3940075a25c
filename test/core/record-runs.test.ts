import { describe, expect, it } from "vitest";
import type { AnswerEvent } from "../../src/core/answer.ts";
import type { LoadedModel, Place } from "../../src/core/backend.ts";
import { classify } from "../../src/core/classify.ts";
import { msg } from "../../src/core/message.ts";
import { createRecorder } from "../../src/core/record-runs.ts";
import type { RunRecord } from "../../src/core/run-record.ts";
import { TaskError } from "../../src/core/task-error.ts";
import { createTurnstile } from "../../src/core/turnstile.ts";

const routed = (model: string, place: Place = "this-machine"): AnswerEvent => ({
  kind: "routed",
  route: {
    task: "chat",
    classification: classify({ text: "hello", sources: [], history: [] }),
    role: "general",
    model,
    backend: "Ollama",
    place,
    why: msg("first"),
    alternatives: [],
  },
});
const done = (loadMs: number, keptAtMs?: number): AnswerEvent => ({
  kind: "done",
  finish: "stop",
  stats: { promptTokens: 10, answerTokens: 20, loadMs, prefillMs: 30, decodeMs: 1000 },
  ...(keptAtMs === undefined ? {} : { keptAtMs }),
});
const loaded = (name: string, over: Partial<LoadedModel> = {}): LoadedModel => ({
  name,
  backend: "Ollama",
  sizeBytes: 100,
  vramBytes: 0,
  contextTokens: 8192,
  expiresAtMs: 10_000,
  ...over,
});

async function* stream(...events: readonly AnswerEvent[]): AsyncIterable<AnswerEvent> {
  yield* events;
}
async function drain(events: AsyncIterable<AnswerEvent>): Promise<void> {
  for await (const _ of events);
}

/** @param memory what is loaded after each answer, in order */
function recorderWith(...memory: readonly (readonly LoadedModel[])[]) {
  const kept: RunRecord[] = [];
  let looks = 0;
  const recorder = createRecorder({
    runs: { add: async (records) => void kept.push(...records) },
    loaded: async () => memory[Math.min(looks++, memory.length - 1)] ?? [],
    nowMs: () => 1000,
  });
  return { recorder, kept };
}

describe("what is recorded of answers", () => {
  it("is numbers and names, and no word of what was said", async () => {
    const { recorder, kept } = recorderWith([loaded("a", { vramBytes: 75 })]);
    await drain(recorder.watch(stream(routed("a"), { kind: "text", text: "a secret" }, done(900))));
    await recorder.settled();
    expect(kept).toEqual([
      {
        atMs: 1000,
        model: "a",
        backend: "Ollama",
        task: "chat",
        outcome: "done",
        promptTokens: 10,
        answerTokens: 20,
        loadMs: 900,
        prefillMs: 30,
        decodeMs: 1000,
        inFlight: 1,
        contextTokens: 8192,
        processorShare: 0.25,
      },
    ]);
    expect(JSON.stringify(kept)).not.toContain("secret");
  });

  it("names the models that were pushed out, but not those whose time had come", async () => {
    const { recorder, kept } = recorderWith([loaded("a"), loaded("old", { expiresAtMs: 900 })], [loaded("b")]);
    await drain(recorder.watch(stream(routed("a"), done(900))));
    await recorder.settled();
    await drain(recorder.watch(stream(routed("b"), done(900))));
    await recorder.settled();
    expect(kept.map(({ evicted }) => evicted)).toEqual([undefined, ["a"]]);
  });

  it("leaves out what was kept from before, and what was not answered here", async () => {
    const { recorder, kept } = recorderWith([]);
    await drain(recorder.watch(stream(routed("a"), done(0, 5))));
    await drain(recorder.watch(stream(routed("claude", "cloud"), done(0))));
    await recorder.settled();
    expect(kept).toEqual([]);
  });

  it("tells a want of memory from other failures", async () => {
    const { recorder, kept } = recorderWith([]);
    async function* failing(isOutOfMemory: boolean): AsyncIterable<AnswerEvent> {
      yield routed("a");
      throw new TaskError("server-error", msg("failed"), { details: { isOutOfMemory } });
    }
    for (const isMemory of [true, false]) await expect(drain(recorder.watch(failing(isMemory)))).rejects.toThrow();
    await recorder.settled();
    expect(kept.map(({ outcome }) => outcome)).toEqual(["out-of-memory", "failed"]);
  });
});

describe("the turnstile", () => {
  it("lets in so many at once, in the order of their coming, and who leaves makes room", async () => {
    let limit = 1;
    const turnstile = createTurnstile(() => limit);
    const order: string[] = [];
    const gates = new Map<string, () => void>();
    const leave = new AbortController();
    const enter = (name: string, signal = new AbortController().signal) =>
      (async () => {
        const work = async function* () {
          order.push(name);
          yield await new Promise<void>((resolve) => gates.set(name, resolve));
        };
        for await (const _ of turnstile.pass(work, signal));
      })();
    const [a, b, c, d] = [enter("a"), enter("b", leave.signal), enter("c"), enter("d")];
    await expect.poll(() => order).toEqual(["a"]);
    leave.abort();
    await expect(b).rejects.toMatchObject({ name: "AbortError" });
    limit = 2;
    gates.get("a")?.();
    await a;
    await expect.poll(() => order).toEqual(["a", "c", "d"]);
    gates.get("c")?.();
    gates.get("d")?.();
    await Promise.all([c, d]);
  });
});
