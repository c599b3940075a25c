import { describe, expect, it } from "vitest";
import type { InstalledModel } from "../../src/core/backend.ts";
import { candidatesFor, fitsMemory, isTag, knownModel, offersFor } from "../../src/core/catalogue.ts";
import { classify } from "../../src/core/classify.ts";
import { chooseContext } from "../../src/core/context.ts";
import { estimateTokens } from "../../src/core/estimate-tokens.ts";
import { judgeFit } from "../../src/core/fit.ts";
import { detectLanguage } from "../../src/core/language.ts";
import { formatMessage, msg } from "../../src/core/message.ts";
import { chooseRole, chooseRoute } from "../../src/core/route.ts";
import { defaultSettings, parseSettings } from "../../src/core/settings.ts";
import { type Ask, kindOfTaskType } from "../../src/core/task.ts";
import { TaskError } from "../../src/core/task-error.ts";

const gib = 2 ** 30;
const installed = (name: string, over: Partial<InstalledModel> = {}): InstalledModel => ({
  name,
  backend: "server",
  place: "this-machine",
  sizeBytes: 4 * gib,
  capabilities: ["completion"],
  ...over,
});
const asking = (text: string, over: Partial<Ask> = {}): Ask => ({ text, sources: [], history: [], ...over });

describe("the kind of a task", () => {
  it.each([
    ["review this code for bugs", "review"],
    ["帮我审查这段代码", "review"],
    ["翻译成英文：你好", "translate"],
    ["translate this into Chinese", "translate"],
    ["explain how closures work", "explain"],
    ["解释一下这个函数", "explain"],
    ["write a story about a robot", "create"],
    ["写一首关于秋天的古诗", "create"],
    ["write a function that parses dates", "code"],
    ["hello there", "chat"],
    ["Say hi", "chat"],
    ["说你好", "chat"],
    ["say thank you in Japanese", "translate"],
  ] as const)("of “%s” is %s", (text, kind) => {
    expect(classify(asking(text)).kind).toBe(kind);
  });

  it("is what a command states, whatever the text says", () => {
    const result = classify(asking("translate this story", { kind: "review" }));
    expect(result).toMatchObject({ kind: "review", confidence: 1 });
  });

  it("comes with what was seen", () => {
    const { evidence } = classify(asking("please review my code"));
    expect(evidence.some((each) => each.seen.includes("review") && each.points > 0)).toBe(true);
  });

  it("takes the task types of the tool for other agents", () => {
    expect(["code", "translation", "creative", "general", "review"].map(kindOfTaskType)).toEqual([
      "code",
      "translate",
      "create",
      "chat",
      "review",
    ]);
    expect(kindOfTaskType("cooking")).toBeUndefined();
  });
});

describe("the language", () => {
  it.each([
    ["这个函数返回 Promise，请检查 race condition", "zh"],
    ["Fix the bug in parseDate", "en"],
    ["この関数を説明してください", "other"],
    ["이 코드를 검토해 주세요", "other"],
    ["Почему это медленно?", "other"],
    ["", "en"],
  ] as const)("of “%s” is %s", (text, language) => {
    expect(detectLanguage(text)).toBe(language);
  });
});

