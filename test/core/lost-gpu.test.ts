import { describe, expect, it } from "vitest";
import { slowedModels } from "../../src/core/lost-gpu.ts";
import type { RunRecord } from "../../src/core/run-record.ts";

const nowMs = 1_000_000;
const run = (tokensPerSecond: number, ageMs: number, changes: Partial<RunRecord> = {}): RunRecord => ({
  ...{ atMs: nowMs - ageMs, model: "m", backend: "Ollama at 127.0.0.1:11434", task: "chat", outcome: "done" },
  ...{ promptTokens: 10, answerTokens: 100, loadMs: 0, prefillMs: 1, inFlight: 1 },
  decodeMs: (100 / tokensPerSecond) * 1000,
  ...changes,
});
const usual = Array.from({ length: 6 }, () => run(50, 600_000));

describe("a model that lost its card", () => {
  it("is one whose last two answers came at less than a quarter of its own usual speed", () => {
    expect(slowedModels([...usual, run(6, 2_000), run(5, 1_000)], nowMs)).toMatchObject([{ model: "m", baseline: 50 }]);
    expect(slowedModels([...usual, run(20, 2_000), run(5, 1_000)], nowMs)).toEqual([]);
    expect(slowedModels([...usual, run(5, 1_000)], nowMs)).toEqual([]);
  });

  it("is not one that is busy with several answers, that is new, that said little, or whose slowness is long past", () => {
    expect(slowedModels([...usual, run(10, 2, { inFlight: 4 }), run(10, 1, { inFlight: 4 })], nowMs)).toEqual([]);
    expect(slowedModels([run(50, 9), run(5, 2), run(5, 1)], nowMs)).toEqual([]);
    const short = { answerTokens: 3, decodeMs: 3_000 };
    expect(slowedModels([...usual, run(1, 2, short), run(1, 1, short)], nowMs)).toEqual([]);
    expect(slowedModels([...usual, run(5, 990_000), run(5, 980_000)], nowMs)).toEqual([]);
    expect(slowedModels([...usual, run(5, 2_000), run(5, 1_000)], nowMs, nowMs - 1_500)).toEqual([]);
  });
});
