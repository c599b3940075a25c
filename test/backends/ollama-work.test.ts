// Which models a server has, how far the loading of one is, and whether a stopped answer really stopped.
import { setTimeout as sleep } from "node:timers/promises";
import { describe, expect, it } from "vitest";
import type { OllamaBackend } from "../../src/backends/ollama.ts";
import type { ModelEvent } from "../../src/core/model-event.ts";
import { startOllama } from "./ollama-server.ts";
import { request as plain } from "./sample-request.ts";
import { beginLines, doneLine, type Handler, type ScriptedServer, sendJson, tokenLine } from "./scripted-server.ts";

/** The time to unloading is counted from it. */
const request = { ...plain, keepAlive: "10m" };
const never = new AbortController().signal;

async function startWatched(chat: Handler, routes: Record<string, Handler> = {}) {
  const unstopped: string[] = [];
  const options = { stopLimitMs: 1500, onUnstopped: (model: string) => unstopped.push(model) };
  return { ...(await startOllama(chat, routes, options)), unstopped };
}

const tags: Handler = (_, response) =>
  sendJson(response, {
    models: [{ name: "m", size: 19e9, digest: "a", details: { context_length: 8192 }, capabilities: ["completion"] }],
  });
const listing = (...models: object[]): Handler => {
  let at = 0;
  return (_, response) => sendJson(response, { models: [models[Math.min(at++, models.length - 1)]].filter(Boolean) });
};
/** Answers when `released` is: a model that takes its time to load. */
const answerWhen =
  (released: Promise<unknown>): Handler =>
  async (_, response) => {
    await released;
    beginLines(response);
    response.end(tokenLine("at last") + doneLine());
  };

describe("a model that is being loaded", () => {
  it("is waited for without a time limit, with the bytes that are in memory", async () => {
    const ready = Promise.withResolvers<void>();
    const loading = (completed: number) => ({ name: "m", size: 19e9, loading: { completed, total: 19e9 } });
    const { backend } = await startOllama(answerWhen(ready.promise), {
      "GET /api/tags": tags,
      "GET /api/ps": listing(loading(1e9), loading(12.4e9)),
    });
    const seen: ModelEvent[] = [];
    for await (const event of backend.run(request, never)) {
      seen.push(event);
      // Longer than a server may be silent inside an answer.
      if (event.kind === "loading" && event.loadedBytes === 12.4e9) setTimeout(ready.resolve, 700);
    }
    expect(seen.map((event) => (event.kind === "loading" ? event.loadedBytes : event.kind))).toEqual([
      1e9,
      12.4e9,
      "text",
      "done",
    ]);
  });

  it("is told as loaded where its server says so, and not before that has said that it was loading", async () => {
    const ready = Promise.withResolvers<void>();
    const { backend } = await startOllama(answerWhen(ready.promise), {
      "GET /api/tags": tags,
      "GET /api/ps": listing(
        { name: "m", size: 19e9, loading: { completed: 1e9, total: 19e9 } },
        { name: "m", size: 19e9 },
      ),
    });
    await backend.models(never);
    const seen: (number | undefined)[] = [];
    for await (const event of backend.run(request, never)) {
      if (event.kind !== "loading") continue;
      seen.push(event.loadedBytes);
      if (event.loadedBytes !== 1e9) ready.resolve();
    }
    expect(seen).toEqual([1e9, 19e9]);
  });

  it("shows what it takes so far where a server lists less than its weights", async () => {
    const ready = Promise.withResolvers<void>();
    const { backend } = await startOllama(answerWhen(ready.promise), {
      "GET /api/tags": tags,
      "GET /api/ps": listing({ name: "m", size: 5e9 }),
    });
    await backend.models(never);
    for await (const event of backend.run(request, never)) {
      if (event.kind !== "loading") continue;
      expect(event).toEqual({ kind: "loading", model: "m", loadedBytes: 5e9, totalBytes: 19e9 });
      ready.resolve();
    }
    expect.hasAssertions();
  });

  it("has the size of its weights told where the server tells nothing else", async () => {
    const ready = Promise.withResolvers<void>();
    const { backend } = await startOllama(answerWhen(ready.promise), { "GET /api/tags": tags });
    await backend.models(never);
    const seen: ModelEvent[] = [];
    for await (const event of backend.run(request, never)) {
      seen.push(event);
      ready.resolve();
    }
    expect(seen[0]).toEqual({ kind: "loading", model: "m", totalBytes: 19e9 });
  });

  it("is not told of where it was loaded before, and does not count as loaded before it is", async () => {
    const ready = Promise.withResolvers<void>();
    const { backend } = await startOllama(answerWhen(ready.promise), {
      "GET /api/ps": listing({ name: "m", size: 20e9 }, { name: "m", size: 1, loading: { completed: 1, total: 2 } }),
    });
    const [events] = await Promise.all([Array.fromAsync(backend.run(request, never)), sleep(400).then(ready.resolve)]);
    expect(events.map((event) => event.kind)).toEqual(["text", "done"]);
    expect(await backend.loaded(never)).toEqual([]);
  });
});

