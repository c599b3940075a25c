import { expect, it } from "vitest";
import type { InstalledModel } from "../../src/core/backend.ts";
import { classify } from "../../src/core/classify.ts";
import { formatMessage } from "../../src/core/message.ts";
import { chooseRoute } from "../../src/core/route.ts";
import { defaultSettings, type Settings } from "../../src/core/settings.ts";
import type { Ask } from "../../src/core/task.ts";
import type { ToolUse } from "../../src/core/tool.ts";

const model = (name: string, ...capabilities: string[]): InstalledModel => ({
  name,
  backend: "server",
  place: "this-machine",
  sizeBytes: 4 * 2 ** 30,
  capabilities: ["completion", ...capabilities],
});
const plain = model("llama3.1:8b");
const seeing = model("qwen3-vl:8b", "vision");
const calling = model("qwen2.5:7b", "tools");
const picture: Ask = { text: "What is this?", sources: [], history: [], images: ["AAAA"] };
const toolUse: ToolUse = {
  tools: [{ name: "clock", parameters: {} }],
  choice: { kind: "auto" },
  isParallel: true,
};
const withTools: Ask = { text: "What time is it?", sources: [], history: [], ownPrompt: { system: "", toolUse } };
const route = (ask: Ask, models: readonly InstalledModel[], settings: Partial<Settings> = {}) =>
  chooseRoute(ask, classify(ask), { models, memoryBytes: 64 * 2 ** 30 }, { ...defaultSettings, ...settings });

it("a picture goes to a model that sees, whatever is pinned for its kind", () => {
  expect(route(picture, [plain, calling, seeing])).toMatchObject({ model: "qwen3-vl:8b", role: "vision" });
  const pinned = { pinnedModels: { chat: "llama3.1:8b", explain: "llama3.1:8b" } };
  expect(route(picture, [plain, seeing], pinned).model).toBe("qwen3-vl:8b");
});

it("a picture in a conversation counts as well", () => {
  const messages = [
    { role: "user" as const, content: "Look", images: ["AAAA"] },
    { role: "assistant" as const, content: "A cat." },
    { role: "user" as const, content: "What colour?" },
  ];
  const ask: Ask = { text: "What colour?", sources: [], history: [], ownPrompt: { system: "", messages } };
  expect(route(ask, [plain, seeing]).model).toBe("qwen3-vl:8b");
});

it("a picture is refused, never dropped, where the named model cannot see or none can", () => {
  expect(() => route({ ...picture, model: "llama3.1:8b" }, [plain, seeing])).toThrow(
    /cannot see pictures.*qwen3-vl:8b/,
  );
  expect(() => route({ ...picture, model: "llama3.1:8b" }, [plain])).toThrow(/no model here can/);
  expect(() => route(picture, [plain])).toThrow(/No model here can see pictures.*such as \S+/);
});

it("tools go to a model that calls them; one that cannot is refused when it is named", () => {
  expect(route(withTools, [plain, seeing, calling]).model).toBe("qwen2.5:7b");
  expect(() => route({ ...withTools, model: "llama3.1:8b" }, [plain, calling])).toThrow(
    /cannot call tools.*qwen2.5:7b/,
  );
  expect(() => route(withTools, [plain])).toThrow(/No model here can call tools/);
});

it("a call that has to be made is made with a grammar, which every model can follow", () => {
  const forced = {
    ...withTools,
    ownPrompt: { system: "", toolUse: { ...toolUse, choice: { kind: "required" as const } } },
  };
  expect(route(forced, [plain]).model).toBe("llama3.1:8b");
});

it("a server that does not tell what its models can is believed to be able", () => {
  const unknown = { ...plain, capabilities: [] };
  expect(route(withTools, [unknown]).model).toBe("llama3.1:8b");
});

const tested = (of: InstalledModel, calls: "yes" | "text" | "no"): InstalledModel => ({
  ...of,
  toolTest: { model: of.name, backend: of.backend, calls, atMs: Date.UTC(2026, 10, 26, 12) },
});

it("a test is believed and the server is not: in both directions, and for tools alone", () => {
  expect(route(withTools, [tested(calling, "no"), model("mistral:7b", "tools")]).model).toBe("mistral:7b");
  expect(() => route(withTools, [tested({ ...calling, capabilities: [] }, "no")])).toThrow(/called none when it was/);
  for (const calls of ["yes", "text"] as const) {
    expect(route(withTools, [tested({ ...calling, capabilities: [] }, calls)]).model).toBe("qwen2.5:7b");
  }
  expect(route({ ...withTools, ownPrompt: { system: "" } }, [tested(calling, "no")]).model).toBe("qwen2.5:7b");
});

it("a model that sees and failed its test is not said to be blind", () => {
  const both: Ask = { ...withTools, images: ["AAAA"], model: "qwen3-vl:8b" };
  const failed = tested(model("qwen3-vl:8b", "vision", "tools"), "no");
  expect(() => route(both, [failed])).toThrow(/called no tool when it was tested on 2026-11-26, and no model here can/);
});

it("only what would have been chosen is said to have been left out", () => {
  const [large, small] = [calling, { ...model("tiny:1b", "tools"), sizeBytes: 1000 }];
  const why = (models: readonly InstalledModel[]) => formatMessage(route(withTools, models).why);
  expect(why([tested(large, "no"), small])).toMatch(/; qwen2\.5:7b called no tool/);
  expect(why([large, tested(small, "no")])).not.toMatch(/called no tool/);
});
