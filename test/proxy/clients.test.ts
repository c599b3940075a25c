// The clients people use, against the service as it is.
import Anthropic, { APIError as AnthropicError } from "@anthropic-ai/sdk";
import { Ollama } from "ollama";
import OpenAI, { APIError as OpenAiError } from "openai";
import { expect, it } from "vitest";
import { beginLines, tokenLine } from "../backends/scripted-server.ts";
import { known, post, type Running, startProxy, token } from "./harness.ts";

const question = [{ role: "user" as const, content: "hi there" }];
const ollamaFor = ({ url }: Running) => new Ollama({ host: url, headers: { authorization: `Bearer ${token}` } });
const openaiFor = ({ url }: Running) => new OpenAI({ baseURL: `${url}/v1`, apiKey: token, maxRetries: 0 });
const anthropicFor = ({ url }: Running) => new Anthropic({ baseURL: url, apiKey: token, maxRetries: 0 });

/** What a client's promise was rejected with. */
const failure = (work: PromiseLike<unknown>): Promise<unknown> =>
  Promise.resolve(work).then(
    () => undefined,
    (error: unknown) => error,
  );

it("answers the ollama client: version, models, show, ps", async () => {
  const running = await startProxy();
  const client = ollamaFor(running);
  const names = (await client.list()).models.map((model) => model.name);
  expect(names).toContain("llama3.1:8b");
  expect(names).toContain("switchyard/auto");
  expect(names).toContain("switchyard/translate");
  expect(names).not.toContain("big:cloud");
  expect((await client.version()).version).toMatch(/^\d+\.\d+/);
  expect((await client.ps()).models).toEqual([]);
  expect((await client.show({ model: "llama3.1:8b" })).capabilities).toEqual(["completion"]);
  expect((await client.show({ model: "switchyard/auto:latest" })).details.family).toBe("switchyard");
});

it("streams a chat to the ollama client with the server's figures, in nanoseconds, and its own system prompt", async () => {
  const running = await startProxy();
  const messages = [{ role: "system", content: "Talk like a pirate." }, ...question];
  const stream = await ollamaFor(running).chat({
    model: "llama3.1:8b",
    messages,
    stream: true,
    options: { temperature: 0.9, num_predict: 50 },
  });
  let text = "";
  let last = {};
  for await (const part of stream) {
    text += part.message.content;
    last = part;
  }
  expect(text).toBe("Hello 世界");
  expect(last).toMatchObject({ done: true, done_reason: "stop", eval_count: 40, eval_duration: 2_000_000_000 });
  expect(running.asked()[0]?.messages).toEqual(messages);
  expect(running.asked()[0]?.options).toMatchObject({ temperature: 0.9, num_predict: 50 });
});

it("answers the ollama client's generate whole, in a form that was asked for", async () => {
  const running = await startProxy();
  const format = { type: "object", properties: { name: { type: "string" } } };
  const answer = await ollamaFor(running).generate({ model: "llama3.1:8b", prompt: "hi", system: "Be brief.", format });
  expect(answer).toMatchObject({ model: "llama3.1:8b", response: "Hello 世界", done: true });
  expect(running.asked()[0]?.format).toEqual(format);
  expect(running.asked()[0]?.messages[0]).toEqual({ role: "system", content: "Be brief." });
});

it("tells the ollama client that a model is not there, and that embeddings are not part of it", async () => {
  const running = await startProxy();
  const client = ollamaFor(running);
  expect(await failure(client.chat({ model: "nope", messages: question }))).toMatchObject({ status_code: 404 });
  expect(await failure(client.embed({ model: "llama3.1:8b", input: "x" }))).toMatchObject({
    status_code: 501,
    message: expect.stringContaining("embeddings"),
  });
});

it("does not let the ollama client change the models of this machine", async () => {
  const running = await startProxy();
  const client = ollamaFor(running);
  for (const work of [
    () => client.pull({ model: "x" }),
    () => client.delete({ model: "llama3.1:8b" }),
    () => client.create({ model: "x", from: "y" }),
    () => client.copy({ source: "a", destination: "b" }),
    () => client.push({ model: "x" }),
  ]) {
    expect(await failure(work())).toMatchObject({ status_code: 403 });
  }
  expect(running.ollama.requests.filter((request) => /pull|delete|create|copy|push/.test(request))).toEqual([]);
});

it("completes a chat for the openai client, whole and streamed, with usage", async () => {
  const running = await startProxy();
  const client = openaiFor(running);
  const whole = await client.chat.completions.create({ model: "llama3.1:8b", messages: question, max_tokens: 9 });
  expect(whole.choices[0]?.message.content).toBe("Hello 世界");
  expect(whole.choices[0]?.finish_reason).toBe("stop");
  expect(whole.usage).toEqual({ prompt_tokens: 12, completion_tokens: 40, total_tokens: 52 });
  const stream = await client.chat.completions.create({
    model: "switchyard/auto",
    messages: [{ role: "developer", content: "Short." }, ...question],
    stream: true,
    stream_options: { include_usage: true },
  });
  let text = "";
  let usage: unknown;
  const models = new Set<string>();
  for await (const chunk of stream) {
    text += chunk.choices[0]?.delta.content ?? "";
    usage = chunk.usage ?? usage;
    models.add(chunk.model);
  }
  expect(text).toBe("Hello 世界");
  expect(usage).toMatchObject({ total_tokens: 52 });
  expect([...models]).toEqual(["llama3.1:8b"]);
  expect(running.asked()[1]?.messages[0]).toEqual({ role: "system", content: "Short." });
});

