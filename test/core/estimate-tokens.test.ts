// Against what tokenizers really make of such texts: Llama 3, Qwen 3, Gemma 3 and gpt-oss, counted with each.
import { expect, it } from "vitest";
import { estimateTokens } from "../../src/core/estimate-tokens.ts";
import { denseTexts, plainTexts } from "./dense-texts.ts";

const counted: Readonly<Record<string, readonly number[]>> = {
  base64: [3034, 3135, 2979, 2892],
  "base64 in lines": [3104, 3204, 3055, 2965],
  hex: [3605, 5612, 5621, 3623],
  "capital hex": [3674, 5680, 5655, 3638],
  "random letters": [2269, 2275, 2048, 2107],
  "random small letters": [1873, 1880, 1746, 1792],
  "hashes of packages": [2892, 3055, 2911, 2775],
  ids: [1883, 2607, 2697, 1881],
  addresses: [1615, 1866, 2161, 1574],
  numbers: [3162, 7235, 7235, 3162],
  "camel case": [1350, 1350, 1350, 1350],
  "deep code": [983, 983, 1230, 983],
  "code with tabs": [3950, 3950, 4774, 3950],
  json: [1416, 1834, 1833, 1416],
  log: [2159, 2959, 3079, 2159],
  Polish: [680, 660, 600, 580],
  Georgian: [1619, 879, 340, 240],
  English: [400, 400, 400, 400],
  capitals: [420, 420, 420, 420],
  German: [440, 440, 220, 240],
  Chinese: [501, 500, 420, 481],
  Russian: [380, 421, 300, 320],
  code: [1160, 1190, 1429, 1160],
};
const most = (name: string) => Math.max(...(counted[name] ?? []));

it.each(Object.entries(denseTexts))("a prompt is not taken for shorter than it is: %s", (name, text) => {
  expect(estimateTokens(text)).toBeGreaterThan(most(name) * 0.9);
  expect(estimateTokens(text)).toBeLessThan(most(name) * 1.6);
});

it.each(Object.entries(plainTexts))("nor for much longer: %s", (name, text) => {
  expect(estimateTokens(text)).toBeGreaterThan(most(name) * 0.95);
  expect(estimateTokens(text)).toBeLessThan(most(name) * 2);
});

it("what is filled up with blanks, lines or signs counts", () => {
  for (const sign of [" ", "\n", "\t", "-", "."]) {
    expect(estimateTokens(sign.repeat(3000))).toBeGreaterThan(190);
    expect(estimateTokens(sign.repeat(3000))).toBeLessThan(1100);
  }
  expect(estimateTokens("")).toBe(0);
});

it("counts the same whether a text is read as bytes or, for a sign that is not ASCII, as signs", () => {
  const line = 'const theName = compute(a, b1) + other.map((x) => x.id); // "note" ---\n';
  // Longer than the pieces that are read at a time, so that they end anywhere in a line.
  const ascii = estimateTokens(line.repeat(900));
  const lines = Array.from({ length: 900 }, (_, at) => (at % 30 === 0 ? `中${line}` : line));
  const wide = 30 * 1.3;
  expect(Math.abs(estimateTokens(lines.join("")) - ascii - wide)).toBeLessThanOrEqual(2);
});
