// Tools in the built-in engine: which models have them, what they are told, and what becomes of what they write.
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { installTinyModel } from "../../scripts/tiny-model.ts";
import { answerLines, chatLine, joined } from "../../src/backends/embedded/answer-lines.ts";
import { type Answer, createApi } from "../../src/backends/embedded/api.ts";
import { chatHistory } from "../../src/backends/embedded/chat-history.ts";
import { createModelFiles } from "../../src/backends/embedded/model-files.ts";
import { ModelPool } from "../../src/backends/embedded/model-pool.ts";
import type { Generation } from "../../src/backends/embedded/runner.ts";
import { createWeights } from "../../src/backends/embedded/weights.ts";
import { qwenTemplate } from "./qwen-template.ts";

let home = "";
let api: ReturnType<typeof createApi>;
let pool: ModelPool;
const never = new AbortController().signal;
beforeAll(async () => {
  home = await mkdtemp(join(tmpdir(), "switchyard-engine-tools-"));
  await installTinyModel(home, "calls:1m", qwenTemplate);
  await installTinyModel(home, "plain:1m");
  const folder = join(home, "models");
  const files = createModelFiles(folder);
  pool = new ModelPool(files);
  const weights = createWeights({ folder, files, ownSources: async () => [] });
  api = createApi({ version: "0", files, pool, weights });
});
afterAll(async () => {
  await Promise.all(["calls:1m", "plain:1m"].map((name) => pool.unload(name)));
  await rm(home, { recursive: true, force: true });
});

async function ask(path: string, body: object): Promise<Record<string, unknown>> {
  const answer: Answer | undefined = await api[`POST ${path}`]?.(body, never);
  if (answer?.kind !== "json") throw new Error("not one object");
  return { ...answer.value };
}

const city = { type: "object", properties: { city: { enum: ["Oslo", "Rome"] } }, required: ["city"] };
const tools = [{ type: "function", function: { name: "weather", description: "Tells the weather", parameters: city } }];
const question = { role: "user", content: "Weather?" };
const base = { stream: false, options: { num_predict: 60, temperature: 0 } };

describe("the built-in engine", () => {
  it("has tools where the model's own template knows of them, and refuses them elsewhere", async () => {
    expect((await ask("/api/show", { model: "calls:1m" }))["capabilities"]).toEqual(["completion", "tools"]);
    expect((await ask("/api/show", { model: "plain:1m" }))["capabilities"]).toEqual(["completion"]);
    const refused = ask("/api/chat", { ...base, model: "plain:1m", messages: [question], tools });
    await expect(refused).rejects.toMatchObject({ status: 400, message: expect.stringContaining("support tools") });
  });

  it("tells the model of its tools, of the calls it made and of what they came to", async () => {
    const read = async (more: object, messages: readonly object[] = [question]) =>
      Number((await ask("/api/chat", { ...base, model: "calls:1m", messages, ...more }))["prompt_eval_count"]);
    const without = await read({});
    const withTools = await read({ tools });
    expect(withTools).toBeGreaterThan(without + 100);
    const call = { function: { name: "weather", arguments: { city: "Oslo" } } };
    const made = [question, { role: "assistant", content: "", tool_calls: [call] }];
    const answered = await read({ tools }, [...made, { role: "tool", content: "sunny", tool_name: "weather" }]);
    expect(answered).toBeGreaterThan(withTools + 30);
    const longer = await read({ tools }, [
      ...made,
      { role: "tool", content: "sunny ".repeat(40), tool_name: "weather" },
    ]);
    expect(longer).toBeGreaterThan(answered + 39);
  });

  it("makes a call of what the model writes as one, apart from the text", async () => {
    // The grammar makes a model of random words write a call.
    const format = {
      type: "object",
      properties: { name: { enum: ["weather"] }, arguments: city },
      required: ["name", "arguments"],
    };
    const options = { num_predict: 400, temperature: 0 };
    const request = { stream: false, options, model: "calls:1m", messages: [question], tools, format };
    const { message } = await ask("/api/chat", request);
    expect(message).toMatchObject({
      content: "",
      tool_calls: [{ function: { name: "weather", arguments: { city: expect.stringMatching(/Oslo|Rome/) } } }],
    });
  });

  it("goes on with an answer that is begun, and begins no other one", async () => {
    const model = "calls:1m";
    const begun = "The weather is";
    const messages = [question, { role: "assistant", content: begun }];
    const turns = `<|im_start|>user\n${question.content}<|im_end|>\n<|im_start|>assistant\n${begun}`;
    const chat = await ask("/api/chat", { ...base, model, messages });
    const raw = await ask("/api/generate", { ...base, model, prompt: turns, raw: true });
    expect(chat["prompt_eval_count"]).toBe(raw["prompt_eval_count"]);
    expect(chat["message"]).toEqual({ role: "assistant", content: raw["response"] });
  });

  it("answers in text where the model calls nothing", async () => {
    const { message } = await ask("/api/chat", { ...base, model: "calls:1m", messages: [question], tools });
    expect(message).toMatchObject({ content: expect.stringMatching(/\w/) });
    expect(message).not.toHaveProperty("tool_calls");
  });
});

const figures: Generation = { promptTokens: 1, answerTokens: 1, prefillMs: 0, decodeMs: 0, finish: "stop" };

async function answerTo(pieces: readonly string[], finish: Generation["finish"] = "stop") {
  const said = (async function* (): AsyncGenerator<string, Generation, void> {
    yield* pieces;
    return { ...figures, finish };
  })();
  const prompt = { kind: "chat" as const, messages: [], tools: [{ name: "weather" }] };
  // As DeepSeek's template has it.
  const callSyntax = { prefix: "<｜call｜>function<｜sep｜>", paramsPrefix: "\n```json\n", suffix: "\n```<｜end｜>" };
  return joined(answerLines(said, prompt, { callSyntax }, chatLine), chatLine);
}

it("a call in the form of the model's own template is read, and a cut one is not", async () => {
  const call = '<｜call｜>function<｜sep｜>weather\n```json\n{"city":"Oslo"}\n```<｜end｜>';
  expect(await answerTo(["I look. ", call.slice(0, 20), call.slice(20), call.replace("Oslo", "Rome")])).toMatchObject({
    message: {
      content: "I look. ",
      tool_calls: [{ function: { arguments: { city: "Oslo" } } }, { function: { arguments: { city: "Rome" } } }],
    },
  });
  expect(await answerTo([call], "length")).toEqual({ message: { role: "assistant", content: call } });
});

it("results stand with the calls they belong to, also where they come in another order", () => {
  const call = (id: string, name: string) => ({ id, function: { name, arguments: {} } });
  const items = chatHistory([
    { role: "user", content: "?" },
    { role: "assistant", content: "I look.", tool_calls: [call("1", "a"), call("2", "b")] },
    { role: "tool", content: "two", tool_call_id: "2" },
    { role: "tool", content: "one", tool_call_id: "1" },
    { role: "assistant", content: "So it is." },
    { role: "user", content: "!" },
  ]);
  expect(items).toMatchObject([
    { type: "user" },
    {
      type: "model",
      response: [
        "I look.",
        { type: "functionCall", name: "a", result: "one" },
        { type: "functionCall", name: "b", result: "two" },
        "So it is.",
      ],
    },
    { type: "user" },
    { type: "model", response: [] },
  ]);
  expect(
    chatHistory([
      { role: "assistant", tool_calls: [call("1", "a")] },
      { role: "tool", content: "x" },
    ]),
  ).toHaveLength(1);
});
