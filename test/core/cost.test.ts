import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  budgetLeft,
  cloudCostUsd,
  cloudModels,
  costUsd,
  formatUsd,
  priceRange,
  pricesDate,
  refuseOverBudget,
} from "../../src/core/cost.ts";
import type { TokenUsage } from "../../src/core/model-event.ts";
import { TaskError } from "../../src/core/task-error.ts";

const usage = (over: Partial<TokenUsage>): TokenUsage => ({
  inputTokens: 0,
  cacheWriteTokens: 0,
  cacheReadTokens: 0,
  outputTokens: 0,
  ...over,
});
const million = 1_000_000;

function kindOf(work: () => void): { kind: string; text: string } | undefined {
  try {
    work();
    return undefined;
  } catch (error) {
    return error instanceof TaskError ? { kind: error.kind, text: error.message } : { kind: "other", text: "" };
  }
}

describe("the price of an answer", () => {
  it("has a date, and every model has a context and a limit", () => {
    expect(pricesDate).toMatch(/^\d{4}-\d{2}-\d{2}$/);
    expect(cloudModels.map((model) => model.name)).toEqual([
      "claude-haiku-5-5",
      "claude-sonnet-5-5",
      "claude-opus-5-5",
      "claude-fable-5-1",
    ]);
    expect(cloudModels.every((model) => model.contextTokens > model.maxAnswerTokens)).toBe(true);
  });
  it.each([
    ["claude-sonnet-5-5", 2, 2.5, 0.1, 10],
    ["claude-opus-5-5", 4, 5, 0.2, 20],
    ["claude-fable-5-1", 10, 12.5, 0.25, 50],
  ])("of %s is that of the price list, a million tokens at a time", (model, input, write, read, output) => {
    expect(costUsd(model, usage({ inputTokens: million }))).toBeCloseTo(input, 10);
    expect(costUsd(model, usage({ cacheWriteTokens: million }))).toBeCloseTo(write, 10);
    expect(costUsd(model, usage({ cacheReadTokens: million }))).toBeCloseTo(read, 10);
    expect(costUsd(model, usage({ outputTokens: million }))).toBeCloseTo(output, 10);
  });
  it("of Haiku is five times as much where the prompt is over 100,000 tokens, cached ones counted, answer included", () => {
    const short = usage({ inputTokens: 60_000, cacheReadTokens: 40_000, outputTokens: 1_000 });
    const long = usage({ inputTokens: 60_000, cacheReadTokens: 40_001, outputTokens: 1_000 });
    expect(costUsd("claude-haiku-5-5", short)).toBeCloseTo(0.006 + 0.0004 + 0.0005, 10);
    expect(costUsd("claude-haiku-5-5", long)).toBeCloseTo((0.006 + 0.00040001 + 0.0005) * 5, 10);
  });
  it("has the date of a version left out of the name, and a cache of an hour dearer than one of minutes", () => {
    const written = usage({ cacheWriteTokens: million });
    expect(costUsd("claude-sonnet-5-5-20260901", written)).toBe(costUsd("claude-sonnet-5-5", written));
    const half = { ...written, longCacheWriteTokens: million / 2 };
    expect(costUsd("claude-sonnet-5-5", half)).toBeCloseTo(2 * (0.5 * 1.25 + 0.5 * 2), 10);
    expect(priceRange("claude-sonnet-5-5", million, 1, { isKeptLong: true }).maxUsd).toBeCloseTo(5.4, 4);
  });

  it("of a model that is not on the list is that of the dearest, so that a budget is not passed unseen", () => {
    expect(costUsd("claude-unheard-of", usage({ outputTokens: million }))).toBeCloseTo(50, 10);
  });
  it("is inside the range that was told before, cached or not", () => {
    const { minUsd, maxUsd } = priceRange("claude-opus-5-5", 3_000, 500);
    for (const answer of [
      usage({ inputTokens: 3_000 }),
      usage({ cacheWriteTokens: 3_000, outputTokens: 500 }),
      usage({ cacheReadTokens: 3_000, outputTokens: 1 }),
    ]) {
      const cost = costUsd("claude-opus-5-5", answer);
      expect(cost).toBeGreaterThanOrEqual(minUsd);
      expect(cost).toBeLessThanOrEqual(maxUsd);
    }
  });
  it("is inside that range, too, where Claude makes more tokens of the prompt than were estimated", () => {
    const { maxUsd } = priceRange("claude-opus-5-5", 3_000, 500);
    const cost = costUsd("claude-opus-5-5", usage({ cacheWriteTokens: 3_000 * 1.35, outputTokens: 500 }));
    expect(cost).toBeLessThanOrEqual(maxUsd + 1e-12);
  });
  it("is that of a full window where the server gets more than was sent", () => {
    expect(priceRange("claude-sonnet-5-5", 100, 1, { fillsWindow: true }).maxUsd).toBeCloseTo(2.5, 4);
  });
  it("is inside that range for every model, however much of the prompt is cached and however long the answer is", () => {
    const names = [...cloudModels.map((model) => model.name), "claude-unheard-of"];
    const upTo = (max: number) => fc.nat({ max });
    fc.assert(
      fc.property(
        fc.constantFrom(...names),
        fc.tuple(upTo(150_000), upTo(150_000), upTo(150_000)),
        fc.integer({ min: 1, max: 128_000 }),
        fc.double({ min: 0, max: 1, noNaN: true }),
        (model, [inputTokens, cacheWriteTokens, cacheReadTokens], mostTokens, share) => {
          const { minUsd, maxUsd } = priceRange(model, inputTokens + cacheWriteTokens + cacheReadTokens, mostTokens);
          const outputTokens = Math.floor(mostTokens * share);
          const cost = costUsd(model, { inputTokens, cacheWriteTokens, cacheReadTokens, outputTokens });
          const rounding = 1e-12;
          return cost >= minUsd - rounding && cost <= maxUsd + rounding;
        },
      ),
      { numRuns: 2_000 },
    );
  });
  it("reckons with the model's own limit where none is asked for", () => {
    expect(priceRange("claude-sonnet-5-5", 0, 0).maxUsd).toBeCloseTo(1.28, 10);
  });
  it("counts the limits of several requests together, even past what one may answer", () => {
    expect(priceRange("claude-sonnet-5-5", 0, 200_000).maxUsd).toBeCloseTo(2, 10);
  });
  it.each([
    [0, "$0.00"],
    [0.00001, "< $0.0001"],
    [0.0001, "$0.0001"],
    [0.01234, "$0.0123"],
    [0.1, "$0.10"],
    [1.5, "$1.50"],
  ])("%d is written as %s", (usd, text) => expect(formatUsd(usd)).toBe(text));
});

