// The key of Claude: whether it is there, whether it is good, and that nobody gets to see it.
import { inspect } from "node:util";
import { afterEach, describe, expect, it, vi } from "vitest";
import { ClaudeBackend, type ClaudeOptions } from "../../src/backends/claude.ts";
import type { ModelRequest } from "../../src/core/backend.ts";
import { TaskError } from "../../src/core/task-error.ts";
import { testKey } from "./claude-server.ts";
import { claudeServers } from "./claude-servers.ts";

const canary = "canary-5f1c8e77-never-to-be-seen";

afterEach(() => void vi.restoreAllMocks());

const serve = claudeServers();

const connect = (over: Partial<ClaudeOptions>) =>
  new ClaudeBackend({ apiKey: async () => testKey, baseUrl: () => "", maxRetryWaitMs: 0, ...over });

const never = () => new AbortController().signal;
const request: ModelRequest = {
  model: "claude-haiku-5-5",
  messages: [
    { role: "system", content: "Be brief." },
    { role: "user", content: "Why?" },
  ],
  sampling: { temperature: 0.2, topP: 0.9, repeatPenalty: 1.1 },
  contextTokens: 8192,
  think: false,
};

async function errorOf(work: () => Promise<unknown>): Promise<unknown> {
  try {
    await work();
    return undefined;
  } catch (error) {
    return error;
  }
}

async function ask(backend: ClaudeBackend): Promise<void> {
  for await (const _ of backend.run(request, never()));
}

const kindOf = (error: unknown) => (error instanceof TaskError ? error.kind : String(error));
const answering = (status: number, body: string, type = "application/json"): typeof fetch =>
  vi.fn<typeof fetch>(async () => new Response(body, { status, headers: { "content-type": type, echo: canary } }));

