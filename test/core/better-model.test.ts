import { describe, expect, it } from "vitest";
import type { InstalledModel } from "../../src/core/backend.ts";
import { betterModel } from "../../src/core/better-model.ts";
import type { Route } from "../../src/core/route.ts";
import { defaultSettings, type Settings } from "../../src/core/settings.ts";

const gib = 2 ** 30;
const model = (name: string, sizeGib: number, over: Partial<InstalledModel> = {}): InstalledModel => ({
  name,
  backend: "here",
  place: "this-machine",
  sizeBytes: sizeGib * gib,
  capabilities: ["completion"],
  ...over,
});
const small = model("small:1b", 1);
const claude = model("claude-sonnet-5-5", 0, { place: "cloud", backend: "Claude" });
const route = (over: Partial<Route> = {}): Route => ({
  task: "code",
  classification: {
    kind: "code",
    language: "en",
    scores: { review: 0, translate: 0, explain: 0, document: 0, create: 0, analyze: 0, code: 1, chat: 0 },
    confidence: 1,
    evidence: [],
  },
  role: "code",
  model: "small:1b",
  backend: "here",
  place: "this-machine",
  why: { template: "", args: [] },
  alternatives: [],
  ...over,
});
const better = (models: readonly InstalledModel[], over: Partial<Route> = {}, settings: Partial<Settings> = {}) =>
  betterModel(route(over), { models, memoryBytes: 32 * gib, settings: { ...defaultSettings, ...settings } })?.name;

describe("a better model", () => {
  it("is the next larger class on this machine that fits it, before anything that costs", () => {
    const models = [small, model("same:1b", 1.2), model("large:8b", 5), model("larger:14b", 9), claude];
    expect(better(models)).toBe("large:8b");
    expect(better([small, model("huge:70b", 40), claude])).toBe("claude-sonnet-5-5");
    expect(better([small, model("vectors", 4, { capabilities: ["embedding"] })])).toBeUndefined();
  });

  it("is never Claude for a text that may not leave, nor where the person does not want it, nor after it", () => {
    const models = [small, claude];
    expect(better(models, { localOnly: [{ label: "a", rule: { kind: "glob", glob: "*" } }] })).toBeUndefined();
    for (const set of [{ offline: true }, { localOnly: true }, { cloudReasoning: "never" }] as const)
      expect(better(models, {}, set)).toBeUndefined();
    expect(better(models, { place: "cloud", model: claude.name })).toBeUndefined();
  });

  it("is no model of somebody's cloud behind a local server", () => {
    expect(better([small, model("big:cloud", 0, { place: "cloud" })])).toBeUndefined();
  });
});
