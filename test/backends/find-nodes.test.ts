import { afterEach, expect, it } from "vitest";
import { findNode, isLoopback, normalizeAddress } from "../../src/backends/find-nodes.ts";
import { type ScriptedServer, sendJson, startScriptedServer } from "./scripted-server.ts";

const never = new AbortController().signal;
const servers: ScriptedServer[] = [];

afterEach(async () => {
  await Promise.all(servers.splice(0).map((server) => server.close()));
});

async function serve(...args: Parameters<typeof startScriptedServer>): Promise<string> {
  const server = await startScriptedServer(...args);
  servers.push(server);
  return server.url;
}

const ollama = () => serve({ "GET /api/version": (_, response) => sendJson(response, { version: "0.40.1" }) });
/** Nothing on this machine's own ports may decide a test. */
const onlyTest: typeof fetch = (input, init) =>
  String(input).includes(":11434") ? Promise.reject(new TypeError("refused by the test")) : fetch(input, init);

it("uses the configured address when an Ollama answers there", async () => {
  const url = await ollama();
  const found = await findNode({ configured: url, env: {}, fetch: onlyTest, extraAddresses: [] }, never);
  expect(found).toEqual({
    node: { address: url, version: "0.40.1" },
    tried: [{ address: url, outcome: "Ollama 0.40.1" }],
  });
});

it("goes on to OLLAMA_HOST and the host of a container, and tells why the others failed", async () => {
  const url = await ollama();
  const stranger = await serve({
    "GET /api/version": (_, response) => response.writeHead(200, { "content-type": "text/html" }).end("<html>"),
  });
  const found = await findNode(
    { configured: "http://127.0.0.1:9", env: { OLLAMA_HOST: stranger }, fetch: onlyTest, extraAddresses: [url] },
    never,
  );
  expect(found.node?.address).toBe(url);
  expect(found.tried).toEqual([
    { address: "http://127.0.0.1:9", outcome: expect.any(String) },
    { address: "http://127.0.0.1:11434", outcome: "refused by the test" },
    { address: "http://[::1]:11434", outcome: "refused by the test" },
    { address: stranger, outcome: "HTTP 200, not Ollama" },
    { address: url, outcome: "Ollama 0.40.1" },
  ]);
});

it("does not wait for a server that takes the connection and says nothing", async () => {
  const silent = await serve({ "GET /api/version": () => undefined });
  const found = await findNode(
    { configured: silent, env: {}, fetch: onlyTest, extraAddresses: [], timeoutMs: 80 },
    never,
  );
  expect(found.tried[0]).toEqual({ address: silent, outcome: "no answer in time" });
});

it("stops looking when cancelled", async () => {
  const silent = await serve({ "GET /api/version": () => undefined });
  const stop = new AbortController();
  const search = findNode({ configured: silent, env: {}, fetch: onlyTest, extraAddresses: [] }, stop.signal);
  setTimeout(() => stop.abort(), 30);
  await expect(search).rejects.toMatchObject({ name: "AbortError" });
});

it.each([
  ["0.0.0.0", "http://127.0.0.1:11434"],
  ["0.0.0.0:8080", "http://127.0.0.1:8080"],
  [":5000", "http://127.0.0.1:5000"],
  ["[::]:11434", "http://[::1]:11434"],
  ["gpu-box", "http://gpu-box:11434"],
  ["gpu-box:80", "http://gpu-box"],
  ["https://models.example.com/ollama/", "https://models.example.com/ollama"],
  ["file:///etc/passwd", undefined],
  ["", undefined],
])("reads OLLAMA_HOST %j as %j", (text, address) => {
  expect(normalizeAddress(text)).toBe(address);
});

it("knows which addresses stay on this machine", () => {
  expect(["http://127.0.0.1:1", "http://[::1]:1", "http://localhost:1"].every(isLoopback)).toBe(true);
  expect(["http://10.0.0.2:1", "http://127.evil.example", "http://localhost.evil.example"].some(isLoopback)).toBe(
    false,
  );
});
