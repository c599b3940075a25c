import { gzipSync } from "node:zlib";
import { afterEach, describe, expect, it } from "vitest";
import { OpenAiBackend } from "../../src/backends/openai.ts";
import type { ModelEvent } from "../../src/core/model-event.ts";
import { TaskError } from "../../src/core/task-error.ts";
import { request } from "./sample-request.ts";
import { type Handler, type ScriptedServer, sendJson, startScriptedServer } from "./scripted-server.ts";

const never = new AbortController().signal;
let server: ScriptedServer | undefined;

afterEach(async () => {
  await server?.close();
  server = undefined;
});

async function backendWith(
  chat: Handler,
  more: Record<string, Handler> = {},
  over: { readonly path?: string; readonly key?: string } = {},
): Promise<OpenAiBackend> {
  const started = await startScriptedServer({ "POST /v1/chat/completions": chat, ...more });
  server = started;
  return new OpenAiBackend({
    name: "test server",
    place: "this-machine",
    host: new URL(started.url).host,
    address: started.url + (over.path ?? ""),
    key: () => over.key,
    stallMs: 300,
  });
}

const event = (value: unknown) => `data: ${JSON.stringify(value)}\n\n`;
const token = (content: string) => event({ choices: [{ index: 0, delta: { content } }] });
const end = (reason = "stop") => event({ choices: [{ index: 0, delta: {}, finish_reason: reason }] });
const usage = event({ choices: [], usage: { prompt_tokens: 7, completion_tokens: 2 } });
const ended = "data: [DONE]\n\n";
const whole = token("Hello") + token(" there") + end() + usage + ended;

const halfCall = event({
  choices: [{ delta: { tool_calls: [{ index: 0, function: { name: "x", arguments: "{" } }] } }],
});

/** Answers with these pieces, each in a packet of its own, and ends as told. */
function stream(pieces: readonly (string | Uint8Array)[], how: "end" | "cut" | "stay" = "end"): Handler {
  return async (_, response) => {
    response.writeHead(200, { "content-type": "text/event-stream" });
    response.flushHeaders();
    for (const piece of pieces)
      await new Promise<void>((resolve) => response.write(piece, () => setImmediate(resolve)));
    if (how === "end") response.end();
    if (how === "cut") response.destroy();
  };
}

interface Outcome {
  readonly text: string;
  readonly events: readonly ModelEvent[];
  readonly done?: Extract<ModelEvent, { kind: "done" }>;
  readonly error?: TaskError;
}

/** Everything that came, and how it ended. */
async function collect(answer: AsyncIterable<ModelEvent>): Promise<Outcome> {
  const events: ModelEvent[] = [];
  const textOf = () => events.map((each) => (each.kind === "text" ? each.text : "")).join("");
  try {
    for await (const each of answer) {
      events.push(each);
      if (each.kind === "done") return { text: textOf(), events, done: each };
    }
  } catch (error) {
    if (error instanceof TaskError) return { text: textOf(), events, error };
    throw error;
  }
  throw new Error("the answer ended without saying so");
}

