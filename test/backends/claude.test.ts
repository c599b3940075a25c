// Claude over a real connection: a whole answer as the stand-in gives it, what the environment may not change,
// and when to come back.
import { describe, expect, it, vi } from "vitest";
import { ask, connect } from "./asking-claude.ts";
import { answerEvents, refuse, sendPieces, testKey, wire } from "./claude-server.ts";
import { claudeServers } from "./claude-servers.ts";

const serve = claudeServers();

describe("Claude over a real connection", () => {
  it("streams a short answer in markdown, piece by piece, and tells tokens and times", async () => {
    const { seen, text, error } = await ask(connect((await serve()).url));
    expect(error).toBeUndefined();
    expect(text).toContain("```ts\nconst one = 1;\n```");
    expect(seen.length).toBeGreaterThan(4);
    expect(seen.at(-1)).toMatchObject({ kind: "done", finish: "stop", stats: { promptTokens: 25, answerTokens: 40 } });
    const last = seen.at(-1);
    const stats = last?.kind === "done" ? last.stats : undefined;
    expect(stats?.decodeMs).toBeGreaterThan(40);
    expect(stats?.prefillMs).toBeGreaterThan(0);
  });
  it("keeps a Chinese character whole whose bytes come in two packets", async () => {
    const bytes = wire(answerEvents({ texts: ["天空是蓝色的"] }));
    const inside = bytes.indexOf(Buffer.from("空")) + 1;
    const server = await serve([sendPieces([bytes.subarray(0, inside), bytes.subarray(inside)], { pauseMs: 20 })]);
    expect((await ask(connect(server.url))).text).toBe("天空是蓝色的");
  });
});

describe("the environment of other programs", () => {
  it("neither redirects a question, nor puts another key in, nor adds a header", async () => {
    const [chosen, other] = [await serve(), await serve()];
    for (const name of ["ANTHROPIC_BASE_URL", "HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "http_proxy", "https_proxy"]) {
      vi.stubEnv(name, other.url);
    }
    vi.stubEnv("NO_PROXY", "");
    vi.stubEnv("OTEL_EXPORTER_OTLP_ENDPOINT", other.url);
    vi.stubEnv("ANTHROPIC_AUTH_TOKEN", "token-of-another");
    vi.stubEnv("ANTHROPIC_API_KEY", "sk-of-another");
    vi.stubEnv(
      "ANTHROPIC_CUSTOM_HEADERS",
      "Authorization: Bearer of-another\nx-api-key: of-another\nX-User: alice\nX-Host: laptop-of-alice",
    );
    expect((await ask(connect(chosen.url))).error).toBeUndefined();
    const headers = chosen.requests[0]?.headers ?? {};
    expect(headers.authorization).toBe(`Bearer ${testKey}`);
    expect(JSON.stringify(headers)).not.toMatch(/another|alice/);
    expect(headers).not.toHaveProperty("x-user");
    expect(other.requests).toHaveLength(0);
  });
});

describe("an address where the key could be read on its way", () => {
  it.each([
    "http://gateway.example",
    "http://192.168.1.7:4000",
    "http://localhost.example",
    "http://127.0.0.1.example",
  ])("%s is refused before the key is taken out of its safe", async (url) => {
    const apiKey = vi.fn(async () => testKey);
    expect((await ask(connect(url, { apiKey }))).error).toMatchObject({ kind: "bad-input" });
    expect(apiKey).not.toHaveBeenCalled();
  });
});

describe("a Claude that asks to wait too long", () => {
  it.each([
    ["3600", "for the next 60 minutes"],
    ["100", "for the next 2 minutes"],
    ["75", "for the next 75 seconds"],
  ])("is not waited for; after retry-after %s it is said when to come back: %s", async (seconds, words) => {
    const server = await serve([refuse(429, "rate_limit_error", "input tokens", { "retry-after": seconds })]);
    const { error } = await ask(connect(server.url));
    expect(error).toMatchObject({ kind: "server-error" });
    expect(String(error)).toContain(words);
    expect(String(error)).toContain("input tokens");
    expect(server.requests).toHaveLength(1);
  });
  it("says so as well where it is overloaded, by a date too", async () => {
    const at = new Date(Date.now() + 10 * 60_000).toUTCString();
    const server = await serve([refuse(529, "overloaded_error", "Overloaded", { "retry-after": at })]);
    expect(String((await ask(connect(server.url))).error)).toContain("overloaded for the next 10 minutes");
  });
  it("tells no time where the server told none", async () => {
    const server = await serve([refuse(429, "rate_limit_error", "input tokens")]);
    const { error } = await ask(connect(server.url, { maxRetryWaitMs: 0 }));
    expect(String(error)).toContain("for now: input tokens. Wait");
  });
});
