import { describe, expect, it } from "vitest";
import type { InstalledModel } from "../../src/core/backend.ts";
import { formatMessage } from "../../src/core/message.ts";
import { remediesFor } from "../../src/core/remedies.ts";

const gib = 2 ** 30;
const model = (name: string, over: Partial<InstalledModel> = {}): InstalledModel => ({
  name,
  backend: "here",
  place: "this-machine",
  sizeBytes: 5 * gib,
  contextTokens: 131_072,
  capabilities: ["completion"],
  ...over,
});
const need = { promptTokens: 40_000, answerTokens: 2048, memoryBytes: 64 * gib, maxContextTokens: 32_768 };
const remedies = (own: InstalledModel, others: readonly InstalledModel[], over: Partial<typeof need> = {}) =>
  remediesFor({ ...need, ...over, model: own, models: [own, ...others] });

describe("a prompt that does not fit", () => {
  it("has the next larger window offered, with the sum of the memory it takes", () => {
    const { window } = remedies(model("a"), []);
    expect(window?.contextTokens).toBe(65_536);
    expect(window?.lines.map((line) => formatMessage(line)).join("\n")).toMatch(/Context of 65536 tokens: .*GB/);
    expect(formatMessage(window?.says ?? { template: "", args: [] })).toMatch(/^It fits: /);
  });

  it("has none offered that the memory or the model does not hold", () => {
    expect(remedies(model("a"), [], { memoryBytes: 8 * gib }).window).toBeUndefined();
    expect(remedies(model("a", { contextTokens: 32_768 }), []).window).toBeUndefined();
    expect(remedies(model("a", { place: "cloud" }), []).window).toBeUndefined();
  });

  it("has other installed models named that hold it as things are set, and none in a cloud", () => {
    const own = model("a", { contextTokens: 8192 });
    const others = [
      model("small:1b", { sizeBytes: gib, contextTokens: 65_536 }),
      model("large:8b"),
      model("short:8b", { contextTokens: 16_384 }),
      model("claude", { place: "cloud", contextTokens: 1_000_000 }),
      model("vectors", { capabilities: ["embedding"] }),
      model("huge:70b", { sizeBytes: 60 * gib }),
    ];
    expect(remedies(own, others, { maxContextTokens: 131_072 }).models).toEqual(["large:8b", "small:1b"]);
    expect(remedies(own, others).models).toEqual([]);
  });
});
