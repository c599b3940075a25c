import { describe, expect, it } from "vitest";
import type { AdviceFacts } from "../../src/core/advice.ts";
import { adviseOn } from "../../src/core/advice-rules.ts";
import type { InstalledModel } from "../../src/core/backend.ts";
import { formatMessage, type Message } from "../../src/core/message.ts";
import type { RunRecord } from "../../src/core/run-record.ts";
import { defaultSettings } from "../../src/core/settings.ts";

const nowMs = Date.UTC(2026, 10, 25);
const minute = 60_000;

const model = (name: string, gigabytes: number, quantization = "Q4_K_M"): InstalledModel => ({
  name,
  backend: "Ollama at 127.0.0.1:11434",
  place: "this-machine",
  sizeBytes: gigabytes * 1e9,
  capabilities: ["completion"],
  quantization,
});

const run = (over: Partial<RunRecord>): RunRecord => ({
  atMs: nowMs - 10 * minute,
  model: "qwen2.5:7b",
  backend: "Ollama at 127.0.0.1:11434",
  task: "review",
  outcome: "done",
  promptTokens: 800,
  answerTokens: 100,
  loadMs: 0,
  prefillMs: 500,
  decodeMs: 4_000,
  inFlight: 1,
  ...over,
});
const times = (count: number, over: Partial<RunRecord>) => Array.from({ length: count }, () => run(over));

const facts = (over: Partial<AdviceFacts>): AdviceFacts => ({
  runs: [],
  models: [model("qwen2.5:7b", 4.7), model("qwen2.5:1.5b", 1)],
  offers: [],
  ratings: [],
  settings: defaultSettings,
  temperatureOf: () => 0.3,
  nowMs,
  ...over,
});

const said = (messages: readonly Message[] | undefined) => (messages ?? []).map((each) => formatMessage(each));
const slowRuns = { decodeMs: 50_000 };

