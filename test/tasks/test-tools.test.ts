// Whether a model calls tools, found out over HTTP from servers that answer as told; by the app as its hosts have it.
import { readFile, stat } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, it, onTestFinished } from "vitest";
import { createApp } from "../../src/app.ts";
import type { App } from "../../src/core/app.ts";
import { formatMessage } from "../../src/core/message.ts";
import { defaultSettings, type Settings } from "../../src/core/settings.ts";
import type { Ask } from "../../src/core/task.ts";
import { beginLines, doneLine, type Handler, sendJson, tokenLine } from "../backends/scripted-server.ts";

import {
  callLine,
  calls,
  home,
  lines,
  name,
  serve,
  type ToolServer,
  tag,
  talks,
  verdicts,
} from "./tool-test-server.ts";

const never = new AbortController().signal;

function open(server: ToolServer, settings: Partial<Settings> = {}): App {
  const app = createApp({
    settings: { ...defaultSettings, engine: "ollama", ollamaUrl: server.url, ...settings },
    folders: { home: home(), engineEntry: "none" },
    log: () => undefined,
    env: {},
    askedBy: "proxy",
  });
  onTestFinished(() => app.dispose());
  return app;
}

const withTools = (over: Partial<Ask> = {}): Ask => ({
  kind: "chat",
  text: "What is the weather?",
  sources: [],
  history: [],
  ownPrompt: {
    system: "",
    toolUse: { tools: [{ name: "weather", parameters: {} }], choice: { kind: "auto" }, isParallel: true },
  },
  ...over,
});

describe("the test of a model", () => {
  it("offers one tool, forces nothing, asks once, and is kept in a private file with server and digest", async () => {
    const server = await serve(calls, tag(name, "d1", "tools"));
    const app = open(server);
    const [test] = await app.testTools(name, never);
    expect(test).toMatchObject({ calls: "yes", model: name, digest: "d1", backend: expect.stringContaining("Ollama") });
    expect(Math.abs(Date.now() - (test?.atMs ?? 0))).toBeLessThan(10_000);
    expect(server.asked()).toHaveLength(1);
    expect(server.asked()[0]).toMatchObject({ tools: [{ function: { name: "current_time" } }], think: false });
    expect(server.asked()[0]).not.toHaveProperty("format");
    const file = join(home(), "tool-tests.json");
    expect((await stat(file)).mode & 0o777).toBe(0o600);
    expect(JSON.parse(await readFile(file, "utf8")).tests).toEqual([test]);
    expect((await app.models(never))[0]?.toolTest).toEqual(test);
  });

  it.each([
    [
      "a call written as text",
      "text",
      lines(tokenLine('{"name": "current_time", "argu'), tokenLine('ments": {"city": "Oslo"}}')),
    ],
    ["words", "no", talks],
    ["a call without what it needs", "no", lines(callLine("current_time", {}))],
    ["a call of a tool that is not there", "no", lines(callLine("clock", { city: "Oslo" }))],
    [
      "a written call that was cut",
      "no",
      ((_, response) => {
        beginLines(response);
        const text = '<tool_call>{"name": "current_time", "arguments": {"city": "Oslo"}}';
        response.end(tokenLine(text) + doneLine({ done_reason: "length" }));
      }) satisfies Handler,
    ],
  ] as const)("takes %s for “%s”", async (_, verdict, chat) => {
    const app = open(await serve(chat, tag(name, "d1", "tools")));
    expect(verdicts(await app.testTools(name, never))).toEqual([verdict]);
  });

  it("is made of each build that there is, and of equal weights once", async () => {
    const first = await serve(talks, tag(name, "d1", "tools"));
    const same = await serve(calls, tag(name, "d1", "tools"));
    const other = await serve(calls, tag(name, "d2", "tools"));
    const app = open(first, { nodes: [{ url: same.url }, { url: other.url }] });
    const tests = await app.testTools(name, never);
    expect(verdicts(tests).sort()).toEqual(["no", "yes"]);
    expect(first.asked().length + same.asked().length + other.asked().length).toBe(2);
    expect((await app.models(never)).map(({ toolTest }) => toolTest?.calls)).toHaveLength(3);
    expect((await app.models(never)).every(({ toolTest }) => toolTest !== undefined)).toBe(true);
  });

  it("is not made where there is nothing to find out", async () => {
    const server = await serve(calls, tag(name, "d1"), {
      ...tag("big:cloud", "d2", "tools"),
      remote_host: "https://ollama.com",
      remote_model: "big",
    });
    const app = open(server);
    await expect(app.testTools(name, never)).rejects.toMatchObject({ kind: "bad-input" });
    await expect(app.testTools("big:cloud", never)).rejects.toMatchObject({ kind: "bad-input" });
    await expect(app.testTools("gone:1b", never)).rejects.toMatchObject({ kind: "model-missing" });
    expect(server.asked()).toEqual([]);
  });

  it("is not tried again and not kept where the server fails", async () => {
    const server = await serve((_, response) => sendJson(response, { error: "broken" }, 500), tag(name, "d1", "tools"));
    const app = open(server);
    await expect(app.testTools(name, never)).rejects.toMatchObject({ kind: "server-error" });
    expect(server.asked()).toHaveLength(1);
    expect((await app.models(never))[0]?.toolTest).toBeUndefined();
  });

  it("never runs by itself", async () => {
    const server = await serve(calls, tag(name, "d1", "tools"));
    const app = open(server);
    await Promise.all([app.models(never), app.status(never), app.preview(withTools(), never)]);
    await app.load({ model: name }, never);
    expect(server.asked()).toEqual([]);
  });
});