describe("an answer that was stopped", () => {
  const endless: Handler = (_, response, body) => {
    if (body.includes('"keep_alive":0')) return sendJson(response, { done: true, done_reason: "unload" });
    beginLines(response);
    const timer = setInterval(() => response.write(tokenLine("on ")), 5);
    response.on("close", () => clearInterval(timer));
  };
  const unloads = (server: ScriptedServer) => server.bodies.filter((body) => body.includes('"keep_alive":0')).length;
  const stopAfterThree = async (backend: OllamaBackend) => {
    let pieces = 0;
    for await (const event of backend.run(request, never)) if (event.kind === "text" && ++pieces === 3) break;
  };
  const inTenMinutes = (fromMs: number) => new Date(fromMs + 600_000).toISOString();

  it("has its model unloaded, and it is said, where the server goes on all the same", async () => {
    const startMs = Date.now();
    // One that tells what it is doing, and Ollama, whose time to unloading still counts from the answer before.
    for (const entry of [
      { name: "m", size: 1, answering: { asked_at: inTenMinutes(startMs), since: new Date(startMs).toISOString() } },
      { name: "m", size: 1, expires_at: inTenMinutes(startMs - 30_000) },
    ]) {
      const { backend, server, unstopped } = await startWatched(endless, { "GET /api/ps": listing(entry) });
      await stopAfterThree(backend);
      await backend.settled();
      expect(unstopped).toEqual(["m"]);
      expect(unloads(server)).toBe(1);
    }
  });

  it.each<[string, (startMs: number) => readonly object[]]>([
    ["went idle", () => [{ name: "m", size: 1, answering: null }]],
    [
      "gives an answer that began later",
      (startMs) => [
        { name: "m", size: 1, answering: { asked_at: inTenMinutes(startMs), since: inTenMinutes(startMs) } },
      ],
    ],
    [
      "gives one that was asked for before",
      (startMs) => [
        {
          name: "m",
          size: 1,
          answering: { asked_at: new Date(startMs - 5000).toISOString(), since: new Date(startMs).toISOString() },
        },
      ],
    ],
    [
      "has let the model go",
      (startMs) => [{ name: "m", size: 1, expires_at: inTenMinutes(startMs - 30_000) }, { name: "other" }],
    ],
    [
      "counts the time to unloading anew",
      (startMs) => [
        { name: "m", size: 1, expires_at: inTenMinutes(startMs - 30_000) },
        { name: "m", size: 1, expires_at: inTenMinutes(startMs + 5_000) },
      ],
    ],
  ])("is let be where the server %s", async (_, entries) => {
    const routes = { "GET /api/ps": listing(...entries(Date.now())) };
    const { backend, server, unstopped } = await startWatched(endless, routes);
    await stopAfterThree(backend);
    await backend.settled();
    expect(unstopped).toEqual([]);
    expect(unloads(server)).toBe(0);
  });

  it("is not looked after where it came to its end", async () => {
    const { backend, server } = await startOllama((_, response) => {
      beginLines(response);
      response.end(tokenLine("whole") + doneLine());
    });
    await Array.fromAsync(backend.run(request, never));
    const asked = server.requests.length;
    await backend.settled();
    expect(server.requests.length).toBe(asked);
  });
});

describe("the models of a server", () => {
  it("marks models that compute elsewhere as cloud, and asks older servers for what the list lacks", async () => {
    const { backend } = await startOllama(() => undefined, {
      "GET /api/tags": (_, response) =>
        sendJson(response, {
          models: [
            { name: "near:7b", size: 5, digest: "a", details: { parameter_size: "7B" } },
            { name: "far:cloud", size: 1, digest: "b", remote_host: "https://ollama.com", details: {} },
          ],
        }),
      "POST /api/show": (_, response) =>
        sendJson(response, { capabilities: ["completion"], model_info: { "llama.context_length": 8192 } }),
    });
    const models = await backend.models(never);
    expect(models.map(({ name, place, contextTokens }) => [name, place, contextTokens])).toEqual([
      ["near:7b", "this-machine", 8192],
      ["far:cloud", "cloud", 8192],
    ]);
  });
});
