// The `openai` client, against the service as it is.
import { expect, it } from "vitest";
import { failure, openaiFor, question } from "./clients.ts";
import { startProxy } from "./harness.ts";

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

it("passes a form for the answer on for the openai client", async () => {
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
