// Servers that speak OpenAI's API, as vLLM and llama.cpp do it, and every way in which they break.
import { afterEach, describe, expect, it } from "vitest";
import { OpenAiBackend } from "../../src/backends/openai.ts";
import type { ModelRequest } from "../../src/core/backend.ts";
import type { ModelEvent } from "../../src/core/model-event.ts";
import { type Handler, type ScriptedServer, sendJson, startScriptedServer } from "./scripted-server.ts";

const request: ModelRequest = {
  model: "m",
  messages: [
    { role: "system", content: "Be brief." },
    { role: "user", content: "hello" },
  ],
  sampling: { temperature: 0.1, topP: 0.9, repeatPenalty: 1.1 },
  contextTokens: 4096,
  maxTokens: 20,
  think: false,
};
const never = new AbortController().signal;
let server: ScriptedServer | undefined;
afterEach(async () => {
  await server?.close();
  server = undefined;
});

async function backendWith(routes: Record<string, Handler>, key?: string): Promise<OpenAiBackend> {
  server = await startScriptedServer(routes);
  const host = new URL(server.url).host;
  return new OpenAiBackend({ name: host, place: "network", host, address: server.url, key: () => key, stallMs: 300 });
}

const chat = (handler: Handler) => backendWith({ "POST /v1/chat/completions": handler });
const event = (value: unknown) => `data: ${JSON.stringify(value)}\n\n`;
const piece = (delta: object, finish: string | null = null) =>
  event({ object: "chat.completion.chunk", choices: [{ index: 0, delta, finish_reason: finish }] });
const usage = event({ choices: [], usage: { prompt_tokens: 12, completion_tokens: 5, total_tokens: 17 } });
const stream =
  (...parts: readonly (string | Buffer)[]): Handler =>
  (_, response) => {
    response.writeHead(200, { "content-type": "text/event-stream" });
    for (const part of parts) response.write(part);
    response.end();
  };

async function collect(backend: OpenAiBackend, asked = request, signal = never) {
  const events: ModelEvent[] = [];
  let failure: unknown;
  try {
    for await (const each of backend.run(asked, signal)) events.push(each);
  } catch (error) {
    failure = error;
  }
  return { events, text: events.map((each) => (each.kind === "text" ? each.text : "")).join(""), failure };
}

