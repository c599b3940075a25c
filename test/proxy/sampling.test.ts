// What clients say of how an answer is drawn reaches the model, in every dialect and with every kind of server.
import { afterEach, expect, it } from "vitest";
import { type Handler, type ScriptedServer, sendJson, startScriptedServer } from "../backends/scripted-server.ts";
import { post, sayHello, startProxy, tag } from "./harness.ts";

const model = "llama3.1:8b";
const messages = [{ role: "user", content: "hi" }];
const said = { seed: 7, top_k: 20, min_p: 0.05, presence_penalty: 0.5, frequency_penalty: -0.25 };

let other: ScriptedServer | undefined;
afterEach(async () => {
  await other?.close();
  other = undefined;
});

it("in every dialect, as far as the dialect has a word for it", async () => {
  const { url, asked } = await startProxy();
  const requests: readonly (readonly [string, object])[] = [
    ["/api/chat", { model, messages, options: said }],
    ["/api/generate", { model, prompt: "hi 2", options: said, stream: false }],
    ["/v1/chat/completions", { model, messages: [{ role: "user", content: "hi 3" }], ...said }],
    ["/v1/completions", { model, prompt: "hi 4", ...said }],
    ["/v1/responses", { model, input: "hi 5", ...said }],
  ];
  for (const [path, body] of requests) expect((await post(url, path, body)).status).toBe(200);
  expect(asked()).toHaveLength(requests.length);
  for (const { options } of asked()) expect(options).toMatchObject(said);
  await post(url, "/v1/messages", { model, messages, max_tokens: 9, top_k: 20 });
  expect(asked().at(-1)?.options).toMatchObject({ top_k: 20 });
  expect(asked().at(-1)?.options).not.toHaveProperty("seed");
});

const ollamasOwn = {
  typical_p: 0.7,
  repeat_last_n: 33,
  mirostat: 1,
  mirostat_tau: 0.8,
  mirostat_eta: 0.6,
  num_keep: 5,
};

it("also what only Ollama's clients can say, where Ollama answers", async () => {
  const { url, asked } = await startProxy();
  await post(url, "/api/chat", { model, messages, options: ollamasOwn });
  await post(url, "/api/generate", { model, prompt: "hi 2", options: ollamasOwn });
  await post(url, "/api/chat", { model, messages: [{ role: "user", content: "hi 3" }] });
  const [chat, generate, without] = asked();
  expect(chat?.options).toMatchObject(ollamasOwn);
  expect(generate?.options).toMatchObject(ollamasOwn);
  for (const field of Object.keys(ollamasOwn)) expect(without?.options).not.toHaveProperty(field);
  const wrong = await post(url, "/api/chat", { model, messages, options: { typical_p: 7 } });
  expect([wrong.status, await wrong.text()]).toEqual([400, expect.stringContaining("typical_p")]);
});

/** Says hello; a model that is only loaded says nothing. */
const loadOrHello: Handler = (request, response, body) =>
  body.includes('"messages":[]')
    ? sendJson(response, { model: "m", message: { role: "assistant", content: "" }, done: true, done_reason: "load" })
    : sayHello(request, response, body);

it("the window that Ollama's clients want is had, as far as it is allowed and never less than the prompt needs", async () => {
  const { url, asked } = await startProxy({
    models: [{ ...tag("long:7b", "completion"), details: { context_length: 131_072 } }],
    ps: (_, response) =>
      sendJson(response, { models: [{ name: "long:7b", size: 9, size_vram: 0, context_length: 131_072 }] }),
    chat: loadOrHello,
    settings: { maxContextTokens: 40_000 },
  });
  const windowFor = async (num_ctx: number, name: string, text = "hi") => {
    const before = asked().length;
    const body = { model: name, messages: [{ role: "user", content: text }], options: { num_ctx, temperature: 0.9 } };
    expect((await post(url, "/api/chat", body)).status).toBe(200);
    return asked()[before]?.options["num_ctx"];
  };
  // Each is larger than the one before: a window shrinks only after a rest.
  expect(await windowFor(4096, "long:7b")).toBe(4096);
  expect(await windowFor(4096, "long:7b", "word ".repeat(5000))).toBe(8192);
  expect(await windowFor(20_000, "long:7b")).toBe(20_000);
  expect(await windowFor(-1, "long:7b")).toBe(20_000);
  expect(await windowFor(1_000_000, "long:7b")).toBe(40_000);
  expect(await windowFor(1_000_000, model)).toBe(8192);
});

