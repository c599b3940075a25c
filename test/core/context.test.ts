import { expect, it } from "vitest";
import { chooseContext, createStickyWindows } from "../../src/core/context.ts";
import { estimateTokens } from "../../src/core/estimate-tokens.ts";
import { createTokenCounts } from "../../src/core/token-counts.ts";

it("the window of a model grows at once and shrinks only when the model was idle, so that it is not loaded again and again", () => {
  let now = 0;
  const windows = createStickyWindows(() => now);
  expect(windows.choose("m", 4096)).toBe(4096);
  expect(windows.choose("m", 16384)).toBe(16384);
  for (let minute = 1; minute < 30; minute++) {
    now = minute * 60_000;
    expect(windows.choose("m", 4096)).toBe(16384);
  }
  expect(windows.choose("other", 4096)).toBe(4096);
  now += 6 * 60_000;
  expect(windows.choose("m", 8192)).toBe(8192);
});

it("tokens are counted as the server of a model counts them, on the safe side", () => {
  const counts = createTokenCounts();
  const text = "some words that are counted ".repeat(100);
  const estimated = estimateTokens(text);
  expect(counts.of("m")(text)).toBe(estimated);
  for (const share of [0.6, 0.7, 0.65]) counts.saw("m", estimated, Math.round(estimated * share));
  expect(counts.of("m")(text)).toBeGreaterThan(estimated * 0.7);
  expect(counts.of("m")(text)).toBeLessThan(estimated * 0.8);
  // Denser than reckoned: at once.
  counts.saw("m", estimated, Math.round(estimated * 1.2));
  expect(counts.of("m")(text)).toBeGreaterThan(estimated * 1.2);
  expect(counts.of("other")(text)).toBe(estimated);
});

it("a server that counts only what it had not read before does not make the counts small", () => {
  const counts = createTokenCounts();
  counts.saw("m", 1000, 12);
  counts.saw("m", 100, 5000);
  expect(counts.of("m")("word ".repeat(100))).toBe(estimateTokens("word ".repeat(100)));
});

it("the window of a conversation that its client names never shrinks, however long it rests", () => {
  let now = 0;
  const windows = createStickyWindows(() => now);
  expect(windows.choose("m", 65_536, "session")).toBe(65_536);
  now += 60 * 60_000;
  expect(windows.choose("m", 8192)).toBe(8192);
  now += 60 * 60_000;
  expect(windows.choose("m", 8192, "session")).toBe(65_536);
  now += 60 * 60_000;
  expect(windows.choose("m", 8192, "another")).toBe(8192);
});

it("a window that is wished for is had, unless the prompt needs more or the person allows less", () => {
  const need = { promptTokens: 1000, answerTokens: 500, modelContextTokens: 131_072, maxContextTokens: 32_768 };
  const wishing = (wishedTokens: number, over: Partial<typeof need> = {}) =>
    chooseContext({ ...need, ...over, wishedTokens });
  expect(chooseContext(need)).toBe(8192);
  expect(wishing(20_000)).toBe(20_000);
  expect(wishing(4096)).toBe(4096);
  expect(wishing(1_000_000)).toBe(32_768);
  expect(wishing(20_000, { modelContextTokens: 10_000 })).toBe(10_000);
  // Half of what it needs is no answer.
  expect(wishing(4096, { promptTokens: 6000 })).toBe(8192);
  expect(wishing(1024, { promptTokens: 100, answerTokens: 100 })).toBe(2048);
  expect(wishing(20_000, { promptTokens: 40_000 })).toBeUndefined();
});