describe("a server with OpenAI's API", () => {
  it("streams its answer, and tells tokens and why it ended", async () => {
    const backend = await chat(
      stream(
        piece({ role: "assistant", content: "" }),
        piece({ content: "Hi " }),
        piece({ content: "你好" }),
        piece({}, "stop"),
        usage,
        "data: [DONE]\n\n",
      ),
    );
    const { text, events, failure } = await collect(backend);
    expect(failure).toBeUndefined();
    expect(text).toBe("Hi 你好");
    expect(events.at(-1)).toMatchObject({ kind: "done", finish: "stop", stats: { promptTokens: 12, answerTokens: 5 } });
    const sent = JSON.parse(server?.bodies[0] ?? "");
    expect(sent).toMatchObject({ model: "m", stream: true, temperature: 0.1, top_p: 0.9, max_tokens: 20 });
    expect(sent.messages).toEqual([...request.messages]);
  });

  it("keeps thinking apart, asks for a schema, and reads calls that come in pieces", async () => {
    const backend = await chat(
      stream(
        piece({ reasoning_content: "hm" }),
        piece({ tool_calls: [{ index: 0, id: "c1", function: { name: "look", arguments: '{"pa' } }] }),
        piece({ tool_calls: [{ index: 0, function: { arguments: 'th":"a"}' } }] }),
        piece({}, "tool_calls"),
      ),
    );
    const tool = { name: "look", parameters: { type: "object" } };
    const { events } = await collect(backend, {
      ...request,
      format: { type: "object" },
      toolUse: { tools: [tool], choice: { kind: "auto" }, isParallel: true },
    });
    expect(events).toEqual([
      { kind: "thinking", text: "hm" },
      { kind: "tool-call", call: { id: "c1", name: "look", arguments: { path: "a" } } },
      expect.objectContaining({ kind: "done", stats: expect.objectContaining({ estimated: true }) }),
    ]);
    expect(JSON.parse(server?.bodies[0] ?? "")).toMatchObject({
      response_format: { type: "json_schema", json_schema: { schema: { type: "object" } } },
      tools: [{ type: "function", function: tool }],
    });
  });

  it("is read alike however the bytes are cut (cases 10 and 11)", async () => {
    const all = Buffer.from(
      `${piece({ content: "数据" }) + piece({ content: " ok" }, "stop") + usage}data: [DONE]\n\n`,
    );
    for (let cut = 1; cut < all.length; cut += 7) {
      const backend = await chat(stream(all.subarray(0, cut), all.subarray(cut)));
      expect((await collect(backend)).text).toBe("数据 ok");
      await server?.close();
    }
  });

  it.each([
    ["cut in the middle (case 7)", stream(piece({ content: "half" })), "server-lost"],
    ["ended by [DONE] before it said why", stream(piece({ content: "half" }), "data: [DONE]\n\n"), "server-lost"],
    ["with a line that is no JSON (case 9)", stream(piece({ content: "a" }), "data: {oops\n\n"), "bad-response"],
    ["with an error inside", stream(piece({ content: "a" }), event({ error: { message: "boom" } })), "server-error"],
    [
      "with half a call",
      stream(piece({ tool_calls: [{ index: 0, function: { name: "x", arguments: "{" } }] }, "stop")),
      "bad-response",
    ],
    [
      "that is a web page (case 12)",
      ((_, response) => response.writeHead(200, { "content-type": "text/html" }).end("<p>")) as Handler,
      "bad-response",
    ],
    [
      "of a model that is missing",
      ((_, response) => sendJson(response, { error: { message: "no m" } }, 404)) as Handler,
      "model-missing",
    ],
    [
      "to a prompt that is too long",
      ((_, response) => sendJson(response, { error: { message: "maximum context length is 4096" } }, 400)) as Handler,
      "context-overflow",
    ],
    ["without the key", ((_, response) => sendJson(response, {}, 401)) as Handler, "server-error"],
  ])("an answer %s is a failure", async (_name, handler, kind) => {
    const { failure, events } = await collect(await chat(handler));
    expect(failure).toMatchObject({ name: "TaskError", kind });
    expect(events.some((each) => each.kind === "done")).toBe(false);
  });

  it("that falls silent in the middle is given up (case 8)", async () => {
    const backend = await chat((_, response) => {
      response.writeHead(200, { "content-type": "text/event-stream" });
      response.write(piece({ content: "a" }));
    });
    expect((await collect(backend)).failure).toMatchObject({ kind: "server-lost" });
  });

  it("that is busy says when to come back", async () => {
    const backend = await chat((_, response) => {
      response.writeHead(503, { "content-type": "application/json", "retry-after": "3" }).end("{}");
    });
    expect((await collect(backend)).failure).toMatchObject({ details: { isBusy: true, retryAfterMs: 3_000 } });
  });

  it("is stopped when its reader leaves", async () => {
    let isClosed = false;
    const backend = await chat((_, response) => {
      response.writeHead(200, { "content-type": "text/event-stream" });
      const timer = setInterval(() => response.write(piece({ content: "more " })), 10);
      response.on("close", () => {
        clearInterval(timer);
        isClosed = true;
      });
    });
    for await (const each of backend.run(request, never)) if (each.kind === "text") break;
    await expect.poll(() => isClosed).toBe(true);
  });

  it("tells its models with the window they were started with, and gets the key it wants", async () => {
    let key: string | undefined;
    const backend = await backendWith(
      {
        "GET /v1/models": (incoming, response) => {
          key = incoming.headers.authorization;
          sendJson(response, { object: "list", data: [{ id: "qwen", max_model_len: 40960 }, { id: "other" }] });
        },
      },
      "secret",
    );
    const models = await backend.models(never);
    expect(models).toMatchObject([{ name: "qwen", contextTokens: 40960, place: "network" }, { name: "other" }]);
    expect(models[1]).not.toHaveProperty("contextTokens");
    expect(key).toBe("Bearer secret");
  });

  it("of llama.cpp has the window of one slot, not the one it was trained with", async () => {
    const backend = await backendWith({
      "GET /v1/models": (_, response) =>
        sendJson(response, { data: [{ id: "a.gguf", meta: { n_ctx_train: 131072, size: 5e9 } }] }),
      "GET /props": (_, response) => sendJson(response, { default_generation_settings: { n_ctx: 8192 } }),
    });
    expect(await backend.models(never)).toMatchObject([{ contextTokens: 8192, sizeBytes: 5e9 }]);
  });

  it("gives vectors in the order of the texts", async () => {
    const backend = await backendWith({
      "POST /v1/embeddings": (_, response) =>
        sendJson(response, {
          data: [
            { index: 1, embedding: [2] },
            { index: 0, embedding: [1] },
          ],
          usage: { prompt_tokens: 4 },
        }),
    });
    expect(await backend.embed({ model: "m", texts: ["a", "b"] }, never)).toEqual({
      vectors: [[1], [2]],
      promptTokens: 4,
    });
  });
});
