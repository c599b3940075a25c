// The door for the editor's own agents and chat, with a model server on another machine.
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, it } from "vitest";
import { createApp } from "../../src/app.ts";
import { defaultSettings, type Settings } from "../../src/core/settings.ts";

let home: string;
beforeAll(async () => {
  home = await mkdtemp(join(tmpdir(), "closed-door-"));
});
afterAll(() => rm(home, { recursive: true, force: true }));

/** What the server was asked besides what it has. */
async function ask(over: Partial<Settings>): Promise<{ readonly asked: readonly string[]; readonly failure: unknown }> {
  const asked: string[] = [];
  const answers: Readonly<Record<string, object>> = {
    "/api/version": { version: "0.30.0" },
    "/api/tags": { models: [{ name: "llama3.1:8b", model: "llama3.1:8b", size: 5e9, digest: "d", details: {} }] },
    "/api/ps": { models: [] },
    "/api/show": { capabilities: ["completion"], model_info: { "llama.context_length": 32768 } },
  };
  const app = createApp({
    settings: { ...defaultSettings, engine: "ollama", ollamaUrl: "http://gpu-box.lan:11434", ...over },
    folders: { home, engineEntry: join(home, "dist", "engine.js") },
    log: () => undefined,
    env: {},
    askedBy: "mcp",
    staysHere: true,
    fetch: async (input) => {
      const { host, pathname } = new URL(input instanceof Request ? input.url : input);
      if (host !== "gpu-box.lan:11434") throw new Error("nothing is there");
      const answer = answers[pathname];
      if (answer) return Response.json(answer);
      asked.push(pathname);
      return new Response("", { status: 500 });
    },
  });
  try {
    const events = app.run({ text: "Hello", sources: [], history: [] }, AbortSignal.timeout(20_000));
    for await (const _ of events);
    return { asked, failure: undefined };
  } catch (failure) {
    return { asked, failure };
  } finally {
    await app.dispose();
  }
}

it("texts of the editor's agents reach no other machine, unless it is called the person's own", async () => {
  const stranger = await ask({});
  expect(stranger.failure).toMatchObject({ kind: "local-only" });
  expect(stranger.asked).toEqual([]);
  const own = await ask({ trustedHosts: ["gpu-box.lan"] });
  expect(own.asked.length).toBeGreaterThan(0);
});

it("a key for Claude is not sent to it to be checked while Offline is on", async () => {
  const asked: string[] = [];
  const app = createApp({
    settings: { ...defaultSettings, offline: true },
    folders: { home, engineEntry: join(home, "dist", "engine.js") },
    log: () => undefined,
    env: {},
    askedBy: "editor",
    claudeKey: async () => "sk-ant-test",
    fetch: async (input) => {
      asked.push(String(input));
      return new Response("", { status: 500 });
    },
  });
  const checked = app.checkClaudeKey(AbortSignal.timeout(20_000));
  await expect(checked).rejects.toMatchObject({ kind: "local-only", details: { isOffline: true } });
  expect(asked).toEqual([]);
  await app.dispose();
});