describe("the route", () => {
  const world = (...models: InstalledModel[]) => ({ models, memoryBytes: 64 * gib });
  const route = (ask: Ask, models: InstalledModel[], settings = defaultSettings) =>
    chooseRoute(ask, classify(ask), world(...models), settings);

  it("gives code to the code expert, Chinese to the Chinese expert, the rest to the generalist", () => {
    expect(chooseRole("review", "zh", false)).toBe("code");
    expect(chooseRole("explain", "zh", false)).toBe("chinese");
    expect(chooseRole("explain", "en", false)).toBe("general");
    expect(chooseRole("analyze", "en", false)).toBe("reasoning");
    const design = { ...defaultSettings, modelProfile: "design" as const };
    const all = ["llama3.1:8b", "qwen2.5:7b", "deepseek-coder:6.7b"].map((name) => installed(name));
    expect(route(asking("", { kind: "review" }), all, design).model).toBe("deepseek-coder:6.7b");
    expect(route(asking("解释一下什么是闭包"), all, design).model).toBe("qwen2.5:7b");
    expect(route(asking("explain what a closure is"), all, design).model).toBe("llama3.1:8b");
  });

  it("sends a question that nobody can place to the generalist, but never one whose kind was stated", () => {
    const design = { ...defaultSettings, modelProfile: "design" as const };
    const all = ["llama3.1:8b", "deepseek-coder:6.7b"].map((name) => installed(name));
    const doubtful = { ...classify(asking("", { kind: "code" })), confidence: 0.3 };
    const modelFor = (ask: Ask) => chooseRoute(ask, doubtful, world(...all), design).model;
    expect(modelFor(asking("hmm"))).toBe("llama3.1:8b");
    expect(modelFor(asking("", { kind: "code" }))).toBe("deepseek-coder:6.7b");
  });

  it("keeps to a pinned model, and says so", () => {
    const settings = { ...defaultSettings, pinnedModels: { chat: "mine:1b" } };
    const chosen = route(asking("hello there"), [installed("qwen3.5:9b"), installed("mine:1b")], settings);
    expect(chosen.model).toBe("mine:1b");
    expect(formatMessage(chosen.why)).toContain("pinned");
  });

  it("never picks a model that computes in the cloud by itself", () => {
    const cloud = installed("qwen3.5:9b", { place: "cloud" });
    expect(() => route(asking("hello there"), [cloud])).toThrow(TaskError);
    expect(route(asking("hello there"), [cloud, installed("small:1b")]).model).toBe("small:1b");
  });

  it("names a model worth getting where none can answer", () => {
    const embedding = installed("nomic-embed-text", { capabilities: ["embedding"] });
    try {
      route(asking("hello there"), [embedding]);
      expect.unreachable();
    } catch (error) {
      expect(error).toBeInstanceOf(TaskError);
      expect(error).toMatchObject({ kind: "model-missing", details: { suggestedModel: expect.any(String) } });
    }
  });

  it("says how a program reaches Claude, instead of offering to get it like a model", () => {
    const ask = asking("hello there", { model: "claude-opus-5", ownPrompt: { system: "" } });
    expect(() => route(ask, [installed("small:1b")])).toThrow(/“switchyard\.serviceClaude” set to “pass”/);
  });

  it("suggests only what the servers here can get", () => {
    const ask = asking("review this", { kind: "review" });
    const world = { models: [], memoryBytes: 64 * gib, canBeHad: new Set(["deepseek-coder:6.7b", "smollm2:135m"]) };
    expect(() => chooseRoute(ask, classify(ask), world, defaultSettings)).toThrow(/deepseek-coder:6.7b suits/);
  });

  it("prefers what fits the memory", () => {
    const [first] = candidatesFor("general", "current");
    const huge = installed(first ?? "", { sizeBytes: 60 * gib });
    const ask = asking("hello there");
    const small = installed("other:3b", { sizeBytes: 2 * gib });
    const chosen = chooseRoute(ask, classify(ask), { models: [huge, small], memoryBytes: 16 * gib }, defaultSettings);
    expect(chosen.model).toBe("other:3b");
  });
});