it("stops for the openai client at its stop sequence, also where it comes in pieces", async () => {
  const running = await startProxy();
  const answer = await openaiFor(running).chat.completions.create({
    model: "llama3.1:8b",
    messages: question,
    stop: ["lo 世"],
  });
  expect(answer.choices[0]?.message.content).toBe("Hel");
});

it("passes a form for the answer on, and refuses tools and images in the openai client's own words", async () => {
  const running = await startProxy();
  const { completions } = openaiFor(running).chat;
  const schema = { type: "object", properties: { a: { type: "number" } } };
  const base = { model: "llama3.1:8b", messages: question };
  await completions.create({
    ...base,
    response_format: { type: "json_schema", json_schema: { name: "x", schema, strict: true } },
  });
  await completions.create({ ...base, response_format: { type: "json_object" } });
  expect(running.asked().map((each) => each.format)).toEqual([schema, { type: "object" }]);
  const tools = [{ type: "function" as const, function: { name: "f", parameters: {} } }];
  const refused = await failure(completions.create({ ...base, tools }));
  expect(refused).toBeInstanceOf(OpenAiError);
  expect(refused).toMatchObject({
    status: 400,
    type: "invalid_request_error",
    message: expect.stringContaining("tools"),
  });
  const image = { type: "image_url" as const, image_url: { url: "data:image/png;base64,AA==" } };
  expect(await failure(completions.create({ ...base, messages: [{ role: "user", content: [image] }] }))).toMatchObject({
    status: 400,
    message: expect.stringContaining("images"),
  });
});

it("lists models for the openai client and says which is not there", async () => {
  const running = await startProxy();
  const client = openaiFor(running);
  const ids = (await client.models.list()).data.map((model) => model.id);
  expect(ids).toContain("switchyard/review");
  expect(ids).toContain("llama3.1:8b");
  expect((await client.models.retrieve("llama3.1:8b")).owned_by).toBe("local");
  const missing = await failure(client.chat.completions.create({ model: "gpt-9", messages: question }));
  expect(missing).toMatchObject({ status: 404, code: "model_not_found" });
});

it("streams a message to the anthropic client in the exact order, with usage", async () => {
  const running = await startProxy();
  const stream = anthropicFor(running).messages.stream({
    model: "claude-local-llama3.1:8b",
    max_tokens: 100,
    system: [
      { type: "text", text: "x-anthropic-billing-header: cc_version=9; cch=abc" },
      { type: "text", text: "Be kind.", cache_control: { type: "ephemeral" } },
    ],
    messages: question,
    metadata: { user_id: "u" },
  });
  const order: string[] = [];
  stream.on("streamEvent", (event) => order.push(event.type));
  const message = await stream.finalMessage();
  expect(message.content).toMatchObject([{ type: "text", text: "Hello 世界" }]);
  expect(message.stop_reason).toBe("end_turn");
  expect(message.usage.output_tokens).toBe(40);
  expect(order).toEqual([
    "message_start",
    "content_block_start",
    "content_block_delta",
    "content_block_delta",
    "content_block_delta",
    "content_block_stop",
    "message_delta",
    "message_stop",
  ]);
  expect(running.asked()[0]?.messages).toEqual([{ role: "system", content: "Be kind." }, ...question]);
});

it("answers the anthropic client whole, counts tokens, stops, and lists models under names it accepts", async () => {
  const running = await startProxy();
  const client = anthropicFor(running);
  const base = { model: "claude-switchyard-auto", max_tokens: 100, messages: question };
  const whole = await client.messages.create({ ...base, stop_sequences: ["世"] });
  expect(whole).toMatchObject({
    content: [{ type: "text", text: "Hello " }],
    stop_reason: "stop_sequence",
    stop_sequence: "世",
  });
  const few = await client.messages.countTokens({ model: base.model, messages: question });
  const long = [{ role: "user" as const, content: "word ".repeat(1000) }];
  const many = await client.messages.countTokens({ model: base.model, messages: long });
  expect(few.input_tokens).toBeGreaterThan(5);
  expect(many.input_tokens).toBeGreaterThan(1000);
  const ids = (await client.models.list()).data.map((model) => model.id);
  expect(ids).toContain("claude-local-llama3.1:8b");
  expect(ids.every((id) => id.startsWith("claude"))).toBe(true);
});