describe("a budget", () => {
  const budget = { spentTodayUsd: 1.5, spentMonthUsd: 19, dailyUsd: 2, monthlyUsd: 20 };
  it("tells what is left, and nothing below zero", () => {
    expect(budgetLeft(budget)).toEqual({ dayUsd: 0.5, monthUsd: 1 });
    expect(budgetLeft({ ...budget, spentTodayUsd: 3 }).dayUsd).toBe(0);
  });
  it("lets pass what just fits", () => expect(kindOf(() => refuseOverBudget(0.5, budget))).toBeUndefined());
  it("lets pass what just fits in decimal, though not in the computer's fractions", () => {
    const spent = { spentTodayUsd: 0.2, spentMonthUsd: 0.2, dailyUsd: 0.3, monthlyUsd: 0.3 };
    expect(0.3 - 0.2).toBeLessThan(0.1);
    expect(kindOf(() => refuseOverBudget(0.1, spent))).toBeUndefined();
    expect(kindOf(() => refuseOverBudget(0.100_001, spent))?.kind).toBe("cloud-limit");
  });
  it("refuses what is not a number, rather than let it pass", () => {
    expect(kindOf(() => refuseOverBudget(Number.NaN, budget))?.kind).toBe("cloud-limit");
    expect(kindOf(() => refuseOverBudget(0.1, { ...budget, spentTodayUsd: Number.NaN }))?.kind).toBe("cloud-limit");
    expect(kindOf(() => refuseOverBudget(0.1, { ...budget, spentMonthUsd: Number.NaN }))?.kind).toBe("cloud-limit");
  });
  it("refuses what could go over the day's, with the numbers", () => {
    const refusal = kindOf(() => refuseOverBudget(0.51, budget));
    expect(refusal?.kind).toBe("cloud-limit");
    for (const part of ["$0.51", "$0.50", "$2.00", "dailyBudgetUsd"]) expect(refusal?.text).toContain(part);
  });
  it("refuses what could go over the month's alone", () => {
    const refusal = kindOf(() => refuseOverBudget(1.2, { ...budget, dailyUsd: 50 }));
    expect(refusal?.kind).toBe("cloud-limit");
    for (const part of ["$1.20", "$1.00", "$20.00", "monthlyBudgetUsd"]) expect(refusal?.text).toContain(part);
  });
  it("of zero refuses everything that costs, a millionth of a dollar too", () => {
    expect(kindOf(() => refuseOverBudget(0.000_001, { ...budget, dailyUsd: 0 }))?.kind).toBe("cloud-limit");
  });
});

describe("what local answers would have cost", () => {
  it("counts what a request shares with the one before as read from the cache, and the rest as written into it", () => {
    const cost = cloudCostUsd("claude-sonnet-5-5", [
      { promptTokens: 10_000, answerTokens: 1_000, sharedTokens: 0 },
      { promptTokens: 12_000, answerTokens: 1_000, sharedTokens: 10_000 },
    ]);
    const first = 10_000 * 2.5 + 1_000 * 10;
    const second = 10_000 * 0.1 + 2_000 * 2.5 + 1_000 * 10;
    expect(cost).toBeCloseTo((first + second) / million, 10);
  });
  it("takes no more from the cache than the prompt has", () => {
    const [whole, more] = [10_000, 12_000].map((sharedTokens) =>
      cloudCostUsd("claude-opus-5-5", [{ promptTokens: 10_000, answerTokens: 0, sharedTokens }]),
    );
    expect(more).toBe(whole);
    expect(more).toBeCloseTo(0.002, 10);
  });
  it("is nothing for no answers", () => expect(cloudCostUsd("claude-opus-5-5", [])).toBe(0));
});