describe("advice", () => {
  it("is none while all is well, or before there is enough to go by", () => {
    expect(adviseOn(facts({ runs: times(20, {}) }))).toEqual([]);
    expect(adviseOn(facts({ runs: times(2, slowRuns) }))).toEqual([]);
  });

  it("for a slow model is a smaller one for that kind of task, with the speed as evidence", () => {
    const [advice] = adviseOn(facts({ runs: times(4, slowRuns) }));
    expect(advice).toMatchObject({
      id: "slow:review:qwen2.5:7b",
      change: { key: "pinnedModels", value: { review: "qwen2.5:1.5b" } },
      probe: ["review"],
    });
    expect(said(advice?.evidence)).toContain("2.0 tokens a second, the middle of the last 4 answers");
  });

  it("keeps what else is pinned", () => {
    const settings = { ...defaultSettings, pinnedModels: { chat: "x" } };
    const [advice] = adviseOn(facts({ runs: times(4, slowRuns), settings }));
    expect(advice?.change.value).toEqual({ chat: "x", review: "qwen2.5:1.5b" });
  });

  it("names a model to fetch where no smaller one is installed, and says so", () => {
    const models = [model("qwen2.5:7b", 4.7)];
    const offers = [
      { name: "qwen2.5:0.5b", sizeBytes: 0.4e9 },
      { name: "qwen2.5:1.5b", sizeBytes: 1e9 },
    ];
    const [advice] = adviseOn(facts({ runs: times(4, slowRuns), models, offers }));
    expect(advice).toMatchObject({ needs: "qwen2.5:1.5b", change: { value: { review: "qwen2.5:1.5b" } } });
  });

  it("is fewer answers at once where several shared the machine, and says what one alone makes", () => {
    const runs = [...times(3, { ...slowRuns, inFlight: 4 }), run({ decodeMs: 5_000, inFlight: 1 })];
    const [advice] = adviseOn(facts({ runs }));
    expect(advice).toMatchObject({ change: { key: "parallelRequests", value: 2 }, probeAtOnce: 4 });
    expect(said(advice?.evidence)).toContain("Alone it makes 20.0 tokens a second");
  });

  it("is a smaller context where a part of the model runs on the processor for want of graphics memory", () => {
    const runs = times(4, { ...slowRuns, processorShare: 0.4, contextTokens: 32768 });
    const [advice] = adviseOn(facts({ runs }));
    expect(advice).toMatchObject({ change: { key: "maxContextTokens", value: 8192 }, probeContextTokens: 32768 });
    expect(said(advice?.evidence)).toContain("40 % of it run on the processor");
  });

  it("for want of memory is the same model in four bits where it is in eight", () => {
    const models = [model("llama3.1:8b-instruct-q8_0", 8.5, "Q8_0"), model("llama3.1:8b", 4.9), model("tiny:1b", 1)];
    const runs = times(2, { model: "llama3.1:8b-instruct-q8_0", outcome: "out-of-memory" });
    const [advice] = adviseOn(facts({ runs, models }));
    expect(advice).toMatchObject({
      id: "memory:review:llama3.1:8b-instruct-q8_0",
      change: { value: { review: "llama3.1:8b" } },
    });
    expect(said(advice?.evidence)[0]).toBe("2 answers failed for want of memory since 2026-11-24");
  });

  it("for want of memory is a smaller model, and none once it has worked again", () => {
    const failed = run({ outcome: "out-of-memory" });
    expect(adviseOn(facts({ runs: [failed] }))[0]?.change.value).toEqual({ review: "qwen2.5:1.5b" });
    expect(adviseOn(facts({ runs: [failed, run({})] }))).toEqual([]);
  });

  const swaps = (contextTokens: number) =>
    Array.from({ length: 3 }).flatMap(() => [
      run({ model: "qwen2.5:7b", task: "review", loadMs: 5_000, evicted: ["llama3.1:8b"], contextTokens }),
      run({ model: "llama3.1:8b", task: "explain", loadMs: 7_000, evicted: ["qwen2.5:7b"], contextTokens }),
    ]);
  const two = [model("qwen2.5:7b", 4.7), model("llama3.1:8b", 4.9)];

  it("says who pushed whom out of memory, how often, and what that cost", () => {
    const [advice] = adviseOn(facts({ runs: swaps(32768), models: two }));
    expect(formatMessage(advice?.title ?? { template: "", args: [] })).toBe(
      "llama3.1:8b and qwen2.5:7b push each other out of memory.",
    );
    expect(said(advice?.evidence)).toEqual([
      "llama3.1:8b pushed qwen2.5:7b out 3 times, and qwen2.5:7b pushed llama3.1:8b out 3 times",
      "Loading them again took 36.0 s in all",
    ]);
    expect(advice).toMatchObject({ change: { key: "maxContextTokens", value: 8192 } });
    expect(advice?.probe).toEqual(["explain", "review", "explain", "review"]);
  });

  it("is one model for both kinds of task where their contexts are small already", () => {
    const [advice] = adviseOn(facts({ runs: [...swaps(8192), run({})], models: two }));
    expect(advice?.change).toEqual({ key: "pinnedModels", value: { explain: "qwen2.5:7b" } });
  });

  it("is to keep a model loaded longer where it was unloaded between questions, unless another pushed it out", () => {
    const runs = [0, 1, 2, 3].map((index) => run({ atMs: nowMs - (120 - index * 30) * minute, loadMs: 4_000 }));
    expect(adviseOn(facts({ runs }))[0]).toMatchObject({ change: { key: "keepAlive", value: "2h" } });
    const pushed = [...runs, run({ model: "other", evicted: ["qwen2.5:7b"] })];
    expect(adviseOn(facts({ runs: pushed }))).toEqual([]);
  });

  it("for wrong answers is a larger model or a lower temperature, never a higher one", () => {
    const ratings = [{ model: "qwen2.5:1.5b", task: "translate", good: 0, bad: 3 } as const];
    const advice = adviseOn(facts({ ratings, temperatureOf: () => 0.8 }));
    expect(advice.map(({ change }) => change)).toEqual([
      { key: "pinnedModels", value: { translate: "qwen2.5:7b" } },
      { key: "sampling", value: { translate: { temperature: 0.5 } } },
    ]);
    const cold = adviseOn(facts({ ratings, temperatureOf: () => 0.1 }));
    expect(cold.map(({ change }) => change.key)).toEqual(["pinnedModels"]);
  });

  it("forgets what is older than a week", () => {
    const runs = times(4, { ...slowRuns, atMs: nowMs - 8 * 86_400_000 });
    expect(adviseOn(facts({ runs }))).toEqual([]);
  });
});
