// What Get a Model… goes by where no model server answers.
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, it } from "vitest";
import { createApp } from "../../src/app.ts";
import type { App } from "../../src/core/app.ts";
import { defaultSettings, type Settings } from "../../src/core/settings.ts";

let home: string;
beforeAll(async () => {
  home = await mkdtemp(join(tmpdir(), "get-model-"));
});
afterAll(() => rm(home, { recursive: true, force: true }));

async function withoutServers<Value>(engine: Settings["engine"], look: (app: App) => Promise<Value>): Promise<Value> {
  const app = createApp({
    settings: { ...defaultSettings, engine, ollamaUrl: "http://127.0.0.1:9" },
    folders: { home, engineEntry: join(home, "dist", "engine.js") },
    log: () => undefined,
    env: { SWITCHYARD_DOCKER_HOST: "unix:///nowhere/docker.sock" },
    askedBy: "editor",
    fetch: async () => {
      throw new Error("nothing is there");
    },
  });
  try {
    return await look(app);
  } finally {
    await app.dispose();
  }
}

it("nobody gets a model where only Ollama is wanted and none answers, and it is said what could", async () => {
  const { failure, offers } = await withoutServers("ollama", async (app) => ({
    failure: await app.whoGets(AbortSignal.timeout(20_000)).catch((error: unknown) => error),
    offers: await app.offers(AbortSignal.timeout(20_000)),
  }));
  expect(failure).toMatchObject({ kind: "server-unreachable", details: { isBuiltInOff: true } });
  expect(new Set(offers.map(({ backend }) => backend))).toEqual(new Set(["Ollama"]));
});

it("the built-in engine gets them where it may and no server answers", async () => {
  const { getter, offers } = await withoutServers("auto", async (app) => ({
    getter: await app.whoGets(AbortSignal.timeout(20_000)),
    offers: await app.offers(AbortSignal.timeout(20_000)),
  }));
  expect(getter).toBe("built-in engine");
  expect(new Set(offers.map(({ backend }) => backend))).toEqual(new Set([getter]));
});