describe("the key of Claude", () => {
  const echo = JSON.stringify({ type: "error", error: { type: `t ${canary}`, message: `Your key ${canary} is bad` } });
  const ways: [string, typeof fetch | undefined][] = [
    ...[400, 401, 402, 403, 404, 413, 429, 500, 529].map((status): [string, typeof fetch] => [
      `an error ${status} that repeats it`,
      answering(status, echo),
    ]),
    ["an error page that repeats it", answering(502, `<h1>${canary}</h1>`, "text/html")],
    ["a page that repeats it", answering(200, canary, "text/html")],
    ["a stream that repeats it", answering(200, `event: error\ndata: ${echo}\n\n`, "text/event-stream")],
    ["a broken stream that repeats it", answering(200, `event: ping\ndata: {${canary}\n\n`, "text/event-stream")],
    ["a line of nonsense that repeats it", answering(200, `${canary}: 1\n\n`, "text/event-stream")],
    [
      "a connection that fails with it",
      vi.fn<typeof fetch>(async (_, init) => {
        const cause = Object.assign(new Error(`bad ${canary}`), { init });
        throw Object.assign(new TypeError("fetch failed", { cause }), { request: init });
      }),
    ],
    ["a real connection that fails", undefined],
  ];
  it.each(ways)("is not in what is thrown or logged after %s", async (_, fetch) => {
    vi.stubEnv("ANTHROPIC_LOG", "debug");
    const logs = (["log", "info", "debug", "warn", "error"] as const).map((name) =>
      vi.spyOn(console, name).mockImplementation(() => undefined),
    );
    const given = fetch ? { fetch } : { baseUrl: () => "http://127.0.0.1:1" };
    const backend = connect({ apiKey: async () => canary, ...given });
    for (const work of [() => ask(backend), () => backend.checkKey(never())]) {
      const error = await errorOf(work);
      const everything = inspect(error, { depth: Number.POSITIVE_INFINITY, showHidden: true, getters: true });
      expect(everything).not.toContain(canary);
      expect(everything).not.toContain(canary.slice(0, 15));
    }
    expect(inspect(logs.map((log) => log.mock.calls))).not.toContain(canary);
    if (fetch) expect(fetch).toHaveBeenCalled();
  });
  it.each([`${canary}\n${canary}`, `${canary}…`, `${canary} x`])(
    "that no header can hold is refused: %j",
    async (key) => {
      const fetch = vi.fn<typeof globalThis.fetch>();
      const error = await errorOf(() => ask(connect({ apiKey: async () => key, fetch })));
      expect(kindOf(error)).toBe("cloud-refused");
      expect(inspect(error, { depth: Number.POSITIVE_INFINITY })).not.toContain(canary);
      expect(fetch).not.toHaveBeenCalled();
    },
  );
  it("may have blanks around it, as pasted ones do", async () => {
    const server = await serve();
    await connect({ apiKey: async () => ` ${testKey}\n`, baseUrl: () => server.url }).checkKey(never());
    expect(server.requests[0]?.headers.authorization).toBe(`Bearer ${testKey}`);
  });
  it("is found good with one short question that costs nothing", async () => {
    const server = await serve();
    await connect({ baseUrl: () => server.url }).checkKey(never());
    expect(server.requests.map(({ method, path }) => `${method} ${path}`)).toEqual(["GET /v1/models?limit=1"]);
  });
  it("is found bad, and it is said where to set another", async () => {
    const server = await serve();
    const backend = connect({ apiKey: async () => "sk-wrong", baseUrl: () => server.url });
    const error = await errorOf(() => backend.checkKey(never()));
    expect(kindOf(error)).toBe("cloud-refused");
    expect(String(error)).toContain("Set Claude API Key");
  });
  it("is checked by counting where a gateway lists no models", async () => {
    const seen: string[] = [];
    const fetch: typeof globalThis.fetch = async (input) => {
      const { pathname } = new URL(String(input));
      seen.push(pathname);
      return pathname === "/v1/models" ? Response.json({}, { status: 404 }) : Response.json({ input_tokens: 8 });
    };
    await connect({ fetch }).checkKey(never());
    expect(seen).toEqual(["/v1/models", "/v1/messages/count_tokens"]);
  });
  it("is not found good by something else that listens there, nor by a page for signing in", async () => {
    expect(kindOf(await errorOf(() => connect({ fetch: answering(404, "{}") }).checkKey(never())))).toBe(
      "server-error",
    );
    const page = connect({ fetch: answering(200, "<html>", "text/html") });
    expect(kindOf(await errorOf(() => page.checkKey(never())))).toBe("bad-response");
  });
  it("whose check takes too long is told as out of reach, not passed over in silence", async () => {
    const hanging: typeof fetch = (_, init) =>
      new Promise((_resolve, reject) => {
        init?.signal?.addEventListener("abort", () => reject(new DOMException("aborted", "AbortError")));
      });
    const backend = connect({ fetch: hanging });
    expect(kindOf(await errorOf(() => backend.checkKey(AbortSignal.timeout(30))))).toBe("server-unreachable");
  });
  it("that is not there means no models, and nothing is asked", async () => {
    const fetch = vi.fn<typeof globalThis.fetch>();
    const backend = connect({ apiKey: async () => undefined, fetch });
    expect(await backend.models(never())).toEqual([]);
    expect(kindOf(await errorOf(() => ask(backend)))).toBe("cloud-refused");
    expect(fetch).not.toHaveBeenCalled();
  });
  it("that is there means the models of the price list, at the host they are asked at", async () => {
    const fetch = vi.fn<typeof globalThis.fetch>();
    const models = await connect({ fetch }).models(never());
    expect(models.map((model) => model.name)).toContain("claude-sonnet-5-5");
    expect(models[0]).toMatchObject({
      place: "cloud",
      host: "api.anthropic.com",
      sizeBytes: 0,
      contextTokens: 1_000_000,
    });
    expect((await connect({ baseUrl: () => "not an address" }).models(never()))[0]?.host).toBeUndefined();
    expect(fetch).not.toHaveBeenCalled();
  });
});

describe("what Claude has no use for", () => {
  it("does nothing or says why", async () => {
    const backend = connect({});
    expect(await backend.loaded()).toEqual([]);
    await backend.load();
    await backend.unload();
    expect(kindOf(await errorOf(() => backend.delete("claude-opus-5-5")))).toBe("bad-input");
    expect(kindOf(await errorOf(async () => backend.pull("claude-opus-5-5")))).toBe("bad-input");
  });
});
