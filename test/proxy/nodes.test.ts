// Two model servers behind the service.
import { afterEach, expect, it } from "vitest";
import {
  beginLines,
  doneLine,
  type Handler,
  ollamaRoutes,
  type ScriptedServer,
  startScriptedServer,
  tokenLine,
} from "../backends/scripted-server.ts";
import { known, post, startProxy, tag } from "./harness.ts";

let second: ScriptedServer | undefined;
afterEach(async () => {
  await second?.close();
  second = undefined;
});

const say =
  (text: string): Handler =>
  (_, response) => {
    beginLines(response);
    response.end(tokenLine(text) + doneLine());
  };

async function startTwo() {
  const other = await startScriptedServer({
    ...ollamaRoutes([{ ...tag("llama3.1:8b", "completion"), digest: "d1" }, tag("own:1b", "completion")]),
    "POST /api/chat": say("from the second"),
  });
  second = other;
  const running = await startProxy({ chat: say("from the first"), settings: { nodes: [{ url: other.url }] } });
  return { ...running, other };
}

const hello = (text: string, model = "llama3.1:8b") => ({
  model,
  messages: [{ role: "user", content: text }],
  stream: false,
});
const names = ({ data }: { data: readonly { id: string }[] }) => data.map(({ id }) => id);

it("a model that two servers have is listed once, in every dialect", async () => {
  const { url } = await startTwo();
  const openai = names(await (await fetch(`${url}/v1/models`, { headers: known })).json());
  expect(openai.filter((name) => name === "llama3.1:8b")).toHaveLength(1);
  expect(openai).toContain("own:1b");
  const { models } = await (await fetch(`${url}/api/tags`, { headers: known })).json();
  expect(models.filter(({ name }: { name: string }) => name === "llama3.1:8b")).toHaveLength(1);
});

it("says of each server how it is, and in the answer which one it was", async () => {
  const { url, ollama, other } = await startTwo();
  const answer = await post(url, "/api/chat", hello("hello there", "own:1b"));
  expect(answer.headers.get("x-switchyard-backend")).toContain(new URL(other.url).host);
  const { parts } = await (await fetch(`${url}/health`, { headers: known })).json();
  const host = (each: ScriptedServer) => `Ollama at ${new URL(each.url).host}`;
  expect(parts.servers).toMatchObject([
    { name: host(ollama), condition: "ready" },
    { name: host(other), models: ["llama3.1:8b", "own:1b"], condition: "ready", inFlight: 0 },
  ]);
});

it("case 1: when one of two servers is gone, its questions are answered by the other, and the answer says so", async () => {
  const { url, ollama, other } = await startTwo();
  const before = await post(url, "/api/chat", hello("hello before"));
  expect((await before.json()).message.content).toBe("from the first");
  await ollama.close();
  for (let turn = 0; turn < 4; turn++) {
    const answer = await post(url, "/api/chat", hello(`hello after ${turn}`));
    expect(answer.status).toBe(200);
    expect((await answer.json()).message.content).toBe("from the second");
    expect(answer.headers.get("x-switchyard-backend")).toContain(new URL(other.url).host);
  }
  const { parts } = await (await fetch(`${url}/health`, { headers: known })).json();
  expect(parts.servers).toHaveLength(1);
  expect(parts.asked.map(({ address }: { address: string }) => address)).toContain(ollama.url);
});

it("case 19: when all are gone it is told at once, with when to ask again", async () => {
  const { url, ollama, other } = await startTwo();
  await (await post(url, "/api/chat", hello("hello before"))).text();
  await Promise.all([ollama.close(), other.close()]);
  second = undefined;
  for (let turn = 0; turn < 4; turn++) {
    const answer = await post(url, "/api/chat", hello(`hello after ${turn}`));
    expect(answer.status).toBe(503);
    expect(Number(answer.headers.get("retry-after"))).toBeGreaterThanOrEqual(1);
  }
});