describe("the catalogue", () => {
  it("knows a tag by its longer name, and not by a name that only begins the same", () => {
    expect(isTag("qwen2.5:7b-instruct-q4_K_M", "qwen2.5:7b")).toBe(true);
    expect(isTag("llama3.1:latest", "llama3.1")).toBe(true);
    expect(isTag("qwen2.5:72b", "qwen2.5:7b")).toBe(false);
    expect(isTag("qwen2.5-coder:7b", "qwen2.5:7b")).toBe(false);
  });
  it("offers what fits first", () => {
    const offers = offersFor(8 * gib, "current");
    expect(offers[0]?.fits).toBe(true);
    const firstTooLarge = offers.findIndex((offer) => !offer.fits);
    expect(offers.slice(firstTooLarge).every((offer) => !offer.fits)).toBe(true);
    expect(fitsMemory({ name: "x", sizeBytes: 20 * gib }, 8192, 8 * gib)).toBe(false);
  });
  it("says of every model what is said before it is fetched", () => {
    const offers = [4, 6, 8, 10, 12, 16, 24, 32].flatMap((size) => {
      const memoryBytes = size * gib;
      return offersFor(memoryBytes, "current").map(({ name, sizeBytes, fits }) => {
        const shape = knownModel(name)?.shape;
        const ask = { model: name, sizeBytes, contextTokens: 8192, parallel: 1, ...(shape ? { shape } : {}) };
        return { name, size, fits, isTooLarge: judgeFit(ask, { memoryBytes }).verdict === "too-large" };
      });
    });
    expect(offers.filter(({ fits, isTooLarge }) => fits === isTooLarge)).toEqual([]);
    // Its heads do not share: its weights would fit, its context does not.
    expect(offers.find(({ name, size }) => name === "deepseek-coder:6.7b" && size === 8)?.fits).toBe(false);
    expect(offers.find(({ name, size }) => name === "qwen2.5-coder:7b" && size === 8)?.fits).toBe(true);
  });
});

describe("counting tokens", () => {
  it.each([
    ["The quick brown fox jumps over the lazy dog.", 10],
    ["const average = (numbers: number[]) => numbers.reduce((a, b) => a + b, 0) / numbers.length;", 25],
    ["这个函数返回一个整数，并且会检查参数是否为空。", 13],
    ["この関数は整数を返します。", 9],
    ["1234567890 9876543210", 8],
  ])("is never below what tokenizers of today need: “%s”", (text, real) => {
    expect(estimateTokens(text)).toBeGreaterThanOrEqual(real);
    expect(estimateTokens(text)).toBeLessThan(real * 3.5);
  });
  it("grows with the text and is nothing for nothing", () => {
    expect(estimateTokens("")).toBe(0);
    expect(estimateTokens("word ".repeat(1000))).toBeGreaterThanOrEqual(1000);
  });
  it("chooses the smallest window that holds prompt and answer, or none", () => {
    const need = { answerTokens: 1024, modelContextTokens: 131072, maxContextTokens: 32768 };
    expect(chooseContext({ ...need, promptTokens: 500 })).toBe(8192);
    expect(chooseContext({ ...need, promptTokens: 7168 })).toBe(8192);
    expect(chooseContext({ ...need, promptTokens: 7169 })).toBe(16384);
    expect(chooseContext({ ...need, promptTokens: 31744 })).toBe(32768);
    expect(chooseContext({ ...need, promptTokens: 31745 })).toBeUndefined();
    expect(chooseContext({ ...need, promptTokens: 100, modelContextTokens: 1500 })).toBe(1500);
  });
});

describe("settings", () => {
  it("fill in what is not given", () => {
    expect(parseSettings({ engine: "ollama" })).toEqual({ ...defaultSettings, engine: "ollama" });
  });
  it.each([
    [{ engine: "magic" }, "engine"],
    [{ ollamaUrl: "ftp://x" }, "ollamaUrl"],
    [{ pinnedModels: { cooking: "x" } }, "cooking"],
    [{ sampling: { review: { temperature: 9 } } }, "sampling.review.temperature"],
    [{ colour: "red" }, "colour"],
  ])("name the key that is wrong: %j", (raw, key) => {
    expect(() => parseSettings(raw)).toThrow(key);
  });
});

describe("messages", () => {
  it("fill their places in any order, in any language", () => {
    const text = msg("{0} of {1}", 3, "seven");
    expect(formatMessage(text)).toBe("3 of seven");
    expect(formatMessage(text, { "{0} of {1}": "共 {1}，第 {0}" })).toBe("共 seven，第 3");
  });
});
