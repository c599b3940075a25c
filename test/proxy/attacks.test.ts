// What the service does with those it should not serve, and with what it should not swallow.
import { connect } from "node:net";
import { expect, it } from "vitest";
import { beginLines, doneLine, tokenLine } from "../backends/scripted-server.ts";
import { known, post, rawBytes, rawRequest, startProxy, token } from "./harness.ts";

const question = [{ role: "user", content: "hi there" }];
const json = { "content-type": "application/json" };

it("case 39: refuses a name that is not this machine's, as a rebound one would be", async () => {
  const { port } = await startProxy();
  for (const host of ["evil.example", "evil.example:8000", "127.0.0.1.evil.example", "localhost.evil", "2130706433"]) {
    expect((await rawRequest(port, { headers: { ...known, host } })).status).toBe(403);
  }
  for (const host of ["localhost", `127.0.0.1:${port}`, `[::1]:${port}`]) {
    expect((await rawRequest(port, { headers: { ...known, host } })).status).toBe(200);
  }
});

it("case 40 and 42: refuses web pages, also those that hide where they are from, and never lets a page read an answer", async () => {
  const { port } = await startProxy();
  for (const origin of ["https://evil.example", "null", `http://localhost:${port}`, "file://"]) {
    for (const path of ["/api/tags", "/health", "/"]) {
      const answer = await rawRequest(port, { path, headers: { ...known, origin } });
      expect(answer.status).toBe(403);
      expect(answer.headers["access-control-allow-origin"]).toBeUndefined();
    }
  }
  const preflight = await rawRequest(port, {
    method: "OPTIONS",
    path: "/api/chat",
    headers: { origin: "https://evil.example", "access-control-request-method": "POST" },
  });
  expect(preflight.status).toBe(403);
  expect(Object.keys(preflight.headers).filter((name) => name.startsWith("access-control"))).toEqual([]);
});

it("case 41: refuses what a form of a web page could send", async () => {
  const { url } = await startProxy();
  for (const type of ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data", ""]) {
    const headers = { authorization: known.authorization, "content-type": type };
    expect((await post(url, "/api/chat", { model: "m", messages: question }, { headers })).status).toBe(415);
  }
});

it("case 44: asks for the token everywhere but for its health, and repeats it nowhere", async () => {
  const { url, log } = await startProxy();
  const body = { model: "llama3.1:8b", messages: question };
  for (const headers of [
    json,
    { ...json, authorization: "Bearer wrong" },
    { ...json, authorization: `Bearer ${token}x` },
    { ...json, authorization: "Bearer " },
    { ...json, "x-api-key": token.slice(0, -1) },
  ]) {
    for (const path of ["/api/chat", "/v1/messages", "/v1/chat/completions", "/nothing"]) {
      const answer = await post(url, path, body, { headers });
      expect(answer.status).toBe(401);
      expect(answer.headers.get("www-authenticate")).toBe("Bearer");
    }
  }
  const basic = `Basic ${Buffer.from(`any:${token}`).toString("base64")}`;
  for (const headers of [{ "x-api-key": token }, { authorization: basic }, { authorization: `bearer ${token}` }]) {
    expect((await fetch(`${url}/api/tags`, { headers })).status).toBe(200);
  }
  await post(url, "/api/chat", { model: token, messages: [{ role: "tool", content: token }] });
  const metrics = await (await fetch(`${url}/metrics`, { headers: known })).text();
  expect(metrics).toContain("switchyard_requests_total");
  expect((await fetch(`${url}/metrics`)).status).toBe(401);
  expect(log.join("\n") + metrics).not.toContain("canary");
});

it("case 43: cannot be made to listen for other machines without a token", async () => {
  await expect(startProxy({ options: { token: undefined, isLoopback: false } })).rejects.toThrow("token");
});

it("case 24: answers 413 to a body that is announced too large, before any of it comes", async () => {
  const { port } = await startProxy({ options: { maxBodyBytes: 1000 } });
  const socket = connect(port, "127.0.0.1");
  const startMs = performance.now();
  socket.write(
    `POST /api/chat HTTP/1.1\r\nhost: localhost\r\nauthorization: Bearer ${token}\r\ncontent-type: application/json\r\ncontent-length: 99999999\r\n\r\n{`,
  );
  const text = await new Promise<string>((resolve) => socket.once("data", (data) => resolve(data.toString())));
  expect(text).toMatch(/^HTTP\/1\.1 413/);
  expect(performance.now() - startMs).toBeLessThan(5_000);
  socket.destroy();
});

