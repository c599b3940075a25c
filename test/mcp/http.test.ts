// The tools over HTTP, in the service, with clients of both generations and with the protocol's own conformance suite.
import { execFile } from "node:child_process";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { Client, StreamableHTTPClientTransport } from "@modelcontextprotocol/client";
// biome-ignore lint/correctness/noUnresolvedImports: it does not know exports with a wildcard.
import { Client as OldClient } from "@modelcontextprotocol/sdk/client/index.js";
// biome-ignore lint/correctness/noUnresolvedImports: it does not know exports with a wildcard.
import { StreamableHTTPClientTransport as OldTransport } from "@modelcontextprotocol/sdk/client/streamableHttp.js";
// biome-ignore lint/correctness/noUnresolvedImports: it does not know exports with a wildcard.
import { ListRootsRequestSchema } from "@modelcontextprotocol/sdk/types.js";
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from "vitest";
import { createMcpEndpoint } from "../../src/mcp/http.ts";
import { beginLines, doneLine, type Handler, tokenLine } from "../backends/scripted-server.ts";
import { known, type Running, rawRequest, sayForever, startProxy, token, until } from "../proxy/harness.ts";
import { newFolder } from "./session.ts";

let folder: Awaited<ReturnType<typeof newFolder>>;
beforeAll(async () => {
  folder = await newFolder();
  await writeFile(join(folder.path, "mean.js"), "export const mean = (xs) => xs.length;\n");
  await writeFile(join(folder.path, ".env"), "PASSWORD=x\n");
});
afterAll(() => folder.remove());

async function serve(over: Parameters<typeof startProxy>[0] = {}, readsFiles = true): Promise<Running> {
  const home = join(folder.path, "home");
  return startProxy({
    ...over,
    options: {
      mounts: (run) => [createMcpEndpoint({ run, version: "1.2.3", home, log: () => undefined, readsFiles })],
      ...over.options,
    },
  });
}

const says =
  (text: string): Handler =>
  (_, response) => {
    beginLines(response);
    response.end(tokenLine(text) + doneLine());
  };
const headers = { authorization: `Bearer ${token}` };

interface Caller {
  call(
    name: string,
    input: Record<string, unknown>,
    options?: { signal?: AbortSignal; onprogress?: (progress: { message?: string | undefined }) => void },
  ): Promise<Readonly<Record<string, unknown>>>;
  tools(): Promise<readonly string[]>;
}

async function newClient(url: string, roots: readonly string[] | undefined, mode: "legacy" | "auto"): Promise<Caller> {
  const client = new Client(
    { name: "test", version: "1" },
    { capabilities: roots ? { roots: {} } : {}, versionNegotiation: { mode } },
  );
  if (roots) client.setRequestHandler("roots/list", () => ({ roots: roots.map((uri) => ({ uri })) }));
  await client.connect(new StreamableHTTPClientTransport(new URL(`${url}/mcp`), { requestInit: { headers } }));
  onTestFinished(() => client.close());
  expect(client.getProtocolEra()).toBe(mode === "legacy" ? "legacy" : "modern");
  return {
    call: (name, input, options) => client.callTool({ name, arguments: input }, options),
    tools: async () => (await client.listTools()).tools.map((tool) => tool.name),
  };
}

async function oldClient(url: string, roots: readonly string[] | undefined): Promise<Caller> {
  const client = new OldClient({ name: "old", version: "1" }, { capabilities: roots ? { roots: {} } : {} });
  if (roots) client.setRequestHandler(ListRootsRequestSchema, () => ({ roots: roots.map((uri) => ({ uri })) }));
  const transport = new OldTransport(new URL(`${url}/mcp`), { requestInit: { headers } });
  // The package's own types differ from each other where optional values are told exactly.
  await client.connect(transport as Parameters<typeof client.connect>[0]);
  onTestFinished(() => client.close());
  return {
    call: (name, input, options) => client.callTool({ name, arguments: input }, undefined, options),
    tools: async () => (await client.listTools()).tools.map((tool) => tool.name),
  };
}

const generations = [
  ["2026", (url: string, roots?: readonly string[]) => newClient(url, roots, "auto")],
  ["2025 in the newer package", (url: string, roots?: readonly string[]) => newClient(url, roots, "legacy")],
  ["2025 in the older package", (url: string, roots?: readonly string[]) => oldClient(url, roots)],
] as const;

