// What a window of the editor keeps here holds for what its agents ask through the service.
import { mkdtemp, realpath, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { Client, StreamableHTTPClientTransport } from "@modelcontextprotocol/client";
import { describe, expect, it, onTestFinished } from "vitest";
import { asksFolders, type WindowRules } from "../../src/core/window-rules.ts";
import { createMcpEndpoint } from "../../src/mcp/http.ts";
import { ollamaRoutes, type ScriptedServer, startScriptedServer } from "../backends/scripted-server.ts";
import { known, post, sayHello, startProxy, tag } from "./harness.ts";

/** A server of the network, as far as the product can see. */
const remote = "http://10.11.12.13:11434";

/** @param atQuestion while the person is asked what to do with a secret */
async function start(settings: { trustedHosts?: readonly string[] } = {}, atQuestion: () => void = () => undefined) {
  const folder = await realpath(await mkdtemp(join(tmpdir(), "switchyard-windows-")));
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  await writeFile(join(folder, "mean.js"), "export const mean = (xs) => xs.length;\n");
  const box: ScriptedServer = await startScriptedServer({
    ...ollamaRoutes([tag("box:9b", "completion")]),
    "POST /api/chat": sayHello,
  });
  onTestFinished(() => box.close());
  const windows: WindowRules[] = [];
  const throughBox: typeof fetch = (input, init) => {
    const url = typeof input === "string" ? input : input instanceof URL ? input.href : input.url;
    return fetch(url.startsWith(remote) ? url.replace(remote, box.url) : input, init);
  };
  const running = await startProxy({
    settings: { nodes: [{ url: remote }], cache: false, ...settings },
    app: {
      windows: () => windows,
      fetch: throughBox,
      mayLeave: async () => {
        atQuestion();
        return { kind: "allow", by: "once", secrets: "mask" };
      },
    },
    options: {
      mounts: (run) => [
        createMcpEndpoint({
          run,
          version: "1.2.3",
          home: join(folder, "home"),
          log: () => undefined,
          readsFiles: true,
          asksFolders: () => asksFolders(windows),
        }),
      ],
    },
  });
  const reached = () => box.requests.filter((request) => request === "POST /api/chat").length;
  const ask = async (content = "x") =>
    (await post(running.url, "/v1/chat/completions", { model: "box:9b", messages: [{ role: "user", content }] }))
      .status;
  const mcp = async (mode: "legacy" | "auto", roots: readonly string[] | undefined, paths?: readonly string[]) => {
    const client = new Client(
      { name: "test", version: "1" },
      { capabilities: roots ? { roots: {} } : {}, versionNegotiation: { mode } },
    );
    if (roots)
      client.setRequestHandler("roots/list", () => ({
        roots: roots.map((path) => ({ uri: pathToFileURL(path).href })),
      }));
    const address = new URL(`${running.url}/mcp`);
    await client.connect(new StreamableHTTPClientTransport(address, { requestInit: { headers: known } }));
    onTestFinished(() => client.close());
    const input = { prompt: "What is this?", model: "box:9b", ...(paths ? { paths } : {}) };
    const { isError = false } = await client.callTool({ name: "local_llm", arguments: input });
    return isError === false;
  };
  return { folder, windows, reached, ask, mcp };
}

describe("a window that is local only", () => {
  it("keeps what may be about it from servers of the network: all that tells no folders", async () => {
    const { folder, windows, reached, ask, mcp } = await start();
    expect([await ask(), await mcp("legacy", undefined), reached()]).toEqual([200, true, 2]);
    windows.push({ offline: false, localOnly: [folder] });
    expect([await ask(), await mcp("legacy", undefined), await mcp("auto", undefined)]).toEqual([403, false, false]);
    expect(reached()).toBe(2);
    windows.pop();
    expect([await ask(), reached()]).toEqual([200, 3]);
  });

  it.each(["legacy", "auto"] as const)(
    "keeps those that work in its folder, with files and without; %s",
    async (mode) => {
      const { folder, windows, reached, mcp } = await start();
      windows.push({ offline: false, localOnly: [folder] });
      expect(await mcp(mode, [folder])).toBe(false);
      expect(await mcp(mode, [folder], ["mean.js"])).toBe(false);
      expect(await mcp(mode, [join(tmpdir(), "..")], [join(folder, "mean.js")])).toBe(false);
      expect(reached()).toBe(0);
      windows[0] = { offline: false, localOnly: [join(folder, "elsewhere")] };
      const other = await realpath(await mkdtemp(join(tmpdir(), "switchyard-other-")));
      onTestFinished(() => rm(other, { recursive: true, force: true }));
      await writeFile(join(other, "notes.md"), "Some notes.\n");
      expect([await mcp(mode, [other]), await mcp(mode, [other], ["notes.md"])]).toEqual([true, true]);
      expect(reached()).toBe(2);
    },
  );

  it("keeps it also where it becomes so before it was sent", async () => {
    const key = ["sk", "ant", "api03", "Zq8vN2mX7rT4yB9cK1pL6wD3sF5gH0jA"].join("-");
    const { folder, windows, reached, ask } = await start({}, () => {
      if (windows.length === 0 && isClosing) windows.push({ offline: false, localOnly: [folder] });
    });
    let isClosing = false;
    expect([await ask(`apiKey = "${key}"`), reached()]).toEqual([200, 1]);
    isClosing = true;
    expect([await ask(`apiKey = "${key}" again`), reached()]).toEqual([403, 1]);
  });

  it("lets it go to hosts of the person's own", async () => {
    const { folder, windows, reached, ask } = await start({ trustedHosts: ["10.11.12.13"] });
    windows.push({ offline: false, localOnly: [folder] });
    expect([await ask(), reached()]).toEqual([200, 1]);
  });
});

it("a window that is offline makes the service offline, and takes it back when it closes", async () => {
  const { windows, reached, ask, mcp } = await start({ trustedHosts: ["10.11.12.13"] });
  expect([await ask(), reached()]).toEqual([200, 1]);
  windows.push({ offline: true, localOnly: [] });
  expect([await ask(), await mcp("auto", [tmpdir()])]).toEqual([403, false]);
  expect(reached()).toBe(1);
  windows.pop();
  expect([await ask(), reached()]).toEqual([200, 2]);
});
