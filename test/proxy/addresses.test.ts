// Addresses as programs in the wild write them, and what is told where nothing is.
import { gzipSync } from "node:zlib";
import { expect, it } from "vitest";
import { cloudModels } from "../../src/core/cost.ts";
import { testKey } from "../backends/claude-server.ts";
import { anthropicFor, failure, question } from "./clients.ts";
import { known, post, rawRequest, startProxy, token } from "./harness.ts";
import { ask, small, start, withKey } from "./passing.ts";

const claudes = { "anthropic-version": "2023-06-01" };

it.each([
  ["GET", "/v1/models/"],
  ["GET", "//v1/models"],
  ["GET", "/api//tags/"],
  ["GET", "/health/"],
  ["POST", "/v1/chat/completions/"],
])("%s %s is what it is without the slash too many", async (method, path) => {
  const { port } = await startProxy();
  const body = method === "POST" ? JSON.stringify({ messages: question }) : "";
  const host = `127.0.0.1:${port}`;
  expect((await rawRequest(port, { method, path, headers: { ...known, host }, body })).status).toBe(200);
});

it("an address that changes models is refused, however many slashes it has", async () => {
  const { port, ollama } = await startProxy();
  for (const path of ["/api/pull/", "//api/pull", "/api//blobs/sha256:1/"]) {
    const answer = await rawRequest(port, { method: "POST", path, headers: { ...known, host: `127.0.0.1:${port}` } });
    expect(answer.status, path).toBe(403);
  }
  expect(ollama.requests.filter((each) => each.includes("pull"))).toEqual([]);
});

it("a slash too many costs as much as none where Claude is asked", async () => {
  const running = await start();
  expect((await ask(running, small, withKey, "//v1/messages/?beta=true")).status).toBe(200);
  expect(running.claude.requests.map(({ path }) => path)).toEqual(["/v1/messages?beta=true"]);
  const [entry] = await running.app.ledger.list();
  expect(entry?.costUsd).toBeGreaterThan(0);
});

it("who asks at no address is told the base addresses, and who asks wrongly how it is asked", async () => {
  const { port } = await startProxy();
  const headers = { ...known, host: `127.0.0.1:${port}` };
  for (const path of ["/chat/completions", "/v1/v1/messages", "/v1/files"]) {
    const answer = await rawRequest(port, { method: "POST", path, headers });
    expect(answer.status).toBe(404);
    expect(answer.text).toContain("OpenAI’s clients ends in /v1");
  }
  const wrong = await rawRequest(port, { method: "GET", path: "/v1/chat/completions", headers });
  expect(wrong).toMatchObject({ status: 405, headers: { allow: "POST" }, text: expect.stringContaining("POST") });
});

it("a packed body is refused as one", async () => {
  const { url } = await startProxy();
  const body = gzipSync(JSON.stringify({ messages: question }));
  const headers = { ...known, "content-encoding": "gzip" };
  const answer = await fetch(`${url}/v1/chat/completions`, { method: "POST", headers, body });
  expect(answer.status).toBe(415);
  expect(await answer.text()).toContain("content-encoding");
});

it("one model is told to Anthropic's client, by each of its names", async () => {
  const running = await startProxy();
  const client = anthropicFor(running);
  for (const name of ["claude-local-llama3.1:8b", "claude-switchyard-auto"]) {
    expect(await client.models.retrieve(name)).toMatchObject({ type: "model", id: name });
  }
  expect(await failure(client.models.retrieve("claude-local-none"))).toMatchObject({ status: 404 });
});

it("Claude's own models are listed to Anthropic's clients where they are passed on, and nowhere else", async () => {
  const listed = async (running: { readonly url: string }, headers: Record<string, string>) => {
    const answer = await fetch(`${running.url}/v1/models?limit=1000`, { headers });
    const { data } = await answer.json();
    return data.map(({ id }: { readonly id: string }) => id);
  };
  const names = cloudModels.map(({ name }) => name);
  const passing = await start();
  const mine = { "x-switchyard-token": token, "x-api-key": testKey, ...claudes };
  expect(await listed(passing, mine)).toEqual(expect.arrayContaining([...names, "claude-local-llama3.1:8b"]));
  expect(await listed(passing, known)).not.toContain(names[0]);
  const closed = await startProxy();
  expect(await listed(closed, { ...known, ...claudes })).not.toContain(names[0]);
  const open = await start([], {}, { options: { token: undefined } });
  expect(await listed(open, claudes)).not.toContain(names[0]);
  expect((await post(open.url, "/v1/messages", small, { headers: withKey })).status).toBe(403);
});