describe.each(generations)("over HTTP, to a client of %s,", (_, connect) => {
  it("the same tools are offered, and answer as text and as data with progress before", async () => {
    const { url } = await serve({ chat: says("Hello there.") });
    const { call, tools } = await connect(url);
    expect(await tools()).toEqual(["local_llm", "translate", "review_code", "explain_code", "write_docs"]);
    const heard: (string | undefined)[] = [];
    const result = await call(
      "local_llm",
      { prompt: "Say hello.", task_type: "general" },
      { onprogress: ({ message }) => heard.push(message) },
    );
    expect(result["isError"]).toBeFalsy();
    expect(result["structuredContent"]).toMatchObject({ model: "llama3.1:8b", complete: true, truncated: false });
    expect(JSON.stringify(result["content"])).toMatch(/It is data: .*Hello there\./);
    expect(heard).toContain("Asked llama3.1:8b");
  });

  it("files of its roots are read, others and private ones are not", async () => {
    const { url, asked } = await serve({ chat: says("It is a file.") });
    const { call } = await connect(url, [pathToFileURL(folder.path).href]);
    const read = await call("explain_code", { paths: ["mean.js"] });
    expect(JSON.stringify(read["content"])).toContain("It is a file.");
    for (const path of ["/etc/passwd", "../outside.txt", ".env"]) {
      expect((await call("explain_code", { paths: [path] }))["isError"], path).toBe(true);
    }
    expect(asked()).toHaveLength(1);
  });

  it("nothing of this machine is read where it tells no roots", async () => {
    const { url, asked } = await serve({ chat: says("It is a file.") });
    const { call } = await connect(url);
    const result = await call("explain_code", { paths: [join(folder.path, "mean.js")] });
    expect(result["isError"]).toBe(true);
    expect(asked()).toHaveLength(0);
  });

  it("nothing is read where strangers may ask, whatever roots it tells", async () => {
    const { url, asked } = await serve({ chat: says("It is a file.") }, false);
    const { call } = await connect(url, [pathToFileURL("/").href, pathToFileURL(folder.path).href]);
    const result = await call("explain_code", { paths: [join(folder.path, "mean.js")] });
    expect(result["isError"]).toBe(true);
    expect(JSON.stringify(result["content"])).toContain("No files are read here");
    expect(asked()).toHaveLength(0);
  });

  it("cancelling stops the model", async () => {
    let hasStopped = false;
    const { url, asked } = await serve({
      chat: sayForever(() => {
        hasStopped = true;
      }),
    });
    const { call } = await connect(url);
    const stop = new AbortController();
    const calling = call("local_llm", { prompt: "Tell me a story." }, { signal: stop.signal });
    await until(() => asked().length === 1);
    stop.abort();
    await expect(calling).rejects.toThrow();
    await until(() => hasStopped);
  });
});

/** One message as a program without a library of the protocol sends it. */
const message = (method: string, params: object = {}) =>
  JSON.stringify({ jsonrpc: "2.0", id: 1, method, params: { ...params } });
const accepting = { ...known, accept: "application/json, text/event-stream" };
const initialize = message("initialize", {
  protocolVersion: "2025-06-18",
  capabilities: {},
  clientInfo: { name: "raw", version: "1" },
});

