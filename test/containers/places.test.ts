// What one window or shell started is known to the others.
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, it, onTestFinished } from "vitest";
import { createApp } from "../../src/app.ts";
import { containerLimits, forgetPlace, forgetPlaces, keepMemory, keepPlace } from "../../src/containers/places.ts";
import { defaultSettings, type Settings } from "../../src/core/settings.ts";
import { TaskError } from "../../src/core/task-error.ts";
import { ollamaRoutes, startScriptedServer } from "../backends/scripted-server.ts";
import { never, until } from "./harness.ts";

it("a model server that another window starts or takes away is seen within a moment, though a list was made just before", async () => {
  const [one, two] = [await server("one:1b"), await server("two:1b")];
  const { app, home } = await openApp({ engine: "ollama", ollamaUrl: one.url });
  const names = async () => (await app.models(never)).map(({ name }) => name).join();
  const seen = (wanted: string) => until(async () => ((await names()) === wanted ? true : undefined), 2_000);
  await seen("one:1b");
  await keepPlace(home, "ollama-2", two.url);
  await seen("one:1b,two:1b");
  await forgetPlace(home, "ollama-2");
  await seen("one:1b");
});

it("what a model server was given counts for what fits, whatever the window that asks has as its setting", async () => {
  const home = await makeHome();
  const given = (env: Readonly<Record<string, string>>) =>
    containerLimits(home, env, "Ollama at 127.0.0.1:11435")?.limitBytes;
  expect(given({})).toBeUndefined();
  await keepPlace(home, "ollama", "http://127.0.0.1:11435");
  expect([given({}), given({ MAX_MODEL_MEMORY: "2G" })]).toEqual([8 * 2 ** 30, 2 * 2 ** 30]);
  await keepMemory(home, 5000);
  await keepPlace(home, "ollama-2", "http://127.0.0.1:11436");
  expect([given({}), given({ MAX_MODEL_MEMORY: "2G" })]).toEqual([5000 * 2 ** 20, 5000 * 2 ** 20]);
});

it("a question is not told to get models that are there, in containers that are stopped or do not answer", async () => {
  const gone = await server("one:1b");
  await gone.close();
  const { app, home } = await openApp({ ollamaUrl: gone.url });
  const said = async () => {
    try {
      for await (const _ of app.run({ text: "hello", sources: [], history: [] }, never));
      return "answered";
    } catch (error) {
      return error instanceof TaskError ? `${error.kind}: ${error.message}` : String(error);
    }
  };
  expect(await said()).not.toContain("container");
  await keepPlace(home, "redis", "redis://127.0.0.1:1");
  await keepPlace(home, "ollama", gone.url);
  app.configure(app.settings());
  expect(await said()).toMatch(/^server-unreachable: The container with your models does not answer.*switchyard up/);
  app.configure({ ...app.settings(), engine: "embedded" });
  expect(await said()).not.toContain("container");
  await forgetPlaces(home, true);
  app.configure({ ...app.settings(), engine: "auto" });
  expect(await said()).toMatch(/^server-unreachable: The containers with your models are stopped.*switchyard up/);
  await keepPlace(home, "ollama", gone.url);
  await forgetPlace(home, "ollama");
  // Something else that is started makes no models run.
  await keepPlace(home, "redis", "redis://127.0.0.1:2");
  app.configure(app.settings());
  expect(await said()).toContain("are stopped");
  await forgetPlaces(home, false);
  app.configure(app.settings());
  expect(await said()).not.toContain("container");
});

async function makeHome(): Promise<string> {
  const home = await mkdtemp(join(tmpdir(), "switchyard-places-"));
  onTestFinished(() => rm(home, { recursive: true, force: true }));
  return home;
}

/** The app of a window or shell, with a home that goes after it. */
async function openApp(settings: Partial<Settings>) {
  const home = await makeHome();
  const app = createApp({
    settings: { ...defaultSettings, ...settings },
    folders: { home, engineEntry: "none" },
    env: {},
    log: () => undefined,
    askedBy: "shell",
  });
  onTestFinished(() => app.dispose());
  return { app, home };
}

/** A model server with one model. */
async function server(name: string) {
  const model = { name, size: 1e9, digest: name, details: { context_length: 8192 }, capabilities: ["completion"] };
  const started = await startScriptedServer(ollamaRoutes([model]));
  onTestFinished(() => started.close());
  return started;
}
