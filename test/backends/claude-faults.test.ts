// Claude failing in every way it can, and the key that is in none of what is said about it.
import { inspect } from "node:util";
import { describe, expect, it } from "vitest";
import { TaskError } from "../../src/core/task-error.ts";
import { ask, connect } from "./asking-claude.ts";
import {
  answerEvents,
  type ClaudeReply,
  hangUp,
  overloaded,
  quick,
  refuse,
  sendEvents,
  sendPieces,
  startClaudeServer,
  stopAfter,
  wire,
} from "./claude-server.ts";
import { claudeServers } from "./claude-servers.ts";

const start = claudeServers();
const serve = (...script: readonly ClaudeReply[]) => start(script);

const kindOf = (error: unknown) => (error instanceof TaskError ? error.kind : `no TaskError: ${inspect(error)}`);
const recorded = wire(answerEvents({ texts: ["天空", " is ", "blue 🌈"], thoughts: ["Hm."] }));

describe("an answer of Claude that is cut", () => {
  const fetchOf =
    (bytes: Uint8Array, end: "close" | "error"): typeof fetch =>
    async () => {
      const body = new ReadableStream<Uint8Array>({
        start(controller) {
          if (bytes.length > 0) controller.enqueue(bytes);
          if (end === "close") controller.close();
        },
        pull(controller) {
          controller.error(new TypeError("terminated"));
        },
      });
      return new Response(body, { headers: { "content-type": "text/event-stream" } });
    };

  it.each(["close", "error"] as const)(
    "at any byte, by %s, is never done and always says so",

    async (end) => {
      const wrong: string[] = [];
      for (let at = 0; at < recorded.length; at++) {
        const { isDone, error } = await ask(connect("", { fetch: fetchOf(recorded.subarray(0, at), end) }));
        if (isDone || kindOf(error) !== "server-lost") wrong.push(`${at}: ${isDone} ${kindOf(error)}`);
      }
      expect(wrong).toEqual([]);
      expect(await ask(connect("", { fetch: fetchOf(recorded, "close") }))).toMatchObject({
        isDone: true,
        text: "天空 is blue 🌈",
      });
    },
  );
  it("over a real connection keeps what came", async () => {
    const server = await serve(
      stopAfter(recorded.subarray(0, recorded.length - 300), (response) => response.destroy()),
    );
    const { text, isDone, error } = await ask(connect(server.url));
    expect({ text, isDone, kind: kindOf(error) }).toEqual({
      text: "天空 is blue 🌈",
      isDone: false,
      kind: "server-lost",
    });
    expect(server.requests).toHaveLength(1);
  });
  it("comes whole in pieces of one byte", async () => {
    const pieces = [...recorded].map((_, at) => recorded.subarray(at, at + 1));
    const server = await serve(sendPieces(pieces));
    expect(await ask(connect(server.url))).toMatchObject({ text: "天空 is blue 🌈", isDone: true });
  });
  it("by an error of Claude's own says which", async () => {
    const events = [...answerEvents({ texts: ["Half"] }).slice(0, 3), overloaded];
    const { text, isDone, error } = await ask(connect((await serve(sendEvents(events))).url));
    expect({ text, isDone, kind: kindOf(error) }).toEqual({ text: "Half", isDone: false, kind: "server-error" });
    expect(String(error)).toMatch(/overloaded/);
  });
  it("by silence ends when the time is over, and the connection with it", async () => {
    const server = await serve(stopAfter(wire(answerEvents().slice(0, 4))));
    const startMs = performance.now();
    const { isDone, error } = await ask(connect(server.url, { stallMs: 150 }));
    expect(performance.now() - startMs).toBeLessThan(10_000);
    expect({ isDone, kind: kindOf(error) }).toEqual({ isDone: false, kind: "server-lost" });
    await expect.poll(() => server.requests[0]?.closedAtMs).toBeDefined();
  });
  it("is not taken for silent while pings come", async () => {
    const events = answerEvents({ texts: ["A"] });
    const pings = Array.from({ length: 8 }, () => ({ type: "ping" }));
    const reply = sendEvents([...events.slice(0, 2), ...pings, ...events.slice(2)], { pauseMs: 40 });
    expect(await ask(connect((await serve(reply)).url, { stallMs: 200 }))).toMatchObject({ text: "A", isDone: true });
  });
});

