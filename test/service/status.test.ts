// What `switchyard status` tells of the service that runs, and of its servers.
import { readdir } from "node:fs/promises";
import { afterEach, beforeEach, expect, it } from "vitest";
import {
  beginLines,
  doneLine,
  type Handler,
  ollamaRoutes,
  type ScriptedServer,
  sendJson,
  startScriptedServer,
  tokenLine,
} from "../backends/scripted-server.ts";
import { newShell, type Shell } from "./serving.ts";

const model = "qwen3.5:9b";
let shell: Shell;
let server: ScriptedServer;
let chat: Handler;

beforeEach(async () => {
  shell = await newShell();
  server = await startScriptedServer({
    ...ollamaRoutes([{ name: model, size: 1_000_000 }], "0.31.1"),
    "POST /api/show": (_, response) =>
      sendJson(response, { capabilities: ["completion"], model_info: { "q.context_length": 8192 } }),
    "POST /api/chat": (...given) => chat(...given),
  });
});
afterEach(async () => {
  await shell.close();
  await server.close();
});

const env = () => ({ SWITCHYARD_OLLAMA_URL: server.url, LANG: "en" });
const status = async () => JSON.parse((await shell.run(["status", "--json"], env())).out);
const host = () => new URL(server.url).host;

it("says that no service runs where none does, and leaves nothing behind by looking", async () => {
  const said = await shell.run(["status"], env());
  expect(said.out).toContain("No service runs.");
  expect(said.out).toContain(`Ollama at ${host()} 0.31.1: answers`);
  expect(await readdir(shell.home)).not.toContain("proxy-token");
  expect(await status()).toMatchObject({
    service: null,
    servers: [{ name: `Ollama at ${host()}`, version: "0.31.1" }],
  });
});

it("tells what the service is working on, and how its servers are", async () => {
  const held = Promise.withResolvers<void>();
  chat = async (_, response) => {
    beginLines(response);
    response.write(tokenLine("Hel"));
    await held.promise;
    response.end(tokenLine("lo.") + doneLine());
  };
  const started = shell.start(["serve", "--port", "0"], env());
  await expect.poll(started.out).toContain("Listening at");
  const port = await shell.port();
  const ask = fetch(`http://127.0.0.1:${port}/api/generate`, {
    method: "POST",
    headers: { authorization: `Bearer ${await shell.token()}`, "content-type": "application/json" },
    body: JSON.stringify({ prompt: "Say hello.", task_type: "translation" }),
  });
  await expect.poll(() => server.requests.includes("POST /api/chat")).toBe(true);
  const { service, servers } = await status();
  expect(service).toMatchObject({ port, pid: started.child.pid, url: `http://127.0.0.1:${port}` });
  expect(service.health.parts.work).toMatchObject({ working: 1, waiting: 0, tasks: { translate: { working: 1 } } });
  expect(servers).toMatchObject([{ name: `Ollama at ${host()}`, condition: "ready", inFlight: 1 }]);
  const { out } = await shell.run(["status"], env());
  expect(out).toContain(`Service at http://127.0.0.1:${port}`);
  expect(out).toContain("In flight: 1, waiting: 0");
  expect(out).toContain(`Ollama at ${host()} 0.31.1: ready, 1 in flight`);
  held.resolve();
  expect((await ask).status).toBe(200);
  const after = await status();
  expect(after.service.health.parts.work).toMatchObject({ working: 0, tasks: {} });
  expect(after.servers).toMatchObject([{ inFlight: 0, tokensPerSecond: expect.any(Number) }]);
});

it("says of a server that fails that it rests", async () => {
  chat = (_, response) => sendJson(response, { error: "the runner has stopped" }, 500);
  const started = shell.start(["serve", "--port", "0"], env());
  await expect.poll(started.out).toContain("Listening at");
  const headers = { authorization: `Bearer ${await shell.token()}`, "content-type": "application/json" };
  const body = JSON.stringify({ prompt: "Say hello.", task_type: "general" });
  const url = `http://127.0.0.1:${await shell.port()}/api/generate`;
  const conditions = async () => {
    await fetch(url, { method: "POST", headers, body });
    return (await status()).servers[0].condition;
  };
  await expect.poll(conditions, { timeout: 100_000 }).toBe("resting");
});
