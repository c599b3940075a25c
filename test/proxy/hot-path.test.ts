// What one request more may cost the model server: one request, on a connection that is there already.
import { expect, it } from "vitest";
import { beginLines, doneLine, tokenLine } from "../backends/scripted-server.ts";
import { post, startProxy } from "./harness.ts";

const chat = (n: number) => ({ model: "llama3.1:8b", messages: [{ role: "user", content: `Hello number ${n}` }] });

it("asks a loaded model with one request each, over one connection", async () => {
  const { url, ollama } = await startProxy({
    chat: (_, response) => {
      beginLines(response);
      response.end(tokenLine("hello") + doneLine({ load_duration: 1_000_000 }));
    },
  });
  await (await post(url, "/api/chat", chat(0))).text();
  const before = ollama.requests.length;
  const connections = ollama.connections();
  for (let n = 1; n <= 20; n++) await (await post(url, "/api/chat", chat(n))).text();
  const since = ollama.requests.slice(before);
  expect(since.filter((each) => each === "POST /api/chat")).toHaveLength(20);
  // What is loaded is looked at behind an answer, at most once in a while.
  expect(since.length).toBeLessThanOrEqual(21);
  // The one for answers is opened with the first of them; the look at what is loaded may come while one is answered.
  expect(ollama.connections() - connections).toBeLessThanOrEqual(2);
});

it("does not wait for a server that says all and then keeps the connection open", async () => {
  const { url } = await startProxy({
    chat: (_, response) => {
      beginLines(response);
      response.write(tokenLine("all") + doneLine());
    },
  });
  const answer = await (await post(url, "/api/chat", chat(0))).text();
  expect(JSON.parse(answer.trim().split("\n").at(-1) ?? "")).toMatchObject({ done: true });
});

it("keeps an answer without letting anybody wait for the disk, and gives it again at once", async () => {
  const { url, ollama } = await startProxy();
  const same = { ...chat(1), options: { temperature: 0 } };
  const texts = [];
  for (let n = 0; n < 3; n++) texts.push(await (await post(url, "/v1/chat/completions", same)).text());
  expect(ollama.requests.filter((each) => each === "POST /api/chat")).toHaveLength(1);
  const said = texts.map((text) => JSON.parse(text).choices[0].message.content);
  expect(said).toEqual(Array(3).fill("Hello 世界"));
});