describe("a model that failed its test", () => {
  it("gets no questions with tools: others do, and it is said why", async () => {
    const server = await serve(talks, tag(name, "d1", "tools"), tag("small:1b", "d2", "tools"));
    const app = open(server, { pinnedModels: { chat: name } });
    expect((await app.preview(withTools(), never)).model).toBe(name);
    await app.testTools(name, never);
    const route = await app.preview(withTools(), never);
    expect(route.model).toBe("small:1b");
    expect(formatMessage(route.why)).toContain(`${name} called no tool when it was tested`);
    await expect(app.preview(withTools({ model: name }), never)).rejects.toThrow(
      /qwen2\.5:7b called no tool when it was tested on \d{4}-\d\d-\d\d\..* small:1b can/,
    );
    // Everything else it does as before.
    expect((await app.preview({ kind: "chat", text: "Hello", sources: [], history: [] }, never)).model).toBe(name);
  });

  it("is named where no other can", async () => {
    const app = open(await serve(talks, tag(name, "d1", "tools")));
    await app.testTools(name, never);
    await expect(app.preview(withTools(), never)).rejects.toThrow(/qwen2\.5:7b called none when it was tested/);
  });

  it("still makes the calls that it has to make: a grammar sees to them", async () => {
    const app = open(await serve(talks, tag(name, "d1", "tools")));
    await app.testTools(name, never);
    const toolUse = {
      tools: [{ name: "weather", parameters: {} }],
      choice: { kind: "required" as const },
      isParallel: true,
    };
    expect((await app.preview(withTools({ ownPrompt: { system: "", toolUse } }), never)).model).toBe(name);
  });

  it("is tested again when a person wants it, and what it comes to then counts", async () => {
    let chat: Handler = talks;
    const server = await serve((...given) => chat(...given), tag(name, "d1", "tools"));
    const app = open(server);
    expect(verdicts(await app.testTools(name, never))).toEqual(["no"]);
    chat = calls;
    expect(verdicts(await app.testTools(name, never))).toEqual(["yes"]);
    expect((await app.preview(withTools(), never)).model).toBe(name);
  });

  it("has not failed any more when its name has other weights", async () => {
    const server = await serve(talks, tag(name, "d1", "tools"));
    const app = open(server);
    await app.testTools(name, never);
    server.tags = [tag(name, "d2", "tools")];
    app.configure(app.settings());
    expect((await app.models(never))[0]).not.toHaveProperty("toolTest");
    expect((await app.preview(withTools(), never)).model).toBe(name);
  });

  it("has failed in other windows and in the service as well", async () => {
    const server = await serve(talks, tag(name, "d1", "tools"));
    await open(server).testTools(name, never);
    expect((await open(server).models(never))[0]?.toolTest?.calls).toBe("no");
  });
});