describe("the address of the tools", () => {
  it("is closed to whom the service does not know, to web pages and to other names", async () => {
    const { port } = await serve();
    const ask = (headers: Record<string, string>) =>
      rawRequest(port, { method: "POST", path: "/mcp", headers, body: initialize });
    expect((await ask({ ...accepting, authorization: "Bearer wrong" })).status).toBe(401);
    expect((await ask({ ...accepting, origin: "https://evil.example" })).status).toBe(403);
    expect((await ask({ ...accepting, host: "evil.example" })).status).toBe(403);
    expect((await ask({ ...accepting, "content-type": "text/plain" })).status).toBe(415);
    expect((await ask(accepting)).status).toBe(200);
  });

  it("stops the model when the connection of a waiting client is cut", async () => {
    let hasStopped = false;
    const { url, port, asked } = await serve({
      chat: sayForever(() => {
        hasStopped = true;
      }),
    });
    const begun = await rawRequest(port, { method: "POST", path: "/mcp", headers: accepting, body: initialize });
    const session = String(begun.headers["mcp-session-id"]);
    const left = new AbortController();
    const call = fetch(`${url}/mcp`, {
      method: "POST",
      headers: { ...accepting, "mcp-session-id": session },
      body: message("tools/call", { name: "local_llm", arguments: { prompt: "Tell me a story." } }),
      signal: left.signal,
    }).then((response) => response.text());
    await until(() => asked().length === 1);
    left.abort();
    await expect(call).rejects.toThrow();
    await until(() => hasStopped);
  });

  it("tells a client whose session is gone to begin anew", async () => {
    const { port } = await serve();
    const headers = { ...accepting, "mcp-session-id": "gone" };
    const answer = await rawRequest(port, { method: "POST", path: "/mcp", headers, body: message("tools/list") });
    expect(answer.status).toBe(404);
    expect(answer.text).toContain("Session not found");
  });

  it("keeps nobody from stopping who only listens, and lets a call finish", async () => {
    const { port, proxy, asked } = await serve({
      chat: (_, response) => {
        beginLines(response);
        setTimeout(() => response.end(tokenLine("Done in time.") + doneLine()), 400);
      },
    });
    const begun = await rawRequest(port, { method: "POST", path: "/mcp", headers: accepting, body: initialize });
    const inSession = { ...accepting, "mcp-session-id": String(begun.headers["mcp-session-id"]) };
    const listening = rawRequest(port, { path: "/mcp", headers: { ...inSession, accept: "text/event-stream" } });
    const call = rawRequest(port, {
      method: "POST",
      path: "/mcp",
      headers: inSession,
      body: message("tools/call", { name: "local_llm", arguments: { prompt: "Say something." } }),
    });
    await until(() => asked().length === 1);
    const startMs = performance.now();
    await proxy.drain(20_000);
    expect(performance.now() - startMs).toBeLessThan(10_000);
    expect((await call).text).toContain("Done in time.");
    expect((await listening).status).toBe(200);
  });
});

/** Of the protocol's own suite: what a server with tools and nothing else has to do. */
const applying = ["server-initialize", "ping", "tools-list", "server-sse-multiple-streams", "dns-rebinding-protection"];
/** About resources, prompts, completion, logging, sampling and elicitation, which this server has none of… */
const foreign =
  /^(resources-|prompts-|completion-|logging-|elicitation-|tools-call-(with-logging|sampling|elicitation)$)/;
/** …or about tools of a sample server, under the names they have there. */
const ofSampleServer =
  /^(tools-call-(simple-text|image|audio|embedded-resource|mixed-content|error|with-progress)|json-schema-2020-12|server-sse-polling)$/;
const suite = join(import.meta.dirname, "../../node_modules/@modelcontextprotocol/conformance/dist/index.js");

function runSuite(...args: readonly string[]): Promise<{ code: number; out: string }> {
  return new Promise((resolve) => {
    execFile(process.execPath, [suite, ...args], { cwd: folder.path }, (error, stdout, stderr) =>
      resolve({ code: error ? 1 : 0, out: stdout + stderr }),
    );
  });
}

describe("the protocol's conformance suite", () => {
  it.each(applying)("is passed: %s", async (scenario) => {
    const { url } = await serve({ options: { token: undefined } });
    const { code, out } = await runSuite("server", "--url", `${url}/mcp`, "--scenario", scenario);
    expect(code, out).toBe(0);
    expect(out).toMatch(/Passed: (\d+)\/\1,/);
    expect(out).not.toMatch(/Passed: 0\//);
  });

  it("has no other scenario that applies to a server with tools alone", async () => {
    const { out } = await runSuite("list");
    const scenarios = [...(out.split("Client scenarios")[0] ?? "").matchAll(/^ {2}- ([\w-]+)/gm)].map(
      (each) => each[1] ?? "",
    );
    expect(scenarios.length).toBeGreaterThan(25);
    const others = scenarios.filter((each) => !foreign.test(each) && !ofSampleServer.test(each));
    expect(new Set(others)).toEqual(new Set(applying));
  });
});
