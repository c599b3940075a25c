// The test of calling tools on the built-in engine itself: a model of random words calls none.
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, it } from "vitest";
import { installTinyModel } from "../../scripts/tiny-model.ts";
import { createApp } from "../../src/app.ts";
import { readRegistration } from "../../src/backends/embedded/registration.ts";
import type { App } from "../../src/core/app.ts";
import { defaultSettings } from "../../src/core/settings.ts";
import { qwenTemplate } from "./qwen-template.ts";

const never = new AbortController().signal;
let home = "";
let app: App;

beforeAll(async () => {
  home = await mkdtemp(join(tmpdir(), "switchyard-engine-tool-test-"));
  await installTinyModel(home, "calls:1m", qwenTemplate);
  await installTinyModel(home, "plain:1m");
  app = createApp({
    settings: { ...defaultSettings, engine: "embedded" },
    folders: { home, engineEntry: new URL("../../src/backends/embedded/main.ts", import.meta.url).pathname },
    log: () => undefined,
    env: {},
    askedBy: "shell",
  });
});
afterAll(async () => {
  const registration = await readRegistration(home);
  await app.dispose();
  if (registration) process.kill(registration.pid);
  await rm(home, { recursive: true, force: true });
});

it("finds out that a model of random words calls none, in a few seconds", async () => {
  await app.load({ model: "calls:1m" }, never);
  const startMs = performance.now();
  expect(await app.testTools("calls:1m", never)).toMatchObject([{ calls: "no", backend: "built-in engine" }]);
  expect(performance.now() - startMs).toBeLessThan(30_000);
  const tested = (await app.models(never)).find(({ name }) => name === "calls:1m");
  expect(tested?.toolTest).toMatchObject({ calls: "no", digest: tested?.digest });
  await expect(app.testTools("plain:1m", never)).rejects.toMatchObject({ kind: "bad-input" });
});
