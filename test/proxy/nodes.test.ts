// Two model servers behind the service.
import { setTimeout as sleep } from "node:timers/promises";
import { afterEach, expect, it } from "vitest";
import type { App } from "../../src/core/app.ts";
import { drainPath } from "../../src/core/drain.ts";
import { createNodeQueue } from "../../src/core/node-queue.ts";
import { createControl } from "../../src/proxy/control.ts";
import { createNodeDrain } from "../../src/proxy/drain-node.ts";
import {
  beginLines,
  doneLine,
  type Handler,
  ollamaRoutes,
  type ScriptedServer,
  startScriptedServer,
  tokenLine,
} from "../backends/scripted-server.ts";
import { known, post, startProxy, tag, token } from "./harness.ts";

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

it("asks nothing new of a server that is about to go, tells what is still being made there, and asks it again later", async () => {
  const end = Promise.withResolvers<void>();
  const other = await startScriptedServer({
    ...ollamaRoutes([{ ...tag("llama3.1:8b", "completion"), digest: "d1" }]),
    "POST /api/chat": async (_, response) => {
      beginLines(response);
      response.write(tokenLine("from the second"));
      await end.promise;
      response.end(tokenLine(", whole") + doneLine());
    },
  });
  second = other;
  const control = drainable();
  const running = await startProxy({
    chat: say("from the first"),
    settings: { nodes: [{ url: other.url }] },
    options: { mounts: () => [control.mount] },
  });
  control.open(running.app);
  const { url, ollama } = running;
  const drain = async (body: object, headers: Readonly<Record<string, string>> = known) => {
    const answer = await post(url, drainPath, body, { headers });
    return answer.ok ? (await answer.json()).inFlight : answer.status;
  };
  expect(await drain({ address: other.url }, { "x-switchyard-token": "wrong" })).toBe(401);
  expect(await drain({ address: "nowhere" })).toBe(400);
  // The first one is drained, so the question goes to the second, and stays there while that one is drained.
  expect(await drain({ address: ollama.url })).toBe(0);
  const text = post(url, "/api/chat", hello("hello one")).then((answer) => answer.json());
  await expect.poll(() => drain({ address: other.url })).toBe(1);
  expect(await drain({ address: ollama.url, isOver: true })).toBe(0);
  for (const word of ["two", "three"]) {
    const next = await post(url, "/api/chat", hello(`hello ${word}`));
    expect((await next.json()).message.content).toBe("from the first");
  }
  end.resolve();
  expect((await text).message.content).toBe("from the second, whole");
  expect(await drain({ address: other.url })).toBe(0);
  await drain({ address: other.url, isOver: true });
  await drain({ address: ollama.url });
  const last = await post(url, "/api/chat", hello("hello four"));
  expect((await last.json()).message.content).toBe("from the second, whole");
});

it("asks a server again where whoever held it back says no more of it, and not before", async () => {
  const control = drainable();
  const running = await startProxy({ chat: say("from it"), options: { mounts: () => [control.mount] } });
  control.open(running.app);
  const { url, ollama } = running;
  const drain = (more: object) => post(url, drainPath, { address: ollama.url, ...more }, { headers: known });
  const condition = async () => {
    const { parts } = await (await fetch(`${url}/health`, { headers: known })).json();
    return parts.servers[0].condition;
  };
  await (await post(url, "/api/chat", hello("hello before"))).text();
  // An earlier hold ends with the one that is told after it.
  await drain({ holdMs: 50 });
  await drain({ holdMs: 60_000 });
  const later = post(url, "/api/chat", hello("hello later")).then((answer) => answer.json());
  await expect.poll(condition).toBe("leaving");
  expect(await Promise.race([later, sleep(500, "waits")])).toBe("waits");
  await drain({ holdMs: 50 });
  expect((await later).message.content).toBe("from it");
  expect(await condition()).toBe("ready");
});

it("heeds the last word about a server, also where it has looked at the servers sooner than for the one before", async () => {
  const nodes = createNodeQueue(() => performance.now());
  const name = "Ollama at 10.0.0.1:11434";
  const waits = [100, 0];
  const status = async () => {
    await sleep(waits.shift());
    return [{ name, tried: [], models: [], loaded: [] }];
  };
  const tell = createNodeDrain({ status, nodes });
  const { signal } = new AbortController();
  const address = "http://10.0.0.1:11434";
  await Promise.all([tell({ address, holdMs: 60_000 }, signal), tell({ address, isOver: true }, signal)]);
  expect(nodes.state()).toMatchObject([{ node: name, isDraining: false }]);
});

/** What who takes a model server away talks to, of an app that is there a moment later. */
function drainable() {
  const opened = Promise.withResolvers<ReturnType<typeof createNodeDrain>>();
  const mount = createControl(token, {
    stop: async () => undefined,
    drain: async (wish) => (await opened.promise)(wish, new AbortController().signal),
  });
  return { mount, open: (app: App) => opened.resolve(createNodeDrain(app)) };
}