it("case 24: answers 413 to a body that grows too large without saying so, and tells who asks first", async () => {
  const { port, url } = await startProxy({ options: { maxBodyBytes: 1000 } });
  const long = { ...known, "transfer-encoding": "chunked" };
  const answer = await rawRequest(port, { method: "POST", path: "/api/chat", headers: long, body: "x".repeat(5000) });
  expect(answer.status).toBe(413);
  const first = await rawBytes(
    port,
    `POST /v1/messages HTTP/1.1\r\nhost: localhost\r\nauthorization: Bearer ${token}\r\ncontent-type: application/json\r\ncontent-length: 5000\r\nexpect: 100-continue\r\nconnection: close\r\n\r\n`,
  );
  expect(first.text).toMatch(/^HTTP\/1\.1 413/);
  expect(first.text).toContain("request_too_large");
  expect((await fetch(`${url}/health`)).status).toBe(200);
});

it("case 25: answers 400 with the place to every kind of broken body, and lives", async () => {
  const { url, log } = await startProxy();
  const deep = `${"[".repeat(100_000)}${"]".repeat(100_000)}`;
  const deepFormat = `{"type":"object","a":${"[".repeat(10_000)}${"]".repeat(10_000)}}`;
  const chat = (fields: string) => `{"model":"llama3.1:8b","messages":[{"role":"user","content":"hi"}],${fields}}`;
  const cases: readonly (readonly [string, string | Uint8Array<ArrayBuffer>, RegExp])[] = [
    ["/api/chat", "{", /JSON/],
    ["/api/chat", "", /JSON/],
    ["/api/chat", new Uint8Array([0x7b, 0xff, 0x7d]), /UTF-8/],
    ["/api/chat", "[]", /body|model/],
    ["/api/chat", "null", /body/],
    ["/api/chat", deep, /body|JSON/],
    ["/api/chat", chat(`"format":${deepFormat}`), /format/],
    ["/api/chat", chat(`"options":{"temperature":"hot"}`), /options\.temperature/],
    ["/api/chat", `{"model":7,"messages":[]}`, /model/],
    ["/api/chat", `{"model":"m","messages":[{"role":"wizard","content":"x"}]}`, /messages\.0\.role/],
    ["/api/chat", `{"model":"m","messages":[{"role":"user","content":"\\ud800"}]}`, /messages\.0\.content/],
    ["/api/chat", `{"__proto__":{"model":"m"},"constructor":1}`, /model/],
    ["/api/generate", `{"prompt":{"a":1}}`, /prompt/],
    ["/v1/chat/completions", `{"model":"m","messages":"hi"}`, /messages/],
    ["/v1/chat/completions", `{"model":"m","messages":[]}`, /messages/],
    ["/v1/chat/completions", `{"model":"m","messages":[{"role":"assistant","content":""}]}`, /messages/],
    ["/v1/messages", `{"model":"m","messages":[{"role":"user","content":"x"}]}`, /max_tokens/],
    [
      "/v1/messages",
      `{"model":"m","max_tokens":1,"messages":${JSON.stringify(Array(100_000).fill(question[0]))}}`,
      /messages/,
    ],
  ];
  for (const [path, body, place] of cases) {
    const answer = await fetch(`${url}${path}`, { method: "POST", headers: known, body });
    const text = await answer.text();
    expect([path, String(body).slice(0, 80), answer.status, text.slice(0, 300)]).toEqual([
      path,
      expect.anything(),
      400,
      expect.stringMatching(place),
    ]);
  }
  expect((await fetch(`${url}/health`)).status).toBe(200);
  expect(log.filter((line) => line.includes("500"))).toEqual([]);
});

it("case 23: closes those that are slow with their headers or their body, and serves others meanwhile", async () => {
  const { port, url } = await startProxy({ options: { headersMs: 300, requestMs: 500 } });
  const head = `POST /api/chat HTTP/1.1\r\nhost: localhost\r\nauthorization: Bearer ${token}\r\ncontent-type: application/json\r\n`;
  const slow = [rawBytes(port, "GET / HTTP/1.1\r\nhost: local"), rawBytes(port, `${head}content-length: 50\r\n\r\n{`)];
  expect((await fetch(`${url}/health`)).status).toBe(200);
  for (const each of await Promise.all(slow)) {
    expect(each.ms).toBeLessThan(20_000);
    expect(each.text).toMatch(/^$|^HTTP\/1\.1 408/);
  }
});

