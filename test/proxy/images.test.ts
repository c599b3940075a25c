// Pictures, through each client: seen by a model that can see, or refused; never dropped.
import { expect, it } from "vitest";
import { anthropicFor, failure, ollamaFor, openaiFor } from "./clients.ts";
import { post, startProxy, tag } from "./harness.ts";

const png = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==";
const seeing = "qwen3-vl:8b";
const models = [tag(seeing, "completion", "vision")];
const text = "What is on it?";

it("shows the picture of each client to a model that sees, without the prefix some of them send", async () => {
  const running = await startProxy({ models, settings: { cache: false } });
  await ollamaFor(running).chat({
    model: "switchyard/auto",
    messages: [{ role: "user", content: text, images: [png] }],
  });
  await ollamaFor(running).generate({ model: seeing, prompt: text, images: [png] });
  const url = `data:image/png;base64,${png}`;
  await openaiFor(running).chat.completions.create({
    model: "switchyard/auto",
    messages: [
      {
        role: "user",
        content: [
          { type: "text", text },
          { type: "image_url", image_url: { url } },
        ],
      },
    ],
  });
  await openaiFor(running).responses.create({
    model: seeing,
    input: [
      {
        role: "user",
        content: [
          { type: "input_text", text },
          { type: "input_image", image_url: url, detail: "auto" },
        ],
      },
    ],
  });
  await anthropicFor(running).messages.create({
    model: "claude-switchyard-auto",
    max_tokens: 50,
    messages: [
      {
        role: "user",
        content: [
          { type: "image", source: { type: "base64", media_type: "image/png", data: png } },
          { type: "text", text },
        ],
      },
    ],
  });
  expect(running.asked()).toHaveLength(5);
  for (const { model, messages } of running.asked()) {
    expect(model).toBe(seeing);
    expect(messages.at(-1)).toEqual({ role: "user", content: text, images: [png] });
  }
});

it("shows a picture alone, and one that a call came to", async () => {
  const running = await startProxy({ models: [tag(seeing, "completion", "vision", "tools")] });
  const image = {
    type: "image" as const,
    source: { type: "base64" as const, media_type: "image/png" as const, data: png },
  };
  const base = { model: "claude-switchyard-auto", max_tokens: 50 };
  const { messages } = anthropicFor(running);
  await messages.create({ ...base, messages: [{ role: "user", content: [image] }] });
  await messages.create({
    ...base,
    tools: [{ name: "screenshot", input_schema: { type: "object" } }],
    messages: [
      { role: "user", content: "Look." },
      { role: "assistant", content: [{ type: "tool_use", id: "t1", name: "screenshot", input: {} }] },
      { role: "user", content: [{ type: "tool_result", tool_use_id: "t1", content: [image] }] },
    ],
  });
  const [alone, shown] = running.asked();
  expect(alone?.messages).toEqual([{ role: "user", content: "", images: [png] }]);
  expect(shown?.messages.slice(2)).toMatchObject([{ role: "tool" }, { role: "user", images: [png] }]);
});

it("refuses a picture where the named model cannot see it, and where it would have to be fetched", async () => {
  const running = await startProxy({ models });
  const { completions } = openaiFor(running).chat;
  const ask = (model: string, url: string) =>
    failure(
      completions.create({ model, messages: [{ role: "user", content: [{ type: "image_url", image_url: { url } }] }] }),
    );
  expect(await ask("llama3.1:8b", `data:image/png;base64,${png}`)).toMatchObject({
    status: 400,
    message: expect.stringContaining(`cannot see pictures. Nothing was asked. ${seeing} can`),
  });
  expect(await ask(seeing, "https://example.com/a.png")).toMatchObject({
    status: 400,
    message: expect.stringContaining("fetches nothing"),
  });
  expect(await ask(seeing, "data:image/png;base64,<script>")).toMatchObject({ status: 400 });
  const byUrl = { type: "image", source: { type: "url", url: "https://example.com/a.png" } };
  const body = { model: "claude-switchyard-auto", max_tokens: 9, messages: [{ role: "user", content: [byUrl] }] };
  expect((await post(running.url, "/v1/messages", body)).status).toBe(400);
  expect(running.asked()).toEqual([]);
});

it("says where no model here can see", async () => {
  const running = await startProxy();
  const answer = await post(running.url, "/api/chat", {
    model: "switchyard/auto",
    messages: [{ role: "user", content: text, images: [png] }],
  });
  expect(answer.status).toBe(404);
  expect(await answer.json()).toMatchObject({ error: expect.stringContaining("No model here can see pictures") });
});