it("says in Anthropic's words that the prompt is too long, that tools are not there, and that a model is missing", async () => {
  const running = await startProxy();
  const { messages } = anthropicFor(running);
  const base = { model: "claude-switchyard-auto", max_tokens: 100, messages: question };
  const long = await failure(
    messages.create({ ...base, messages: [{ role: "user", content: "word ".repeat(20_000) }] }),
  );
  expect(long).toBeInstanceOf(AnthropicError);
  expect(long).toMatchObject({
    status: 400,
    message: expect.stringMatching(/prompt is too long: \d+ tokens > 8192 maximum/),
  });
  const tools = [{ name: "f", input_schema: { type: "object" as const } }];
  expect(await failure(messages.create({ ...base, tools }))).toMatchObject({
    status: 400,
    error: { type: "error", error: { type: "invalid_request_error" } },
  });
  expect(await failure(messages.create({ ...base, model: "claude-none" }))).toMatchObject({ status: 404 });
  expect(running.asked()).toEqual([]);
});

it("pings while nothing comes, in each dialect's own way", async () => {
  const chat = (_: unknown, response: import("node:http").ServerResponse) => {
    beginLines(response);
    setTimeout(() => response.end(`${tokenLine("late")}${JSON.stringify({ done: true, done_reason: "stop" })}\n`), 300);
  };
  const running = await startProxy({ chat, options: { beatMs: 50 } });
  const base = { model: "switchyard/auto", max_tokens: 10, messages: question, stream: true };
  const anthropic = await (await post(running.url, "/v1/messages", base)).text();
  expect(anthropic.match(/event: ping/g)?.length).toBeGreaterThan(2);
  expect(anthropic.indexOf("message_start")).toBeLessThan(anthropic.indexOf("event: ping"));
  expect(anthropic).toContain("message_stop");
  const again = [{ role: "user", content: "hi again" }];
  const openai = await (await post(running.url, "/v1/chat/completions", { ...base, messages: again })).text();
  expect(openai).toContain(": waiting");
  expect(openai.trimEnd().endsWith("data: [DONE]")).toBe(true);
});

it("tells in headers which model answered, where, why, and that a second answer was known", async () => {
  const running = await startProxy();
  const body = { prompt: "Write a function that adds two numbers", temperature: 0.1 };
  const first = await post(running.url, "/api/generate", body);
  expect(await first.json()).toMatchObject({ response: "Hello 世界" });
  expect(Object.fromEntries(first.headers)).toMatchObject({
    "x-switchyard-task": "code",
    "x-switchyard-model": "llama3.1:8b",
    "x-switchyard-place": "this-machine",
    "x-switchyard-cache": "miss",
    "x-switchyard-why": expect.stringMatching(/\w/),
  });
  const streamed = await post(running.url, "/api/generate", { ...body, stream: true });
  expect(streamed.headers.get("x-switchyard-cache")).toBe("hit");
  expect(await streamed.text()).toContain("Hello 世界");
  expect(running.asked()).toHaveLength(1);
});

it("runs the design's own call: prompt, model, temperature, maxTokens and task_type", async () => {
  const running = await startProxy();
  const body = {
    prompt: "Good morning.",
    model: "llama3.1:8b",
    temperature: 0.2,
    maxTokens: 77,
    task_type: "translation",
  };
  const answer = await post(running.url, "/api/generate", body);
  expect(answer.headers.get("content-type")).toContain("application/json");
  expect(answer.headers.get("x-switchyard-task")).toBe("translate");
  expect(await answer.json()).toMatchObject({ response: expect.stringContaining("Hello") });
  expect(running.asked()[0]?.options).toMatchObject({ temperature: 0.2 });
  expect(running.asked()[0]?.messages[0]?.content).toContain("ranslat");
  expect((await post(running.url, "/api/generate", { prompt: "x", task_type: "dance" })).status).toBe(400);
});

it("says that it is well to anyone, and how its parts are to who knows the token", async () => {
  const { url } = await startProxy();
  expect(await (await fetch(`${url}/health`)).json()).toEqual({ status: "ok" });
  expect(await (await fetch(`${url}/health`, { headers: known })).json()).toMatchObject({
    status: "ok",
    version: "1.2.3",
    parts: { proxy: { status: "ok" }, models: { status: "ok", installed: 2 } },
  });
});

it("lets nothing leave: a model that is not on this machine is refused", async () => {
  const running = await startProxy();
  const answer = await post(running.url, "/api/chat", { model: "big:cloud", messages: question });
  expect(answer.status).toBe(403);
  expect(running.asked()).toEqual([]);
});

it("does a task as the product does it where the task is named as the model, unless the client says how", async () => {
  const running = await startProxy();
  const { completions } = openaiFor(running).chat;
  const base = { model: "switchyard/translate", messages: [{ role: "user" as const, content: "Good morning." }] };
  await completions.create(base);
  await completions.create({ ...base, messages: [{ role: "system", content: "Into French." }, ...base.messages] });
  const [ours, theirs] = running.asked();
  expect(ours?.messages[0]?.content).toContain("ranslat");
  expect(theirs?.messages.map((message) => message.content)).toEqual(["Into French.", "Good morning."]);
});