describe("an OpenAI-compatible server", () => {
  it("streams its answer, with the tokens it counted", async () => {
    const backend = await backendWith(stream([whole]));
    const { text, done } = await collect(backend.run(request, never));
    expect(text).toBe("Hello there");
    expect(done).toMatchObject({ finish: "stop", stats: { promptTokens: 7, answerTokens: 2 } });
    expect(done?.stats.estimated).toBeUndefined();
  });

  it("that counts no tokens has them counted here, and said so", async () => {
    const backend = await backendWith(stream([token("a"), token("b"), token("c"), end("length"), ended]));
    const { done } = await collect(backend.run(request, never));
    expect(done).toMatchObject({ finish: "length", stats: { answerTokens: 3, estimated: true } });
  });

  it("is told the schema, the sampling and the longest answer in its own words", async () => {
    const backend = await backendWith(stream([whole]));
    const format = { type: "object", properties: { ok: { type: "boolean" } } };
    await collect(backend.run({ ...request, format, maxTokens: 50 }, never));
    expect(JSON.parse(server?.bodies[0] ?? "")).toMatchObject({
      model: "m",
      stream: true,
      stream_options: { include_usage: true },
      temperature: 0.1,
      top_p: 0.9,
      repetition_penalty: 1.1,
      max_tokens: 50,
      response_format: { type: "json_schema", json_schema: { schema: format } },
    });
  });

  it("may be named with /v1 or without, and gets the key that belongs to it", async () => {
    let seen: string | undefined;
    const list: Handler = (asked, response) => {
      seen = asked.headers.authorization;
      sendJson(response, { data: [{ id: "m" }] });
    };
    const backend = await backendWith(stream([whole]), { "GET /v1/models": list }, { path: "/v1", key: "k-1" });
    expect((await backend.models(never)).map((model) => model.name)).toEqual(["m"]);
    expect(seen).toBe("Bearer k-1");
  });

  it("that runs vLLM tells the window it was started with", async () => {
    const backend = await backendWith(stream([whole]), {
      "GET /v1/models": (_, response) => sendJson(response, { data: [{ id: "m", max_model_len: 16_384 }] }),
    });
    expect(await backend.models(never)).toMatchObject([{ name: "m", contextTokens: 16_384 }]);
  });

  it("that runs llama.cpp tells the window of a slot, and not the one the model was trained for", async () => {
    const backend = await backendWith(stream([whole]), {
      "GET /v1/models": (_, response) => sendJson(response, { data: [{ id: "m", meta: { n_ctx_train: 131_072 } }] }),
      "GET /props": (_, response) => sendJson(response, { default_generation_settings: { n_ctx: 8192 } }),
    });
    expect(await backend.models(never)).toMatchObject([{ contextTokens: 8192 }]);
  });

  it("that tells no window is not promised one", async () => {
    const backend = await backendWith(stream([whole]), {
      "GET /v1/models": (_, response) => sendJson(response, { data: [{ id: "m", meta: { n_ctx_train: 131_072 } }] }),
    });
    const [model] = await backend.models(never);
    expect(model?.contextTokens).toBeUndefined();
  });

  it("calls tools in pieces, which come as one call", async () => {
    const part = (tool: object) => event({ choices: [{ delta: { tool_calls: [{ index: 0, ...tool }] } }] });
    const pieces = [
      part({ id: "c1", function: { name: "look", arguments: "" } }),
      part({ function: { arguments: '{"at":' } }),
      part({ function: { arguments: '"home"}' } }),
    ];
    const backend = await backendWith(stream([...pieces, end("tool_calls"), usage, ended]));
    const { events } = await collect(backend.run(request, never));
    expect(events).toContainEqual({ kind: "tool-call", call: { id: "c1", name: "look", arguments: { at: "home" } } });
  });

  it("that thinks first has its thoughts told apart from the answer", async () => {
    const thought = event({ choices: [{ delta: { reasoning_content: "hm" } }] });
    const backend = await backendWith(stream([thought, whole]));
    const { text, events } = await collect(backend.run(request, never));
    expect(events[0]).toEqual({ kind: "thinking", text: "hm" });
    expect(text).toBe("Hello there");
  });

  it("gives vectors in the order of the texts", async () => {
    const vectors: Handler = (_, response) =>
      sendJson(response, {
        data: [
          { index: 1, embedding: [2] },
          { index: 0, embedding: [1] },
        ],
        usage: { prompt_tokens: 4 },
      });
    const backend = await backendWith(stream([whole]), { "POST /v1/embeddings": vectors });
    const found = await backend.embed({ model: "m", texts: ["a", "b"] }, never);
    expect(found).toEqual({ vectors: [[1], [2]], promptTokens: 4 });
  });

  it("may read a long prompt in silence before its first word", async () => {
    const backend = await backendWith((_, response) => {
      response.writeHead(200, { "content-type": "text/event-stream" });
      response.flushHeaders();
      setTimeout(() => response.end(whole), 700);
    });
    expect((await collect(backend.run(request, never))).text).toBe("Hello there");
  });
});