it("case 47: refuses requests that two servers could read differently", async () => {
  const { port } = await startProxy();
  const head = `POST /api/chat HTTP/1.1\r\nhost: localhost\r\nauthorization: Bearer ${token}\r\ncontent-type: application/json\r\n`;
  for (const lines of [
    "content-length: 4\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n",
    "content-length: 4\r\ncontent-length: 5\r\n\r\n{}  ",
    "transfer-encoding: chunked\r\ntransfer-encoding: identity\r\n\r\n0\r\n\r\n",
    "x-folded: a\r\n b\r\ncontent-length: 2\r\n\r\n{}",
    "content-length: +2\r\n\r\n{}",
  ]) {
    expect((await rawBytes(port, head + lines)).text).toMatch(/^HTTP\/1\.1 400/);
  }
  expect((await rawBytes(port, "\u0016\u0003\u0001 not http\r\n\r\n")).text).toMatch(/^HTTP\/1\.1 400/);
});

it("case 48 and 50: lets no model name into a header, a log or a metric", async () => {
  const { url, log } = await startProxy();
  const model = "x\r\nset-cookie: a=1\r\n\u001b[31mred";
  for (const path of ["/api/chat", "/v1/chat/completions", "/v1/messages"]) {
    const answer = await post(url, path, { model, max_tokens: 5, messages: question });
    expect(answer.status).toBe(404);
    expect(answer.headers.get("set-cookie")).toBeNull();
  }
  const metrics = await (await fetch(`${url}/metrics`, { headers: known })).text();
  expect(metrics).not.toContain("set-cookie");
  for (const sign of ["\r", "\n", "\u001b", "cookie"]) expect(log.join("")).not.toContain(sign);
});

it("case 7: ends with an error in the client's words when the model server is cut off, never as if it were whole", async () => {
  const { url } = await startProxy({
    chat: (_, response) => {
      beginLines(response);
      response.write(tokenLine("half an"));
      setTimeout(() => response.destroy(), 30);
    },
  });
  const base = { model: "llama3.1:8b", max_tokens: 50, messages: question, stream: true };
  const ollama = (await (await post(url, "/api/chat", base)).text()).trim().split("\n");
  expect(JSON.parse(ollama.at(-1) ?? "")).toEqual({ error: expect.stringMatching(/\w/) });
  expect(ollama.join("")).not.toContain('"done":true');
  const openai = await (await post(url, "/v1/chat/completions", base)).text();
  expect(openai).toContain('data: {"error":{');
  expect(openai).not.toContain("[DONE]");
  const anthropic = await (await post(url, "/v1/messages", base)).text();
  expect(anthropic).toContain("event: error");
  expect(anthropic).not.toContain("message_stop");
  expect((await post(url, "/v1/messages", { ...base, stream: false })).status).toBe(502);
});

it("case 9 and 12: says so when the model server sends something that is not its protocol", async () => {
  for (const [piece, status] of [
    ["{not json}\n", 200],
    ["<html>sign in</html>", 502],
  ] as const) {
    const { url } = await startProxy({
      chat: (_, response) => {
        if (status === 502) response.writeHead(200, { "content-type": "text/html" });
        else {
          beginLines(response);
          response.write(tokenLine("begun"));
        }
        setTimeout(() => response.end(piece), 20);
      },
    });
    const answer = await post(url, "/api/chat", { model: "llama3.1:8b", messages: question });
    expect(answer.status).toBe(status);
    const last = (await answer.text()).trim().split("\n").at(-1) ?? "";
    expect(JSON.parse(last)).toEqual({ error: expect.stringMatching(/\w/) });
  }
});

it("case 10 and 11: passes text on to the byte, however the model server's packets are cut", async () => {
  const said = ["naïve 🚂 ", "世界", "\u2028 “x” \\n \u0000", "end"];
  const bytes = Buffer.from(said.map(tokenLine).join("") + doneLine());
  const cut = (size: number) =>
    startProxy({
      chat: (_, response) => {
        beginLines(response);
        response.socket?.setNoDelay(true);
        let at = 0;
        const next = () => {
          if (at >= bytes.length) return response.end();
          response.write(bytes.subarray(at, at + size));
          at += size;
          return setImmediate(next);
        };
        next();
      },
    });
  for (const size of [1, 7, bytes.length]) {
    const { url } = await cut(size);
    const answer = await post(url, "/api/chat", { model: "llama3.1:8b", messages: question });
    const lines = (await answer.text())
      .trim()
      .split("\n")
      .map((line): { message: { content: string } } => JSON.parse(line));
    expect(lines.map((line) => line.message.content)).toEqual([...said, ""]);
  }
});
