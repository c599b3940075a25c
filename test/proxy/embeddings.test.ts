import { expect, it } from "vitest";
import { type Handler, sendJson } from "../backends/scripted-server.ts";
import { failure, ollamaFor, openaiFor } from "./clients.ts";
import { post, startProxy, tag, until } from "./harness.ts";

const model = "nomic-embed-text:latest";
const models = [tag(model, "embedding"), { ...tag("far:cloud", "embedding"), remote_host: "https://ollama.com" }];
const seen: unknown[] = [];
/** One vector a text: its length, and a half. */
const embed: Handler = (_, response, body) => {
  const request: { model: string; input: string[] } = JSON.parse(body);
  seen.push(request);
  sendJson(response, {
    model: request.model,
    embeddings: request.input.map((text) => [text.length, 0.5]),
    prompt_eval_count: 7,
  });
};
const start = () => {
  seen.length = 0;
  return startProxy({ models, routes: { "POST /api/embed": embed } });
};

it("gives the ollama client vectors in the order of the texts, in both of its ways", async () => {
  const client = ollamaFor(await start());
  expect(await client.embed({ model, input: ["a", "abc"] })).toMatchObject({
    model,
    embeddings: [
      [1, 0.5],
      [3, 0.5],
    ],
    prompt_eval_count: 7,
  });
  expect((await client.embed({ model: "nomic-embed-text", input: "ab" })).embeddings).toEqual([[2, 0.5]]);
  expect((await client.embeddings({ model, prompt: "abcd" })).embedding).toEqual([4, 0.5]);
  // Nothing is cut in silence: only where the client says so.
  expect(seen).toMatchObject([{ truncate: false }, { truncate: false }, { truncate: false }]);
  await client.embed({ model, input: "x", truncate: true, dimensions: 2 });
  expect(seen.at(-1)).toMatchObject({ truncate: true, dimensions: 2 });
});

it("gives the openai client vectors as it asks for them, from the best model where it names none", async () => {
  const running = await start();
  const { embeddings } = openaiFor(running);
  const binary = await embeddings.create({ model: "switchyard/auto", input: ["a", "abc"] });
  expect(binary.data.map((each) => [...each.embedding])).toEqual([
    [1, 0.5],
    [3, 0.5],
  ]);
  expect(binary).toMatchObject({ model, usage: { prompt_tokens: 7, total_tokens: 7 } });
  const plain = await embeddings.create({ model, input: "ab", encoding_format: "float" });
  expect(plain.data[0]?.embedding).toEqual([2, 0.5]);
});

it("makes them on this machine only, within limits, and says what is missing", async () => {
  const running = await start();
  const client = openaiFor(running);
  const failed = (name: string, input: string | string[]) => failure(client.embeddings.create({ model: name, input }));
  expect(await failed("far:cloud", "x")).toMatchObject({ status: 403 });
  expect(await failed("nope", "x")).toMatchObject({ status: 404, code: "model_not_found" });
  expect(await failed("switchyard/translate", "x")).toMatchObject({ status: 400 });
  expect(await failed(model, Array(2049).fill("x"))).toMatchObject({ status: 400 });
  expect(await failed(model, [])).toMatchObject({ status: 400 });
  expect(seen).toEqual([]);
  const none = await startProxy();
  const answer = await post(none.url, "/api/embed", { model: "switchyard/auto", input: "x" });
  expect(answer.status).toBe(404);
  expect(await answer.json()).toMatchObject({ error: expect.stringContaining("No embedding model is installed") });
});

it("fails where the server sends fewer vectors than there are texts", async () => {
  const routes = { "POST /api/embed": ((_, response) => sendJson(response, { embeddings: [[1]] })) satisfies Handler };
  const running = await startProxy({ models, routes });
  expect((await post(running.url, "/v1/embeddings", { model, input: ["a", "b"] })).status).toBe(502);
});

it("refuses what is empty, vectors of another length than was asked for, and what is too long", async () => {
  const running = await start();
  const failed = (body: object) => failure(openaiFor(running).embeddings.create({ model, input: "x", ...body }));
  expect(await failed({ input: ["a", ""] })).toMatchObject({
    status: 400,
    message: expect.stringContaining("Text 2 of 2"),
  });
  expect(seen).toEqual([]);
  const short = await failed({ dimensions: 64 });
  expect(short).toMatchObject({ status: 400, message: expect.stringContaining("vectors of 2 numbers, not of 64") });
  const tooLong: Handler = (_, response) =>
    sendJson(response, { error: "the input length exceeds the context length" }, 400);
  const refusing = await startProxy({ models, routes: { "POST /api/embed": tooLong } });
  const answer = await post(refusing.url, "/v1/embeddings", { model, input: "x" });
  expect(answer.status).toBe(400);
  expect(await answer.json()).toMatchObject({ error: { code: "context_length_exceeded" } });
});

it("makes some at once, lets others wait, and refuses the rest with the time after which to ask again", async () => {
  const waiting: (() => void)[] = [];
  const held: Handler = (_, response) => {
    waiting.push(() => sendJson(response, { embeddings: [[1]] }));
  };
  const running = await startProxy({ models, routes: { "POST /api/embed": held } });
  const answers = Array.from({ length: 70 }, () => post(running.url, "/v1/embeddings", { model, input: "x" }));
  const refused: Response[] = [];
  for (const answer of answers) void answer.then((each) => each.status === 429 && refused.push(each));
  await until(() => refused.length === 2 && waiting.length === 4);
  expect(Number(refused[0]?.headers.get("retry-after"))).toBeGreaterThan(0);
  let left = 68;
  while (left > 0) {
    await until(() => waiting.length > 0);
    left -= waiting.length;
    for (const go of waiting.splice(0)) go();
  }
  expect((await Promise.all(answers)).filter((each) => each.status === 200)).toHaveLength(68);
});