describe("something that is not an answer of Claude", () => {
  const events = answerEvents({ texts: ["A", "B"] });
  const broken = (line: string) => [wire(events.slice(0, 3)), Buffer.from(line), wire(events.slice(3))];
  it.each([
    ["broken JSON", 'event: content_block_delta\ndata: {"type":"content_block\n\n'],
    ["a field that does not exist", `evnt: content_block_delta\ndata: {"type":"ping"}\n\n`],
    ["data of no event", 'data: {"type":"content_block_delta"}\n\n'],
    ["JSON that is no event", "event: content_block_delta\ndata: [1]\n\n"],
    ["a piece that is no text", 'event: content_block_delta\ndata: {"type":"content_block_delta","delta":5}\n\n'],
    ["bytes that are not UTF-8", "event: ping\ndata: \u00ff\n\n"],
  ])("fails, with what came before it: %s", async (name, line) => {
    const pieces = broken(line);
    if (name.startsWith("bytes")) pieces[1] = Buffer.from(line, "latin1");
    for (const sent of [pieces, [Buffer.concat(pieces)]]) {
      const { text, isDone, error } = await ask(connect((await serve(sendPieces(sent, { pauseMs: 1 }))).url));
      expect({ text, isDone, kind: kindOf(error) }).toEqual({ text: "A", isDone: false, kind: "bad-response" });
    }
  });
  it("fails at once, without a second try: a page for signing in to a network", async () => {
    const server = await serve((response) => response.writeHead(200, { "content-type": "text/html" }).end("<html>"));
    const { error } = await ask(connect(server.url));
    expect(kindOf(error)).toBe("bad-response");
    expect(String(error)).toContain("text/html");
    expect(server.requests).toHaveLength(1);
  });
  it("fails before memory is full: a line without an end", async () => {
    const reply: ClaudeReply = (response) => {
      response.writeHead(200, { "content-type": "text/event-stream" });
      const more = () => {
        while (!response.destroyed && response.write(Buffer.alloc(256 * 1024, "x")));
      };
      response.on("drain", more);
      more();
    };
    const { error } = await ask(connect((await serve(reply)).url));
    expect(kindOf(error)).toBe("bad-response");
  });
});

describe("a Claude that cannot answer now", () => {
  it.each([
    ["429", refuse(429, "rate_limit_error", "slow down", { "retry-after-ms": "20" })],
    ["529", refuse(529, "overloaded_error", "Overloaded", { "retry-after-ms": "20" })],
    ["500", refuse(500, "api_error", "Internal", { "retry-after-ms": "20" })],
  ])("is asked again after %s", async (_, first) => {
    const server = await serve(first, quick("Now."));
    expect(await ask(connect(server.url))).toMatchObject({ text: "Now.", isDone: true, error: undefined });
    expect(server.requests).toHaveLength(2);
  });
  it.each([
    ["a connection that breaks", hangUp],
    ["502", refuse(502, "api_error", "Bad gateway")],
    ["504", refuse(504, "api_error", "timeout", { "x-should-retry": "true" })],
  ])("is not asked again after %s: it may have gone on, and one price was set aside", async (_, first) => {
    const server = await serve(first, quick("Now."));
    const { error } = await ask(connect(server.url));
    expect(error).toBeInstanceOf(TaskError);
    expect(server.requests).toHaveLength(1);
  });
  it("is asked no second time after a try that was refused and one that was lost", async () => {
    const server = await serve(refuse(529, "overloaded_error", "Overloaded", { "retry-after-ms": "20" }), hangUp);
    expect(kindOf((await ask(connect(server.url))).error)).toBe("server-lost");
    expect(server.requests).toHaveLength(2);
  });
  it("is asked again no sooner than it says", async () => {
    const server = await serve(refuse(429, "rate_limit_error", "slow down", { "retry-after": "1" }), quick("Now."));
    expect((await ask(connect(server.url))).text).toBe("Now.");
    const [first, second] = server.requests;
    expect((second?.atMs ?? 0) - (first?.atMs ?? 0)).toBeGreaterThanOrEqual(990);
  });
  it("is not waited for longer than the bound, and what it said is told", async () => {
    const server = await serve(refuse(429, "rate_limit_error", "over the limit of tokens", { "retry-after": "3600" }));
    const startMs = performance.now();
    const { error } = await ask(connect(server.url));
    expect(performance.now() - startMs).toBeLessThan(10_000);
    expect(kindOf(error)).toBe("server-error");
    expect(String(error)).toContain("over the limit of tokens");
    expect(server.requests).toHaveLength(1);
  });
  it("is given up when the bound is reached, also where it asks to be tried again", async () => {
    const headers = { "retry-after-ms": "60", "x-should-retry": "true" };
    const server = await serve(refuse(529, "overloaded_error", "Overloaded", headers));
    const { error } = await ask(connect(server.url, { maxRetryWaitMs: 100 }));
    expect(kindOf(error)).toBe("server-error");
    expect(String(error)).toMatch(/overloaded/);
    expect(server.requests).toHaveLength(2);
  });
  it("is told as out of reach where no connection comes about", async () => {
    const server = await startClaudeServer([quick("A")]);
    await server.stop();
    const { error } = await ask(connect(server.url, { maxRetryWaitMs: 0 }));
    expect(kindOf(error)).toBe("server-unreachable");
    expect(String(error)).toContain("ECONNREFUSED");
  });
});