describe("faults of an OpenAI-compatible server", () => {
  it.each([
    ["case 7: cut in the middle", stream([token("Hel")], "cut"), "server-lost", "Hel"],
    ["case 7: ended in the middle, as if all was well", stream([token("Hel")]), "server-lost", "Hel"],
    ["case 8: silent in the middle", stream([token("Hel")], "stay"), "server-lost", "Hel"],
    ["case 9: an event that is not JSON", stream([token("a"), "data: {oops\n\n", whole]), "bad-response", "a"],
    ["case 9: a line that is no event", stream([token("a"), '{"choices":[]}\n\n', whole]), "bad-response", "a"],
    ["ended by [DONE] before it said why", stream([token("a"), ended]), "server-lost", "a"],
    ["half a call of a tool", stream([token("a"), halfCall, end("tool_calls"), ended]), "bad-response", "a"],
    ["an error inside the stream", stream([token("a"), event({ error: { message: "boom" } })]), "server-error", "a"],
  ] as const)("%s ends in an error, and what came is kept", async (_, handler, kind, text) => {
    const backend = await backendWith(handler);
    const outcome = await collect(backend.run(request, never));
    expect(outcome.error?.kind).toBe(kind);
    expect(outcome.text).toBe(text);
  });

  it("cases 10 and 11: characters and events split anywhere come out whole", async () => {
    const bytes = Buffer.from(token("中文😀 ok") + token("\u2028ende") + end() + usage + ended);
    const pieces = Array.from({ length: Math.ceil(bytes.length / 3) }, (_, index) =>
      bytes.subarray(index * 3, index * 3 + 3),
    );
    const backend = await backendWith(stream(pieces));
    expect((await collect(backend.run(request, never))).text).toBe("中文😀 ok\u2028ende");
    await server?.close();
    const many = await backendWith(stream([token("x").repeat(50) + end() + ended]));
    expect((await collect(many.run(request, never))).text).toBe("x".repeat(50));
  });

  it("case 12: a web page is told apart from an answer", async () => {
    const backend = await backendWith((_, response) =>
      response.writeHead(200, { "content-type": "text/html" }).end("<h1>Sign in</h1>"),
    );
    expect((await collect(backend.run(request, never))).error?.kind).toBe("bad-response");
  });

  it("case 15: an event without an end is given up before memory is", async () => {
    const backend = await backendWith((_, response) => {
      response.writeHead(200, { "content-type": "text/event-stream" }).write("data: ");
      const piece = "x".repeat(256 * 1024);
      const go = () => {
        while (!response.destroyed && response.write(piece));
      };
      response.on("drain", go);
      go();
    });
    expect((await collect(backend.run(request, never))).error?.kind).toBe("bad-response");
  });

  it("case 16: an answer that is compressed is still read", async () => {
    const backend = await backendWith((_, response) =>
      response
        .writeHead(200, { "content-type": "text/event-stream", "content-encoding": "gzip" })
        .end(gzipSync(Buffer.from(whole))),
    );
    expect((await collect(backend.run(request, never))).text).toBe("Hello there");
  });

  it.each([
    [404, { error: { message: "no model m" } }, "model-missing"],
    [404, { detail: "Not Found" }, "model-missing"],
    [401, { error: { message: "bad key k-1" } }, "server-error"],
    [500, { error: "CUDA out of memory" }, "server-error"],
    [400, { error: { message: "This model's maximum context length is 4096 tokens" } }, "context-overflow"],
    [400, { object: "error", message: "the prompt exceeds n_ctx" }, "context-overflow"],
    [502, "not JSON", "server-error"],
  ] as const)("a refusal with %i is told as what it is", async (status, body, kind) => {
    const backend = await backendWith((_, response) => sendJson(response, body, status), {}, { key: "k-1" });
    const { error } = await collect(backend.run(request, never));
    expect(error?.kind).toBe(kind);
    if (status === 500) expect(error?.details.isOutOfMemory).toBe(true);
    if (status === 401) expect(error?.message).not.toContain("k-1");
  });

  it.each([429, 503])("cases 5 and 6: with %i it is busy, for as long as it says", async (status) => {
    const backend = await backendWith((_, response) => {
      response.setHeader("retry-after", "7");
      sendJson(response, { error: { message: "busy" } }, status);
    });
    const { error } = await collect(backend.run(request, never));
    expect(error?.details).toMatchObject({ isBusy: true, retryAfterMs: 7_000 });
  });

  it("a redirect to somewhere else is not followed", async () => {
    const backend = await backendWith((_, response) => response.writeHead(307, { location: "/v1/elsewhere" }).end());
    expect((await collect(backend.run(request, never))).error?.kind).toBe("server-unreachable");
    expect(server?.requests).toEqual(["POST /v1/chat/completions"]);
  });

  it("hears that its reader has left", async () => {
    const hung = Promise.withResolvers<void>();
    const backend = await backendWith((_, response) => {
      response.on("close", () => hung.resolve());
      return stream([token("Hel"), token("lo")], "stay")(_, response, "");
    });
    for await (const each of backend.run(request, never)) if (each.kind === "text") break;
    await hung.promise;
  });

  it("cancelled before its first word it ends as cancelled", async () => {
    const stop = new AbortController();
    const backend = await backendWith(() => stop.abort());
    await expect(collect(backend.run(request, stop.signal))).rejects.toMatchObject({ name: "AbortError" });
  });
});
