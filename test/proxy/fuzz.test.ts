// Whatever JSON comes, the service answers in its dialect and goes on.
import fc from "fast-check";
import { expect, it } from "vitest";
import { post, startProxy, tag } from "./harness.ts";

const paths = [
  "/api/generate",
  "/api/chat",
  "/api/show",
  "/api/embed",
  "/v1/chat/completions",
  "/v1/messages",
  "/v1/messages/count_tokens",
  "/v1/responses",
  "/v1/completions",
  "/v1/embeddings",
  "/api/embeddings",
];
const names = ["model", "messages", "prompt", "role", "content", "options", "format", "stop", "stream", "system"];
const more = [
  "temperature",
  "seed",
  "top_k",
  "presence_penalty",
  "maxTokens",
  "max_tokens",
  "task_type",
  "tools",
  "type",
  "text",
  "__proto__",
  "keep_alive",
];
const ofTools = [
  "function",
  "name",
  "parameters",
  "input_schema",
  "arguments",
  "tool_calls",
  "tool_call_id",
  "tool_use_id",
  "tool_choice",
  "call_id",
  "output",
  "id",
];
const ofPictures = ["images", "image_url", "url", "source", "data"];

const fields = [...names, ...more, ...ofTools, ...ofPictures, "input", "thinking"];

/** JSON in which the fields the dialects know come up often. */
const { value } = fc.letrec<{ value: unknown }>((tie) => ({
  value: fc.oneof(
    { depthSize: "small" },
    fc.constantFrom<unknown>(
      null,
      true,
      false,
      0,
      -1,
      1e308,
      "",
      "user",
      "system",
      "auto",
      "switchyard/auto",
      "text",
      "json",
      "assistant",
      "tool",
      "tool_use",
      "tool_result",
      "image",
      "function_call",
      "function_call_output",
    ),
    fc.string({ unit: "binary", maxLength: 20 }),
    fc.array(tie("value"), { maxLength: 4 }),
    fc.dictionary(fc.constantFrom(...fields), tie("value"), { maxKeys: 6 }),
  ),
}));

it("case 25: answers anything with a status of its own and an error in words", async () => {
  const { url, log } = await startProxy({ models: [tag("any:1b", "completion", "tools", "vision", "embedding")] });
  const message = fc.record({ role: fc.constantFrom("user", "assistant", "tool"), content: value, tool_calls: value });
  const shaped = fc.record(
    {
      model: fc.constant("switchyard/auto"),
      messages: fc.array(message, { minLength: 1, maxLength: 4 }),
      input: fc.oneof(value, fc.array(value, { maxLength: 4 })),
      tools: fc.array(value, { maxLength: 3 }),
      tool_choice: value,
      max_tokens: fc.constant(50),
    },
    { requiredKeys: ["model"] },
  );
  await fc.assert(
    fc.asyncProperty(fc.constantFrom(...paths), fc.oneof(value, shaped), async (path, body) => {
      const answer = await post(url, path, JSON.stringify(body));
      const text = await answer.text();
      if (![200, 400, 404, 501].includes(answer.status)) throw new Error(`${answer.status} ${text}`);
      if (answer.status !== 200) {
        const told: { error: unknown } = JSON.parse(text);
        expect(JSON.stringify(told.error)).toMatch(/\w/);
      }
    }),
    { numRuns: 1500 },
  );
  expect((await fetch(`${url}/health`)).status).toBe(200);
  expect(log.filter((line) => line.includes(" 500,"))).toEqual([]);
});
