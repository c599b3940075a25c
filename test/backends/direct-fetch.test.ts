// An editor puts a `fetch` of its own in the place of Node's, which sends requests through its proxy, whatever connections
// they are given.
import { gzipSync } from "node:zlib";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { ClaudeBackend } from "../../src/backends/claude.ts";
import { directFetch } from "../../src/backends/direct-fetch.ts";
import { findNode } from "../../src/backends/find-nodes.ts";
import { OllamaBackend } from "../../src/backends/ollama.ts";
import { OpenAiBackend } from "../../src/backends/openai.ts";
import { request as sampleRequest } from "./sample-request.ts";
import { type Handler, type ScriptedServer, sendJson, startScriptedServer } from "./scripted-server.ts";

const never = new AbortController().signal;
const ofEditor: string[] = [];
const own = globalThis.fetch;
let server: ScriptedServer | undefined;
beforeEach(() => {
  globalThis.fetch = async (input) => {
    ofEditor.push(String(input));
    return new Response("{}", { headers: { "content-type": "application/json" } });
  };
});
afterEach(async () => {
  globalThis.fetch = own;
  ofEditor.length = 0;
  await server?.close();
  server = undefined;
});

async function start(routes: Readonly<Record<string, Handler>>): Promise<ScriptedServer> {
  server = await startScriptedServer(routes);
  return server;
}

describe("what a model server is asked", () => {
  it("goes to it and through nothing else: questions, vectors, lists and the search for servers", async () => {
    const chunk = { choices: [{ delta: { content: "hello" }, finish_reason: "stop" }] };
    const { url, requests } = await start({
      "POST /v1/chat/completions": (_, response) =>
        response
          .writeHead(200, { "content-type": "text/event-stream" })
          .end(`data: ${JSON.stringify(chunk)}\n\ndata: [DONE]\n\n`),
      "POST /api/embed": (_, response) => sendJson(response, { embeddings: [[1]], prompt_eval_count: 1 }),
      "GET /api/tags": (_, response) => sendJson(response, { models: [] }),
      "GET /api/version": (_, response) => sendJson(response, { version: "0.31.1" }),
    });
    const place = "network";
    const vllm = new OpenAiBackend({ name: "vLLM", place, host: "gpu-box", address: url });
    const ollama = new OllamaBackend({ name: "Ollama", place, host: "gpu-box", address: async () => url });
    const events = await Array.fromAsync(vllm.run(sampleRequest, never));
    expect(events[0]).toEqual({ kind: "text", text: "hello" });
    expect((await ollama.embed({ model: "m", texts: ["a"] }, never)).vectors).toEqual([[1]]);
    expect(await ollama.models(never)).toEqual([]);
    expect((await findNode({ configured: url, env: {} }, never)).node).toEqual({ address: url, version: "0.31.1" });
    expect(requests).toHaveLength(4);
    expect(ofEditor).toEqual([]);
  });

  it("goes so to a gateway to Claude on this machine, with its key", async () => {
    const { url, requests } = await start({
      "GET /v1/models?limit=1": (_, response) => sendJson(response, { data: [], has_more: false }),
    });
    await new ClaudeBackend({ apiKey: async () => "sk-gateway", baseUrl: () => url }).checkKey(never);
    expect(requests).toEqual(["GET /v1/models?limit=1"]);
    expect(ofEditor).toEqual([]);
  });
});

describe("a fetch over connections of our own", () => {
  it("sends what it is given and tells what comes, unpacked where something between has packed it", async () => {
    const { url, bodies } = await start({
      "POST /a": (request, response) =>
        response
          .writeHead(201, { "content-type": "text/plain", "content-encoding": "gzip", "x-told": "yes" })
          .end(gzipSync(`${request.headers["x-asked"]} 你好`)),
    });
    const headers = new Headers({ "x-asked": "so" });
    const answer = await directFetch(`${url}/a`, { method: "POST", headers, body: "{}" });
    expect([answer.status, answer.headers.get("x-told"), await answer.text()]).toEqual([201, "yes", "so 你好"]);
    expect(bodies).toEqual(["{}"]);
  });

  it("follows nobody elsewhere", async () => {
    const { url, requests } = await start({
      "GET /a": (_, response) => response.writeHead(307, { location: "/b" }).end(),
      "GET /b": (_, response) => response.end("b"),
    });
    expect((await directFetch(`${url}/a`)).status).toBe(307);
    await expect(directFetch(`${url}/a`, { redirect: "error" })).rejects.toThrow("fetch failed");
    expect(requests).toEqual(["GET /a", "GET /a"]);
  });

  it("says why there is no connection, and ends one that nobody reads any more", async () => {
    const failed = await directFetch("http://127.0.0.1:1/a").catch((error: unknown) => error);
    expect(failed).toMatchObject({ message: "fetch failed", cause: { code: "ECONNREFUSED" } });
    const closed = Promise.withResolvers<void>();
    const { url } = await start({
      "GET /a": (_, response) => {
        response.on("close", closed.resolve);
        response.writeHead(200).write("one");
      },
    });
    const stop = new AbortController();
    const answer = await directFetch(`${url}/a`, { signal: stop.signal });
    stop.abort();
    await closed.promise;
    await expect(answer.text()).rejects.toMatchObject({ name: "AbortError" });
    const reader = (await directFetch(`${url}/a`)).body?.getReader();
    expect(new TextDecoder().decode((await reader?.read())?.value)).toBe("one");
    await reader?.cancel();
  });

  it("ends one that is left before anything of it was read", async () => {
    const closed = Promise.withResolvers<void>();
    const { url } = await start({
      "GET /a": (_, response) => {
        response.on("close", closed.resolve);
        response.writeHead(200).write("one");
      },
    });
    await (await directFetch(`${url}/a`)).body?.cancel();
    await closed.promise;
  });
});
