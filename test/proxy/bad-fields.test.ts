// A field that cannot be used is named, with what it could be, in the dialect's own form.
import { expect, it } from "vitest";
import { post, startProxy } from "./harness.ts";

const model = "llama3.1:8b";
const messages = [{ role: "user", content: "hi" }];
const chat = { model, messages };

const wrong: readonly (readonly [string, object, string])[] = [
  ["/v1/chat/completions", { ...chat, temperature: 2.5 }, "temperature: expected ≤ 2"],
  ["/v1/chat/completions", { ...chat, presence_penalty: -3 }, "presence_penalty: expected ≥ -2"],
  ["/v1/chat/completions", { ...chat, max_tokens: 0 }, "max_tokens: expected > 0"],
  ["/v1/chat/completions", { ...chat, seed: 1.5 }, "seed: expected integer"],
  ["/v1/chat/completions", { ...chat, stream: "yes" }, "stream: expected boolean"],
  ["/v1/chat/completions", { ...chat, stop: 5 }, "stop: expected string | array"],
  ["/v1/chat/completions", { ...chat, stop: ["a", 5] }, "stop.1: expected string"],
  ["/v1/chat/completions", { model }, "messages: missing; expected array"],
  ["/v1/chat/completions", { model, messages: [] }, "messages: expected length ≥ 1"],
  [
    "/v1/chat/completions",
    { ...chat, response_format: { type: "xml" } },
    "response_format.type: expected json_schema | text | json_object",
  ],
  [
    "/v1/chat/completions",
    { ...chat, response_format: { type: "json_schema", json_schema: { name: "x" } } },
    "response_format.json_schema.schema: missing; expected object",
  ],
  ["/v1/chat/completions", [], "body: expected object"],
  ["/v1/messages", chat, "max_tokens: missing; expected number"],
  ["/v1/messages", { ...chat, max_tokens: 5, temperature: 1.5 }, "temperature: expected ≤ 1"],
  ["/v1/embeddings", { model, input: "x", encoding_format: "hex" }, "encoding_format: expected float | base64"],
  ["/api/chat", { ...chat, format: "xml" }, 'format: expected "" | json | object'],
  ["/api/chat", { ...chat, options: { temperature: "hot" } }, "options.temperature: expected number"],
  [
    "/api/chat",
    { model, messages: [{ role: "user", content: "\ud800" }] },
    "messages.0.content: expected well-formed Unicode",
  ],
  [
    "/v1/chat/completions",
    { model, messages: [{ role: "user", content: "\ud800" }] },
    "messages.0.content: expected well-formed Unicode",
  ],
  [
    "/v1/chat/completions",
    { model, messages: [{ role: "tutor", content: "" }] },
    "messages.0.role: expected system | developer | user | assistant | tool",
  ],
  ["/api/chat", { messages }, "model: missing; expected string"],
];

it.each(wrong)("%s %j", async (path, body, told) => {
  const { url, asked } = await startProxy();
  const answer = await post(url, path, body);
  expect(answer.status).toBe(400);
  expect(await answer.text()).toContain(JSON.stringify(told).slice(1, -1));
  expect(asked()).toEqual([]);
});

it("is named to OpenAI's clients where they look for it", async () => {
  const { url } = await startProxy();
  const answer = await post(url, "/v1/chat/completions", { ...chat, top_p: 2 });
  expect(await answer.json()).toMatchObject({ error: { type: "invalid_request_error", param: "top_p" } });
});
