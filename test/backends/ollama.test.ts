import { setTimeout as sleep } from "node:timers/promises";
import { gzipSync } from "node:zlib";
import { describe, expect, it } from "vitest";
import { OllamaBackend } from "../../src/backends/ollama.ts";
import type { ModelEvent } from "../../src/core/model-event.ts";
import { TaskError, type TaskErrorKind } from "../../src/core/task-error.ts";
import { fastest } from "../harness/fastest.ts";
import { startOllama } from "./ollama-server.ts";
import { request } from "./sample-request.ts";
import { beginLines, doneLine, type Handler, sendJson, tokenLine } from "./scripted-server.ts";

const never = new AbortController().signal;

/** Everything that came, and how it ended. */
async function collect(events: AsyncIterable<ModelEvent>): Promise<{ text: string; end: ModelEvent | TaskErrorKind }> {
  let text = "";
  try {
    for await (const event of events) {
      if (event.kind === "text") text += event.text;
      if (event.kind === "done") return { text, end: event };
    }
  } catch (error) {
    if (error instanceof TaskError) return { text, end: error.kind };
    throw error;
  }
  throw new Error("the stream ended without saying so");
}

describe("an Ollama server", () => {
  it("streams text and tells its nanoseconds as milliseconds", async () => {
    const { backend } = await startOllama((_, response) => {
      beginLines(response);
      response.end(tokenLine("Hel") + tokenLine("lo") + doneLine());
    });
    const { text, end } = await collect(backend.run(request, never));
    expect(text).toBe("Hello");
    expect(end).toEqual({
      kind: "done",
      finish: "stop",
      stats: { promptTokens: 12, answerTokens: 40, loadMs: 500, prefillMs: 500, decodeMs: 2000 },
    });
  });

  it("tells a want of memory from other failures", async () => {
    const text = "model requires more system memory (9.1 GiB) than is available (4.2 GiB)";
    const { backend } = await startOllama((_, response) => sendJson(response, { error: text }, 500));
    const failed = collect(backend.run(request, never)).catch((error: unknown) => error);
    expect(await failed).toMatchObject({ end: "server-error" });
    const whole = (async () => {
      for await (const _ of backend.run(request, never));
    })();
    await expect(whole).rejects.toMatchObject({
      details: { isOutOfMemory: true },
      message: expect.stringContaining("9.1 GiB"),
    });
  });

  it("is told never to cut the prompt, and which context and sampling to use", async () => {
    const { backend, server } = await startOllama((_, response) => {
      beginLines(response);
      response.end(doneLine());
    });
    await collect(backend.run(request, never));
    const body = JSON.parse(server.bodies.find((each) => each.includes("messages")) ?? "{}");
    expect(body).toMatchObject({ truncate: false, shift: false, think: false, stream: true });
    expect(body.options).toEqual({ num_ctx: 4096, temperature: 0.1, top_p: 0.9, repeat_penalty: 1.1 });
  });

  it("gives a character that is split over two chunks back whole", async () => {
    const { backend } = await startOllama(async (_, response) => {
      beginLines(response);
      const bytes = Buffer.from(tokenLine("你好，世界") + doneLine());
      for (let at = 0; at < bytes.length; at += 7) {
        response.write(bytes.subarray(at, at + 7));
        await sleep(1);
      }
      response.end();
    });
    expect((await collect(backend.run(request, never))).text).toBe("你好，世界");
  });

  it("reads one object over many chunks and fifty objects in one chunk the same", async () => {
    const lines = Array.from({ length: 50 }, (_, index) => tokenLine(`${index} `)).join("") + doneLine();
    const { backend: oneChunk } = await startOllama((_, response) => {
      beginLines(response);
      response.end(lines);
    });
    const whole = await collect(oneChunk.run(request, never));
    const { backend: manyChunks } = await startOllama(async (_, response) => {
      beginLines(response);
      for (let at = 0; at < lines.length; at += 41) {
        response.write(lines.slice(at, at + 41));
        if (at % 410 === 0) await sleep(1);
      }
      response.end();
    });
    expect(await collect(manyChunks.run(request, never))).toEqual(whole);
  });

  it.each<[string, string, Handler]>([
    [
      "is cut in the middle of the stream",
      "server-lost",
      (_, response) => {
        beginLines(response);
        response.write(tokenLine("half"), () => response.destroy());
      },
    ],
    [
      "ends cleanly without its last line",
      "server-lost",
      (_, response) => {
        beginLines(response);
        response.end(tokenLine("half"));
      },
    ],
    [
      "ends before the length that it gave (case 14)",
      "server-lost",
      (_, response) => {
        response.writeHead(200, { "content-type": "application/x-ndjson", "content-length": "5000" });
        response.write(tokenLine("half"), () => response.destroy());
      },
    ],
    [
      "ends in half a line",
      "bad-response",
      (_, response) => {
        beginLines(response);
        response.end(`${tokenLine("half")}{"message":{"cont`);
      },
    ],
    [
      "falls silent in the middle",
      "server-lost",
      (_, response) => {
        beginLines(response);
        response.write(tokenLine("half"));
      },
    ],
    [
      "sends a line that is not JSON",
      "bad-response",
      (_, response) => {
        beginLines(response);
        response.end(`${tokenLine("half")}not json\n${doneLine()}`);
      },
    ],
    [
      "reports an error in the middle of the stream",
      "server-error",
      (_, response) => {
        beginLines(response);
        response.end(`${tokenLine("half")}{"error":"the model runner has stopped"}\n`);
      },
    ],
    [
      "breaks a character",
      "bad-response",
      (_, response) => {
        beginLines(response);
        response.write(tokenLine("half"));
        response.end(
          Buffer.concat([Buffer.from('{"message":{"content":"'), Buffer.from([0xe4, 0xbd]), Buffer.from('"}}\n')]),
        );
      },
    ],
  ])("that %s gives an error, keeps what arrived, and is never taken for finished", async (_, kind, handler) => {
    const { backend } = await startOllama(handler);
    const { text, end } = await collect(backend.run(request, never));
    expect(text).toBe("half");
    expect(end).toBe(kind);
  });

  it("that answers with a web page is told apart from a model server", async () => {
    const { backend } = await startOllama((_, response) => {
      response.writeHead(200, { "content-type": "text/html" }).end("<html>Log in to the wireless network</html>");
    });
    expect((await collect(backend.run(request, never))).end).toBe("bad-response");
  });

  it("that sends a line without an end is given up before memory is", async () => {
    const { backend } = await startOllama((_, response) => {
      beginLines(response);
      const more = () => {
        while (response.write("x".repeat(65_536)));
        response.once("drain", more);
      };
      more();
    });
    expect((await collect(backend.run(request, never))).end).toBe("bad-response");
  });

  it("that compresses its answer is still read", async () => {
    const { backend } = await startOllama((_, response) => {
      response.writeHead(200, { "content-type": "application/x-ndjson", "content-encoding": "gzip" });
      response.end(gzipSync(tokenLine("packed") + doneLine()));
    });
    expect((await collect(backend.run(request, never))).text).toBe("packed");
  });

  it("that refuses a prompt that is too long gives the numbers", async () => {
    const error = { message: "exceeds context", type: "exceed_context_size_error", n_prompt_tokens: 9000, n_ctx: 4096 };
    const { backend } = await startOllama((_, response) => sendJson(response, { error }, 400));
    const events = backend.run(request, never);
    await expect(collect(events)).resolves.toEqual({ text: "", end: "context-overflow" });
    await expect(backend.run(request, never)[Symbol.asyncIterator]().next()).rejects.toMatchObject({
      details: { promptTokens: 9000, contextTokens: 4096 },
    });
  });

  it("that lacks the model says so as a missing model", async () => {
    const { backend } = await startOllama((_, response) => sendJson(response, { error: "model 'm' not found" }, 404));
    expect((await collect(backend.run(request, never))).end).toBe("model-missing");
  });

  it("hears within 50 ms that its reader has left", async () => {
    let closedAtMs: number | undefined;
    const { backend } = await startOllama((_, response) => {
      beginLines(response);
      response.on("close", () => {
        closedAtMs = performance.now();
      });
      const timer = setInterval(() => response.write(tokenLine("on ")), 5);
      response.on("close", () => clearInterval(timer));
    });
    const took = await fastest(50, async () => {
      closedAtMs = undefined;
      let seen = 0;
      for await (const event of backend.run(request, never)) {
        if (event.kind === "text" && ++seen === 3) break;
      }
      const leftAtMs = performance.now();
      await expect.poll(() => closedAtMs).toBeDefined();
      return (closedAtMs ?? Number.NaN) - leftAtMs;
    });
    expect(took).toBeLessThan(50);
  });

  it("hears that a request was cancelled before the first token, and only that one", async () => {
    const isCancelled = Promise.withResolvers<void>();
    let closed = 0;
    let asked = 0;
    const { backend } = await startOllama(async (_, response, body) => {
      asked++;
      response.on("close", () => {
        if (!response.writableFinished) closed++;
      });
      if (body.includes("hello")) return;
      await isCancelled.promise;
      beginLines(response);
      response.end(tokenLine("other") + doneLine());
    });
    const stop = new AbortController();
    const cancelled = collect(backend.run(request, stop.signal));
    const other = collect(backend.run({ ...request, messages: [{ role: "user", content: "another" }] }, never));
    await expect.poll(() => asked).toBe(2);
    stop.abort();
    await expect(cancelled).rejects.toMatchObject({ name: "AbortError" });
    await expect.poll(() => closed).toBe(1);
    isCancelled.resolve();
    expect((await other).text).toBe("other");
    expect(closed).toBe(1);
  });

  it("on a port where nothing listens is unreachable, not broken", async () => {
    const backend = new OllamaBackend({
      name: "nobody",
      place: "this-machine",
      address: async () => "http://127.0.0.1:9",
    });
    expect((await collect(backend.run(request, never))).end).toBe("server-unreachable");
  });
});
