// What nothing here can do is refused by its name, never left out in silence; what other words mean the same is heard.
import { describe, expect, it } from "vitest";
import { post, startProxy, tag } from "./harness.ts";

const model = "llama3.1:8b";
const messages = [{ role: "user", content: "hi" }];
const chat = { model, messages };
const caller = tag("caller:7b", "completion", "tools");
const functions = ["near", "far"].map((name) => ({ type: "function", function: { name } }));
const items = ["near", "far"].map((name) => ({ type: "function", name }));

const refused: readonly (readonly [string, object, string])[] = [
  ["/v1/chat/completions", { ...chat, logprobs: true }, "logprobs"],
  ["/v1/chat/completions", { ...chat, logit_bias: { 50256: -100 } }, "logit_bias"],
  ["/v1/chat/completions", { ...chat, functions: [{ name: "x" }] }, "functions"],
  ["/v1/chat/completions", { ...chat, modalities: ["text", "audio"], audio: { voice: "alloy" } }, "audio"],
  ["/v1/chat/completions", { ...chat, web_search_options: {} }, "web_search_options"],
  ["/v1/completions", { model, prompt: "x", logprobs: 0 }, "logprobs"],
  ["/v1/completions", { model, prompt: "x", best_of: 2 }, "best_of"],
  ["/v1/completions", { model, prompt: "x", suffix: "y" }, "suffix"],
  ["/v1/responses", { model, input: "x", top_logprobs: 3 }, "top_logprobs"],
  ["/v1/responses", { model, input: "x", include: ["message.output_text.logprobs"] }, "top_logprobs"],
  ["/v1/responses", { model, input: "x", prompt: { id: "pmpt_1" } }, "prompt"],
  ["/v1/responses", { model, input: "x", previous_response_id: "resp_1" }, "previous_response_id"],
  [
    "/v1/messages",
    { ...chat, max_tokens: 9, mcp_servers: [{ type: "url", url: "https://x", name: "x" }] },
    "mcp_servers",
  ],
  ["/v1/messages", { ...chat, max_tokens: 9, container: "c" }, "container"],
  ["/api/chat", { ...chat, logprobs: true }, "logprobs"],
  ["/api/generate", { model, prompt: "x", raw: true }, "raw"],
  ["/api/generate", { model, prompt: "x", template: "{{ .Prompt }}" }, "template"],
  ["/api/generate", { model, prompt: "x", stream: false, context: [1, 2] }, "context"],
  [
    "/v1/responses",
    { model: caller.name, input: "x", tools: items, tool_choice: { type: "web_search" } },
    "tool_choice",
  ],
  [
    "/v1/chat/completions",
    { ...chat, model: caller.name, tools: functions, tool_choice: { type: "function" } },
    "tool_choice",
  ],
  ["/v1/embeddings", { model, input: [[1, 2]] }, "token ids"],
  ["/v1/completions", { model, prompt: [1, 2] }, "token ids"],
  ["/v1/completions", { model, prompt: "<|fim_prefix|>a(<|fim_suffix|>)<|fim_middle|>" }, "not filled in here"],
  ["/v1/completions", { model, prompt: "<PRE> a(\n <SUF>) <MID>" }, "not filled in here"],
];

it.each(refused)("%s %j", async (path, body, told) => {
  const { url, asked } = await startProxy({ models: [caller] });
  const answer = await post(url, path, body);
  expect(answer.status).toBe(400);
  expect(await answer.text()).toContain(told);
  expect(asked()).toEqual([]);
});

it("lets pass what says nothing", async () => {
  const { url } = await startProxy();
  const none = { logprobs: false, top_logprobs: 0, logit_bias: {}, n: 1, functions: [], audio: null, store: true };
  expect((await post(url, "/v1/chat/completions", { ...chat, ...none })).status).toBe(200);
  const raw = { prompt: "x", stream: false, raw: false, suffix: "", template: "", context: [], logprobs: false };
  expect((await post(url, "/api/generate", { model, ...raw })).status).toBe(200);
});

describe("the tools that may be called", () => {
  const offered = (asked: readonly { readonly tools?: readonly unknown[] }[]) => asked.at(-1)?.tools;
  const near = [{ type: "function", function: expect.objectContaining({ name: "near" }) }];

  it("are those that a client allows, in both of OpenAI's forms", async () => {
    const { url, asked } = await startProxy({ models: [caller] });
    const allowed = { mode: "auto", tools: [{ type: "function", function: { name: "near" } }] };
    const choice = { type: "allowed_tools", allowed_tools: allowed };
    await post(url, "/v1/chat/completions", { ...chat, model: caller.name, tools: functions, tool_choice: choice });
    expect(offered(asked())).toEqual(near);
    const flat = { type: "allowed_tools", mode: "auto", tools: [{ type: "function", name: "near" }] };
    await post(url, "/v1/responses", { model: caller.name, input: "hello", tools: items, tool_choice: flat });
    expect(offered(asked())).toEqual(near);
  });

  it("are refused where one is allowed that is not there", async () => {
    const { url, asked } = await startProxy({ models: [caller] });
    const choice = { type: "allowed_tools", mode: "required", tools: [{ type: "function", name: "away" }] };
    const answer = await post(url, "/v1/responses", {
      model: caller.name,
      input: "x",
      tools: items,
      tool_choice: choice,
    });
    expect(answer.status).toBe(400);
    expect(asked()).toEqual([]);
  });
});

describe("other words for the same", () => {
  const schema = { type: "object", properties: { a: { type: "string" } }, required: ["a"] };

  it("a schema beside json_object, and Anthropic's older output_format, reach the model", async () => {
    const { url, asked } = await startProxy();
    await post(url, "/v1/chat/completions", { ...chat, response_format: { type: "json_object", schema } });
    expect(asked().at(-1)?.format).toEqual(schema);
    await post(url, "/v1/messages", { ...chat, max_tokens: 9, output_format: { type: "json_schema", schema } });
    expect(asked()).toHaveLength(2);
    expect(asked().at(-1)?.format).toEqual(schema);
  });

  it("what is said in this service's way beside Ollama's fields counts with them", async () => {
    const { url, asked } = await startProxy();
    const both = { model, prompt: "x", system: "Be brief.", temperature: 0.7, maxTokens: 11, stream: false };
    await post(url, "/api/generate", both);
    expect(asked()[0]?.messages[0]).toMatchObject({ role: "system", content: "Be brief." });
    expect(asked()[0]?.options).toMatchObject({ temperature: 0.7, num_predict: 11 });
    expect((await post(url, "/api/generate", { ...both, task_type: "code" })).status).toBe(400);
    const misnamed = await post(url, "/api/generate", { prompt: "x", temperature: 0.1, max_tokens: 5 });
    expect(await misnamed.json()).toEqual({ error: expect.stringContaining("max_tokens: expected prompt | model") });
  });

  it("-1 is as many tokens as there are, and a top_p of 0 the likeliest alone", async () => {
    const { url, asked } = await startProxy();
    await post(url, "/v1/chat/completions", { ...chat, max_tokens: -1, top_p: 0 });
    expect(Number(asked()[0]?.options["num_predict"])).toBeGreaterThan(1000);
    expect(asked()[0]?.options["top_p"]).toBeCloseTo(0);
    expect(asked()[0]?.options["top_p"]).toBeGreaterThan(0);
  });
});
