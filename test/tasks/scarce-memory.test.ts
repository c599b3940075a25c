// A question for which a server has to load a model that finds no room, through the whole product and a server that
// answers as Ollama does.
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir, totalmem } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { createApp } from "../../src/app.ts";
import type { App } from "../../src/core/app.ts";
import { formatMessage } from "../../src/core/message.ts";
import { isPlenty, scarcityOf } from "../../src/core/scarcity.ts";
import { defaultSettings } from "../../src/core/settings.ts";
import {
  beginLines,
  doneLine,
  type Handler,
  ollamaRoutes,
  type ScriptedServer,
  sendJson,
  startScriptedServer,
  tokenLine,
} from "../backends/scripted-server.ts";

const never = new AbortController().signal;
const gib = 2 ** 30;
const name = "m:1b";
let home = "";
let server: ScriptedServer | undefined;
let app: App | undefined;
/** What the server was asked, by path. */
let asked: string[] = [];
let hasLeft: Promise<unknown> | undefined;

beforeEach(async () => {
  home = await mkdtemp(join(tmpdir(), "switchyard-scarce-"));
  asked = [];
});
afterEach(async () => {
  await app?.dispose();
  await server?.close();
  await rm(home, { recursive: true, force: true });
});

/** @param answers whether it ever does, once it has loaded its model */
async function open(weightBytes: number, { isLoaded = false, answers = true } = {}): Promise<App> {
  const details = { context_length: 4096 };
  const loaded = { name, size: weightBytes, size_vram: 0, context_length: 4096, expires_at: "" };
  const routes: Readonly<Record<string, Handler>> = {
    ...ollamaRoutes([{ name, size: weightBytes, digest: "d", details, capabilities: ["completion"] }]),
    "GET /api/ps": (_, response) => sendJson(response, { models: isLoaded ? [loaded] : [] }),
    "POST /api/chat": (_, response) => {
      hasLeft = once(response, "close");
      // A while later: first it loads the model.
      if (answers) setTimeout(() => sayHello(response), 100);
    },
  };
  const noted = Object.entries(routes).map(([path, handler]): [string, Handler] => [
    path,
    (...args) => {
      asked.push(path);
      return handler(...args);
    },
  ]);
  server = await startScriptedServer(Object.fromEntries(noted));
  app = createApp({
    settings: { ...defaultSettings, engine: "ollama", ollamaUrl: server.url, cache: false },
    folders: { home, engineEntry: "none" },
    env: { HOME: home },
    log: () => undefined,
    askedBy: "shell",
  });
  return app;
}

function sayHello(response: Parameters<Handler>[1]): void {
  beginLines(response);
  response.end(tokenLine("Hello.") + doneLine());
}

async function answerOf(to: App) {
  let text = "";
  const notices: string[] = [];
  for await (const event of to.run({ kind: "chat", text: "Hi", sources: [], history: [], model: name }, never)) {
    if (event.kind === "text") text += event.text;
    if (event.kind === "notice") notices.push(formatMessage(event.text));
  }
  return { text, notices };
}

describe("a question whose model has to be loaded", () => {
  it("is answered with a word, numbers and a remedy where there is too little memory for it", async () => {
    const { text, notices } = await answerOf(await open(Math.round(totalmem() * 0.95)));
    expect(text).toBe("Hello.");
    expect(notices).toEqual([
      expect.stringMatching(
        /^m:1b is being loaded and wants [\d.]+ GB; there are [\d.]+ GB for it at the moment\. It may be slow, or fail\. To make room, close other programs, or take a smaller model or quantisation, such as Q4\.$/,
      ),
    ]);
  });

  it("is refused, and its server let go, where its weights alone are more than all memory", async () => {
    const refused = answerOf(await open(totalmem() * 50, { answers: false }));
    await expect(refused).rejects.toMatchObject({ kind: "server-error", details: { isOutOfMemory: true } });
    await expect(refused).rejects.toThrow(/^m:1b cannot run here: its weights alone are .* such as Q4\.$/);
    await hasLeft;
  });

  it("asks nothing more of its server where there is plenty, or where it is loaded", async () => {
    expect((await answerOf(await open(1e6))).notices).toEqual([]);
    const small = asked;
    await app?.dispose();
    await server?.close();
    asked = [];
    const window = await open(totalmem() * 50, { isLoaded: true });
    expect(await answerOf(window)).toEqual({ text: "Hello.", notices: [] });
    // Looking whether it is loaded is all that either costs.
    expect(asked.filter((path) => path === "GET /api/ps").length).toBeLessThanOrEqual(
      small.filter((path) => path === "GET /api/ps").length,
    );
    asked = [];
    await answerOf(window);
    expect(asked.filter((path) => path !== "POST /api/chat")).toEqual([]);
  });
});

describe("what is said of scarce memory", () => {
  const ask = { model: "m:7b", sizeBytes: 5 * gib, contextTokens: 8192, parallel: 1, isInstalled: true };
  const other = { name: "big:32b", backend: "embedded", sizeBytes: 20 * gib, vramBytes: 0 };

  it("names the model of another server that takes most", () => {
    const said = scarcityOf(ask, { memoryBytes: 32 * gib, freeBytes: 3 * gib }, [
      { ...other, name: "s", sizeBytes: 1 },
      other,
    ]);
    expect(said?.kind).toBe("notice");
    expect(formatMessage(said?.text ?? { template: "", args: [] })).toContain("unload big:32b");
  });

  it("is nothing where it fits, where a card takes what memory does not, and where memory is not known", () => {
    expect(scarcityOf(ask, { memoryBytes: 32 * gib, freeBytes: 16 * gib }, [other])).toBeUndefined();
    expect(scarcityOf(ask, { memoryBytes: 32 * gib, freeBytes: 3 * gib, vramBytes: 24 * gib }, [])).toBeUndefined();
    expect(scarcityOf(ask, {}, [])).toBeUndefined();
  });

  it("is a refusal only of what cannot be held by all memory together, of a container by its limit", () => {
    expect(scarcityOf(ask, { memoryBytes: 6 * gib }, [])?.kind).toBe("notice");
    expect(scarcityOf(ask, { memoryBytes: 64 * gib, limitBytes: 4 * gib }, [])?.kind).toBe("refusal");
    expect(scarcityOf(ask, { memoryBytes: 4 * gib, vramBytes: 8 * gib }, [])).toBeUndefined();
  });

  it("is looked for only where there is not plenty", () => {
    expect(isPlenty(16 * gib, 4 * gib)).toBe(true);
    expect(isPlenty(10 * gib, 4 * gib)).toBe(false);
    expect(isPlenty(64 * gib, undefined)).toBe(false);
  });
});
