// Anthropic's client, against the service as it is.
import { APIError as AnthropicError } from "@anthropic-ai/sdk";
import { expect, it } from "vitest";
import { doneLine, sendJson, tokenLine } from "../backends/scripted-server.ts";
import { anthropicFor, failure, question } from "./clients.ts";
import { known, post, sayHello, sayLines, startProxy, tag } from "./harness.ts";

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

it("says in Anthropic's words that the prompt is too long, and that a model is missing", async () => {
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
  expect(await failure(messages.create({ ...base, model: "claude-none" }))).toMatchObject({ status: 404 });
  expect(running.asked()).toEqual([]);
});

const thoughtLine = `${JSON.stringify({ model: "m", message: { role: "assistant", content: "", thinking: "hm" }, done: false })}\n`;

it("shows what the model thinks in a block of its own where the client wants it, and takes it back", async () => {
  const chat = sayLines(thoughtLine, tokenLine("42"), doneLine());
  const running = await startProxy({ chat, models: [tag("qwen3.5:9b", "completion", "thinking")] });
  const { messages } = anthropicFor(running);
  const base = { model: "claude-local-qwen3.5:9b", max_tokens: 2000, messages: question };
  const wanting = { ...base, thinking: { type: "enabled" as const, budget_tokens: 1024 } };
  const streamed = await messages.stream(wanting).finalMessage();
  expect(streamed.content).toMatchObject([
    { type: "thinking", thinking: "hm" },
    { type: "text", text: "42" },
  ]);
  const whole = await messages.create({
    ...wanting,
    messages: [...question, { role: "assistant", content: streamed.content }, ...question],
  });
  expect(whole.content.map((block) => block.type)).toEqual(["thinking", "text"]);
  const plain = await messages.create({ ...base, thinking: { type: "disabled" } });
  expect(plain.content).toMatchObject([{ type: "text", text: "42" }]);
  expect(running.asked().map((each) => each.think)).toEqual([true, true, false]);
  expect(running.asked()[1]?.messages[1]).toEqual({ role: "assistant", content: "42", thinking: "hm" });
});

it("leaves out what is only for Anthropic, and keeps the window of a session however short the next question is", async () => {
  const model = "qwen3-coder:30b";
  const loaded = { models: [{ name: model, size: 1, size_vram: 1, context_length: 32_768 }] };
  const running = await startProxy({
    models: [{ ...tag(model, "completion"), details: { context_length: 131_072 } }],
    ps: (_, response) => sendJson(response, loaded),
    chat: (request, response, body) =>
      JSON.parse(body).messages.length > 0
        ? sayHello(request, response, body)
        : sendJson(response, { model, message: { role: "assistant", content: "" }, done: true }),
    settings: { cache: false },
  });
  const ask = (content: string, session: string) =>
    post(
      running.url,
      "/v1/messages?beta=true",
      {
        model: `claude-local-${model}`,
        max_tokens: 32_000,
        messages: [{ role: "user", content }],
        context_management: { edits: [] },
        output_config: { effort: "high" },
        metadata: { user_id: "u" },
        thinking: { type: "adaptive" },
      },
      {
        headers: { ...known, "x-claude-code-session-id": session, "anthropic-beta": "interleaved-thinking-2025-05-14" },
      },
    );
  expect((await ask("word ".repeat(20_000), "one")).status).toBe(200);
  expect((await ask("short", "one")).status).toBe(200);
  const windows = running.asked().flatMap((each) => (each.messages.length > 0 ? [each.options["num_ctx"]] : []));
  expect(windows).toEqual([32_768, 32_768]);
  expect(JSON.stringify(running.asked())).not.toMatch(/context_management|output_config|user_id|effort/);
});
