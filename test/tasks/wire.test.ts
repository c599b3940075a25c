// What the record says against what came out of the wire: real servers on this machine that count every byte of each body.
import { createServer } from "node:http";
import { afterEach, describe, expect, it } from "vitest";
import { ClaudeBackend } from "../../src/backends/claude.ts";
import { OllamaBackend } from "../../src/backends/ollama.ts";
import { OpenAiBackend } from "../../src/backends/openai.ts";
import type { Backend, InstalledModel, ModelRequest } from "../../src/core/backend.ts";
import type { Ledger, LedgerEntry } from "../../src/core/ledger.ts";
import { defaultSettings } from "../../src/core/settings.ts";
import { openWay } from "../../src/tasks/leave.ts";
import { hangUp, quick, refuse, testKey } from "../backends/claude-server.ts";
import { claudeServers } from "../backends/claude-servers.ts";
import { type Handler, loadingFirst, sendJson, startScriptedServer } from "../backends/scripted-server.ts";
import { allow, box, claude, never, question } from "./privacy-world.ts";

const cleanUp: (() => unknown)[] = [];
afterEach(async () => {
  for (const each of cleanUp.splice(0)) await each();
});
const serveClaude = claudeServers();

const request = (model: string): ModelRequest => ({
  model,
  messages: [
    { role: "system", content: "Be short. 简短。" },
    { role: "user", content: "Which design is better, “A” or B? 🌈 ".repeat(200) },
  ],
  sampling: { temperature: 0.1, topP: 0.9, repeatPenalty: 1.1 },
  contextTokens: 8192,
  promptTokens: 4000,
  maxTokens: 500,
  think: false,
});

/** Sends one request the only way out. @param failing what the ledger does with an entry */
async function leave(backend: Backend, model: InstalledModel, failing: (entry: LedgerEntry) => void = () => {}) {
  const entries: LedgerEntry[] = [];
  const record = async (entry: LedgerEntry) => {
    failing(entry);
    entries.push(entry);
  };
  const ledger: Ledger = {
    append: record,
    reserve: record,
    note: (entry) => void record(entry),
    list: async () => entries,
    spentUsd: async () => 0,
    lostRecord: async () => undefined,
    clear: async () => {},
  };
  const sent = request(model.name);
  const departure = {
    ask: question,
    route: { task: "analyze" as const },
    model,
    backend,
    requests: () => [sent],
    isNamed: false,
    here: () => {
      throw new Error("it is not here");
    },
    countTokens: () => 4000,
  };
  const parts = { settings: () => defaultSettings, ledger, mayLeave: async () => allow, askedBy: "editor" as const };
  const way = await openWay(departure, { ...parts, nowMs: () => Date.now() }, never);
  const events = await Array.fromAsync(way?.(sent, never) ?? []).catch((error: unknown) => error);
  return { entries, events };
}

const sizes = (bodies: readonly string[]) => bodies.map((body) => Buffer.byteLength(body));
const sum = (numbers: readonly number[]) => numbers.reduce((all, each) => all + each, 0);

describe("the bytes of an entry are those of the wire", () => {
  it("for Claude, where every try counts", async () => {
    const busy = refuse(529, "overloaded_error", "Overloaded", { "retry-after-ms": "5" });
    for (const script of [[quick("A")], [busy, busy, quick("A")], [hangUp], [busy, hangUp]]) {
      const server = await serveClaude(script);
      const backend = new ClaudeBackend({ apiKey: async () => testKey, baseUrl: () => server.url });
      const { entries } = await leave(backend, claude);
      const wire = sum(server.requests.map(({ bytes }) => bytes.length));
      expect(server.requests).toHaveLength(script.length);
      expect(entries.at(-1)?.bytes).toBe(wire);
      expect(new Set(entries.map(({ id }) => id)).size).toBe(1);
    }
  });

  it("for a server with Ollama's API, with what it was asked to see whether it reads all of it", async () => {
    const chat: Handler = (_, response, body) => {
      const read = Math.ceil(body.length / 4);
      const done = { model: "m", message: { content: "x" }, done: true, done_reason: "stop", prompt_eval_count: read };
      if (JSON.parse(body).stream === false) sendJson(response, { ...done, eval_count: 1 });
      else response.writeHead(200, { "content-type": "application/x-ndjson" }).end(`${JSON.stringify(done)}\n`);
    };
    const server = await startScriptedServer({
      "POST /api/chat": loadingFirst(chat),
      "GET /api/ps": (_, response) => sendJson(response, { models: [{ name: box.name, size: 1, size_vram: 0 }] }),
    });
    cleanUp.push(() => server.close());
    const host = "gpu-box:11434";
    const backend = new OllamaBackend({ name: "box", place: "network", host, address: async () => server.url });
    const { entries } = await leave(backend, box);
    const asked = server.bodies.filter((body) => body.includes("messages") && !body.includes('"messages":[]'));
    expect(asked.length).toBeGreaterThan(3);
    expect(entries.at(-1)).toMatchObject({ bytes: sum(sizes(asked)), outcome: "done" });
  });

  it("for a server with OpenAI's API", async () => {
    const chunk = { choices: [{ delta: { content: "x" }, finish_reason: "stop" }] };
    const server = await startScriptedServer({
      "POST /v1/chat/completions": (_, response) =>
        response.writeHead(200, { "content-type": "text/event-stream" }).end(`data: ${JSON.stringify(chunk)}\n\n`),
    });
    cleanUp.push(() => server.close());
    const host = "gpu-box:8001";
    const backend = new OpenAiBackend({ name: "box", place: "network", host, address: server.url });
    const { entries } = await leave(backend, box);
    expect(entries.at(-1)).toMatchObject({ bytes: sum(sizes(server.bodies)), outcome: "done" });
  });

  it("before the first of them goes, so that an entry is right also where all ends in the middle", async () => {
    let atArrival: number | undefined;
    let length = 0;
    const entries: LedgerEntry[] = [];
    const server = createServer(async (incoming, response) => {
      atArrival = entries.at(-1)?.bytes;
      for await (const piece of incoming) length += piece.length;
      response.destroy();
    });
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    cleanUp.push(() => server.close());
    const address = server.address();
    const url = `http://127.0.0.1:${typeof address === "object" ? address?.port : ""}`;
    const backend = new ClaudeBackend({ apiKey: async () => testKey, baseUrl: () => url });
    await leave(backend, claude, (entry) => void entries.push(entry));
    expect(length).toBeGreaterThan(5000);
    expect(atArrival).toBe(length);
  });

  it("and there are none where the record fails before", async () => {
    const server = await serveClaude([quick("A")]);
    const backend = new ClaudeBackend({ apiKey: async () => testKey, baseUrl: () => server.url });
    let written = 0;
    const { events } = await leave(backend, claude, () => {
      if (++written === 2) throw new Error("disk full");
    });
    expect(events).toBeInstanceOf(Error);
    expect(server.requests).toEqual([]);
  });
});