it("a model is loaded with the window that is wished for", async () => {
  const { url, asked } = await startProxy({ chat: loadOrHello });
  const load = async (path: string, body: object) =>
    expect((await post(url, path, { model, ...body })).status).toBe(200);
  await load("/api/chat", { messages: [], options: { num_ctx: 16_000 } });
  await load("/api/generate", { options: { num_ctx: 900_000 } });
  await load("/api/chat", { messages: [] });
  expect(asked().map(({ options }) => options["num_ctx"])).toEqual([16_000, 32_768, 8192]);
});

it("leaves to the server what nobody says, and takes -1 for all tokens", async () => {
  const { url, asked } = await startProxy();
  await post(url, "/api/chat", { model, messages, options: { seed: null } });
  for (const field of Object.keys(said)) expect(asked()[0]?.options).not.toHaveProperty(field);
  await post(url, "/v1/chat/completions", { model, messages, top_k: -1 });
  expect(asked()[1]?.options).toMatchObject({ top_k: 0 });
});

it("reaches a server with OpenAI's API in its own words", async () => {
  other = await startScriptedServer({
    "GET /v1/models": (_, response) => sendJson(response, { data: [{ id: "own" }] }),
    "POST /v1/chat/completions": (_, response) => {
      response.writeHead(200, { "content-type": "text/event-stream" });
      response.end(`data: ${JSON.stringify({ choices: [{ delta: { content: "x" }, finish_reason: "stop" }] })}\n\n`);
    },
  });
  const { url } = await startProxy({ settings: { nodes: [{ url: other.url, kind: "openai" }] } });
  const asked = () => JSON.parse(other?.bodies.findLast((body) => body !== "") ?? "{}");
  await post(url, "/api/chat", { model: "own", messages, options: said });
  expect(asked()).toMatchObject(said);
  expect(asked()).not.toHaveProperty("mirostat");
  const { num_keep: _, ...known } = ollamasOwn;
  await post(url, "/api/chat", { model: "own", messages, options: ollamasOwn });
  expect(asked()).toMatchObject(known);
  await post(url, "/api/chat", { model: "own", messages, options: { top_k: 0, seed: -1 } });
  expect(asked()).toMatchObject({ top_k: -1 });
  expect(asked()).not.toHaveProperty("seed");
});

it("is part of what an answer is kept by", async () => {
  const { url, asked } = await startProxy();
  const ask = async (more: object) => {
    const body = { model, messages, temperature: 0, ...more };
    await (await post(url, "/v1/chat/completions", body)).text();
  };
  await ask({ seed: 1 });
  await ask({ seed: 1 });
  expect(asked()).toHaveLength(1);
  for (const [field, value] of Object.entries(said)) await ask({ [field]: value });
  expect(asked()).toHaveLength(1 + Object.keys(said).length);
});

it("is refused by its name where it is none", async () => {
  const { url, asked } = await startProxy();
  const wrong = { seed: "x", top_k: 1.5, min_p: 2, presence_penalty: 3, frequency_penalty: "much" };
  for (const [field, value] of Object.entries(wrong)) {
    const answer = await post(url, "/v1/chat/completions", { model, messages, [field]: value });
    expect(answer.status).toBe(400);
    expect(await answer.text()).toContain(field);
  }
  expect(asked()).toEqual([]);
});
