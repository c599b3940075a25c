// Answers of Claude that nobody wants any more.
import { describe, expect, it, vi } from "vitest";
import type { ClaudeBackend } from "../../src/backends/claude.ts";
import { fastest } from "../harness/fastest.ts";
import { ask, connect, request } from "./asking-claude.ts";
import {
  answerEvents,
  type ClaudeReply,
  type ClaudeServer,
  quick,
  refuse,
  saysNothing,
  stopAfter,
  testKey,
  wire,
} from "./claude-server.ts";
import { claudeServers } from "./claude-servers.ts";

const start = claudeServers();
const serve = (...script: readonly ClaudeReply[]) => start(script);

describe("stopping Claude", () => {
  async function untilText(backend: ClaudeBackend, signal: AbortSignal, then: () => void): Promise<unknown> {
    try {
      for await (const event of backend.run(request, signal)) if (event.kind === "text") then();
      return undefined;
    } catch (error) {
      return error;
    }
  }
  const endless = stopAfter(wire(answerEvents({ texts: ["A"] }).slice(0, 3)));
  const closedAtMs = async (server: ClaudeServer) => {
    await expect.poll(() => server.requests.at(-1)?.closedAtMs).toBeDefined();
    return server.requests.at(-1)?.closedAtMs ?? Number.NaN;
  };

  it("in the middle of an answer closes the connection at once", async () => {
    const server = await serve(endless);
    const took = await fastest(50, async () => {
      const stop = new AbortController();
      let stoppedAtMs = 0;
      const error = await untilText(connect(server.url), stop.signal, () => {
        stoppedAtMs = performance.now();
        setTimeout(() => stop.abort(), 0);
      });
      expect(error).toMatchObject({ name: "AbortError" });
      return (await closedAtMs(server)) - stoppedAtMs;
    });
    expect(took).toBeLessThan(50);
  });
  it("by leaving the loop does the same", async () => {
    const server = await serve(endless);
    const took = await fastest(50, async () => {
      let leftAtMs = 0;
      for await (const event of connect(server.url).run(request, new AbortController().signal)) {
        if (event.kind !== "text") continue;
        leftAtMs = performance.now();
        break;
      }
      return (await closedAtMs(server)) - leftAtMs;
    });
    expect(took).toBeLessThan(50);
  });
  it("before the answer begins, or while it is waited for, ends as well", async () => {
    for (const first of [saysNothing, refuse(529, "overloaded_error", "Overloaded", { "retry-after": "30" })]) {
      const server = await serve(first);
      const stop = new AbortController();
      const startMs = performance.now();
      const asking = ask(connect(server.url), stop.signal);
      await expect.poll(() => server.requests.length).toBe(1);
      setTimeout(() => stop.abort(), 80);
      expect((await asking).error).toMatchObject({ name: "AbortError" });
      expect(performance.now() - startMs).toBeLessThan(20_000);
      expect(server.requests).toHaveLength(1);
    }
  });
  it("before anything is sent sends nothing and does not read the key", async () => {
    const apiKey = vi.fn(async () => testKey);
    const server = await serve(quick("A"));
    expect((await ask(connect(server.url, { apiKey }), AbortSignal.abort())).error).toMatchObject({
      name: "AbortError",
    });
    expect(server.requests).toHaveLength(0);
    expect(apiKey).not.toHaveBeenCalled();
  });
});