describe("a Claude that refuses", () => {
  it.each([
    [401, "authentication_error", "invalid x-api-key", "cloud-refused", /Set Claude API Key/],
    [402, "billing_error", "payment", "cloud-refused", /no credit left/],
    [400, "invalid_request_error", "Your credit balance is too low to access", "cloud-refused", /no credit left/],
    [403, "permission_error", "not for you", "cloud-refused", /not for you/],
    [404, "not_found_error", "model: claude-sonnet-5-5", "cloud-refused", /no model “claude-sonnet-5-5”/],
    [413, "request_too_large", "too big", "context-overflow", /too large/],
    [400, "invalid_request_error", "prompt is too long: 1100000 tokens > 1000000 maximum", "context-overflow", /large/],
    [400, "invalid_request_error", "You have reached your specified API usage limits", "cloud-refused", /usage limits/],
  ])("with %d %s is not asked again, and says what to do: %s", async (status, type, message, kind, words) => {
    const server = await serve(refuse(status, type, message));
    const { error } = await ask(connect(server.url));
    expect(kindOf(error)).toBe(kind);
    expect(String(error)).toMatch(words);
    expect(server.requests).toHaveLength(1);
  });
});

describe("what was refused, or found no connection, is known to cost nothing", () => {
  const busy = refuse(529, "overloaded_error", "Overloaded", { "retry-after": "0" });
  it.each<[string, boolean, readonly ClaudeReply[]]>([
    ["a refusal", true, [refuse(400, "invalid_request_error", "no")]],
    ["refusals of every try", true, [busy]],
    ["a connection that was lost before the refusal", false, [hangUp, busy]],
    [
      "an answer that somebody in between gave up",
      false,
      [refuse(504, "api_error", "timeout", { "x-should-retry": "false" })],
    ],
    ["an answer that broke", false, [sendEvents(answerEvents().slice(0, 4))]],
  ])("%s: %s", async (_, isUnpaid, replies) => {
    const server = await serve(...replies);
    const { error } = await ask(connect(server.url, { maxRetryWaitMs: 3_000 }));
    expect(error).toBeInstanceOf(TaskError);
    expect(error instanceof TaskError && error.details.isUnpaid === true).toBe(isUnpaid);
  });

  it("a server that is not there, and a key that is not", async () => {
    const server = await serve();
    await server.stop();
    const gone = await ask(connect(server.url, { maxRetryWaitMs: 0 }));
    const keyless = await ask(connect(server.url, { apiKey: async () => undefined }));
    expect([gone.error, keyless.error]).toMatchObject([
      { kind: "server-unreachable", details: { isUnpaid: true } },
      { kind: "cloud-refused", details: { isUnpaid: true } },
    ]);
  });
});
