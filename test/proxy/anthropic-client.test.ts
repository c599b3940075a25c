// Anthropic's client, against the service as it is.
import { APIError as AnthropicError } from "@anthropic-ai/sdk";
import { expect, it } from "vitest";
import { anthropicFor, failure, question } from "./clients.ts";
import { startProxy } from "./harness.ts";

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
