// The `ollama` client, against the service as it is.
import { expect, it } from "vitest";
import { anthropicFor, failure, ollamaFor, question } from "./clients.ts";
import { startProxy } from "./harness.ts";

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

it("tells clients of no larger window than the person allows", async () => {
  const running = await startProxy({ settings: { maxContextTokens: 4096 } });
  const { model_info: facts, details } = await ollamaFor(running).show({ model: "llama3.1:8b" });
  expect(facts).toMatchObject({ "llama3.1.context_length": 4096 });
  expect(details).toMatchObject({ context_length: 4096 });
  const alias = await anthropicFor(running).models.retrieve("claude-local-llama3.1:8b");
  expect(alias.max_input_tokens).toBe(4096);
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

it("tells the ollama client that a model is not there", async () => {
  const running = await startProxy();
  const client = ollamaFor(running);
  expect(await failure(client.chat({ model: "nope", messages: question }))).toMatchObject({ status_code: 404 });
});

it("case 49: does not let the ollama client change the models of this machine", async () => {
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
