// Requests for Claude itself, through the service and back, byte for byte.
import { createServer } from "node:http";
import Anthropic from "@anthropic-ai/sdk";
import { expect, it, onTestFinished } from "vitest";
import { costUsd } from "../../src/core/cost.ts";
import {
  answer,
  answerEvents,
  type ClaudeReply,
  ping,
  refuse,
  sendEvents,
  sendPieces,
  testKey,
  wire,
} from "../backends/claude-server.ts";
import { question } from "./clients.ts";
import { post, type Running, token, until } from "./harness.ts";
import { ask, model, refusal, small, start, withKey } from "./passing.ts";

const sdk = ({ url }: Running, options: object = {}) =>
  new Anthropic({
    baseURL: url,
    apiKey: testKey,
    maxRetries: 0,
    defaultHeaders: { "x-switchyard-token": token },
    ...options,
  });

it("streams a message of Claude to Anthropic's own client, and records what it cost", async () => {
  const usage = {
    input_tokens: 10,
    cache_creation_input_tokens: 200,
    cache_read_input_tokens: 3000,
    output_tokens: 40,
    server_tool_use: { web_search_requests: 3 },
  };
  const running = await start([answer({ usage })]);
  const order: string[] = [];
  const stream = sdk(running).messages.stream({ model, max_tokens: 100, messages: question });
  stream.on("streamEvent", (event) => order.push(event.type));
  const message = await stream.finalMessage();
  expect(message.content).toMatchObject([{ type: "text", text: expect.stringContaining("That is all.") }]);
  expect(order).toEqual(answerEvents().map((event) => event.type));
  const [entry] = await running.app.ledger.list();
  const { host } = new URL(running.claude.url);
  expect(entry).toMatchObject({
    ...{ destination: host, model, askedBy: "proxy", allowedBy: "serviceClaude", outcome: "done" },
    ...{ promptTokens: 3210, answerTokens: 40, maskedSecrets: 0 },
  });
  const spent = { inputTokens: 10, cacheWriteTokens: 200, cacheReadTokens: 3000, outputTokens: 40 };
  expect(entry?.costUsd).toBeCloseTo(costUsd(model, spent) + 0.03, 12);
  expect(entry?.bytes).toBe(running.claude.requests[0]?.bytes.length);
  expect(running.asked()).toEqual([]);
});

it("answers the client whole, and counts tokens, which costs nothing and is recorded too", async () => {
  const whole: ClaudeReply = (response) => {
    const usage = { input_tokens: 25, output_tokens: 40 };
    const message = {
      id: "msg_1",
      type: "message",
      role: "assistant",
      model,
      content: [{ type: "text", text: "你好" }],
    };
    response.writeHead(200, { "content-type": "application/json" });
    response.end(JSON.stringify({ ...message, stop_reason: "end_turn", stop_sequence: null, usage }));
  };
  const running = await start([whole]);
  const client = sdk(running);
  const message = await client.messages.create({ model, max_tokens: 100, messages: question });
  expect(message.content).toMatchObject([{ text: "你好" }]);
  const counted = await client.messages.countTokens({ model, messages: question });
  expect(counted.input_tokens).toBeGreaterThan(0);
  const entries = await running.app.ledger.list();
  expect(entries.map(({ outcome, costUsd: usd }) => [outcome, usd])).toEqual([
    ["done", 0],
    ["done", costUsd(model, { inputTokens: 25, cacheWriteTokens: 0, cacheReadTokens: 0, outputTokens: 40 })],
  ]);
  expect(running.claude.requests.map(({ path }) => path)).toEqual(["/v1/messages", "/v1/messages/count_tokens"]);
});

it("names pictures and documents that went along in the record", async () => {
  const running = await start([answer({})]);
  const source = (media_type: string, bytes: number) => ({
    type: "base64",
    media_type,
    data: Buffer.alloc(bytes, 7).toString("base64"),
  });
  const content = [
    { type: "image", source: source("image/png", 1000) },
    { type: "document", source: source("application/pdf", 701) },
    { type: "text", text: "What is this?" },
  ];
  const body = JSON.stringify({ model, max_tokens: 100, stream: true, messages: [{ role: "user", content }] });
  await (await ask(running, body, withKey)).arrayBuffer();
  const [entry] = await running.app.ledger.list();
  expect(entry?.pictures).toEqual({ count: 2, bytes: 1701 });
});

it("sends the body's very bytes, and gives back the answer's, however they are cut", async () => {
  const events = wire([...answerEvents({ texts: ["你好", "\u2028 \ud83d\ude00", "\\u0041"] }), ping]);
  const pieces = Array.from({ length: Math.ceil(events.length / 7) }, (_, at) => events.subarray(at * 7, at * 7 + 7));
  const running = await start([sendPieces(pieces)]);
  // Order, blanks, escapes, fields nobody knows and a number that JavaScript would write otherwise.
  const body = `\n{ "stream":true,  "max_tokens":100.0,"x_unknown" : [1E2, null],"model":"${model}",
    "messages":[{"content":"caf\\u00e9 \\ud83d\\ude00 \\/ 世界","role":"user"}] }\n`;
  const answered = await ask(running, body, withKey, "/v1/messages?beta=true");
  expect(Buffer.from(await answered.arrayBuffer()).equals(events)).toBe(true);
  const [request] = running.claude.requests;
  expect(request?.bytes.toString()).toBe(body);
  expect(request?.path).toBe("/v1/messages?beta=true");
  expect(request?.headers).toMatchObject({
    "anthropic-version": "2023-06-01",
    "anthropic-beta": "interleaved-thinking-2025-05-14",
    "x-api-key": testKey,
  });
  expect(Object.fromEntries(answered.headers)).toMatchObject({
    "content-type": "text/event-stream; charset=utf-8",
    "request-id": "req_test1",
    "x-switchyard-place": "cloud",
    "x-switchyard-model": model,
    "x-switchyard-left-for": new URL(running.claude.url).host,
  });
});

it("passes on each piece when it comes, not when all of it is there", async () => {
  const running = await start([sendEvents(answerEvents(), { ending: "hang" })]);
  const answered = await ask(running, small);
  const reader = answered.body?.getReader();
  const first = await reader?.read();
  expect(Buffer.from(first?.value ?? []).toString()).toContain("message_start");
  await reader?.cancel();
});

it("gives back Claude's errors as they are, with their headers, and they cost nothing", async () => {
  const running = await start([
    refuse(429, "rate_limit_error", "Number of request tokens has exceeded your limit", {
      "retry-after": "17",
      "anthropic-ratelimit-tokens-remaining": "0",
      "set-cookie": "a=b",
      "access-control-allow-origin": "*",
    }),
  ]);
  const answered = await ask(running, small);
  expect(answered.status).toBe(429);
  const told = { type: "rate_limit_error", message: "Number of request tokens has exceeded your limit" };
  expect(await answered.text()).toBe(JSON.stringify({ type: "error", error: told, request_id: "req_test" }));
  expect(answered.headers.get("retry-after")).toBe("17");
  expect(answered.headers.get("anthropic-ratelimit-tokens-remaining")).toBe("0");
  expect([answered.headers.get("set-cookie"), answered.headers.get("access-control-allow-origin")]).toEqual([
    null,
    null,
  ]);
  expect(await running.app.ledger.list()).toMatchObject([{ outcome: "failed", costUsd: 0 }]);
});

it("books what somebody in between gave up: Claude may have gone on with it", async () => {
  const running = await start([refuse(504, "api_error", "timeout")]);
  expect((await ask(running, small)).status).toBe(504);
  const [entry] = await running.app.ledger.list();
  expect(entry?.outcome).toBe("failed");
  expect(entry?.costUsd).toBeGreaterThan(0);
});

it("sends a program's own key wherever our token came, and our token never", async () => {
  const running = await start();
  const base = { "content-type": "application/json", "anthropic-version": "2023-06-01" };
  const ways = [
    { authorization: `Bearer ${token}`, "x-api-key": testKey },
    { authorization: `Bearer ${testKey}`, "x-api-key": token },
    { authorization: `Basic ${Buffer.from(`me:${token}`).toString("base64")}`, "x-api-key": testKey },
    { authorization: `Bearer ${testKey}`, "x-switchyard-token": token, cookie: `t=${token}`, "x-app": token },
  ];
  for (const way of ways) expect((await ask(running, small, { ...base, ...way })).status).toBe(200);
  for (const { headers } of running.claude.requests) {
    expect(headers.authorization ?? headers["x-api-key"]).toMatch(new RegExp(`^(Bearer )?${testKey}$`));
    expect(JSON.stringify(headers)).not.toContain(token);
    expect(JSON.stringify(headers)).not.toContain(Buffer.from(token).toString("base64").slice(0, 8));
  }
  expect(running.claude.requests).toHaveLength(ways.length);
});

it("uses the person's key for a program that has none, and says so where there is none either", async () => {
  const onlyOurs = { "content-type": "application/json", "anthropic-version": "2023-06-01", "x-api-key": token };
  const keyed = await start(undefined, {}, { app: { env: { ANTHROPIC_API_KEY: testKey } } });
  expect((await ask(keyed, small, onlyOurs)).status).toBe(200);
  expect(keyed.claude.requests[0]?.headers["x-api-key"]).toBe(testKey);
  // Whoever set up Claude Code in the same shell has our token in that variable.
  for (const env of [{}, { ANTHROPIC_API_KEY: token }]) {
    const told = await refusal(await start(undefined, {}, { app: { env } }), small, onlyOurs);
    expect(told).toMatchObject({ status: 401, type: "authentication_error" });
    expect(told.message).toMatch(/ANTHROPIC_API_KEY/);
  }
});

it("never writes a key or what was said into the log, also where it fails", async () => {
  const env = { ANTHROPIC_API_KEY: testKey };
  const running = await start([sendEvents(answerEvents().slice(0, 4), { ending: "cut" })], {}, { app: { env } });
  await ask(running, small)
    .then((answered) => answered.text())
    .catch(() => undefined);
  await ask(running, { ...small, max_tokens: "x" }, { ...withKey, "x-api-key": "sk-ant-other-key" });
  await running.claude.stop();
  expect((await ask(running, small)).status).toBe(503);
  const log = running.log.join("\n");
  expect(log).toContain("503");
  for (const secret of [testKey, "sk-ant-other-key", token, "hi there"]) expect(log).not.toContain(secret);
});

it("stops Claude when the client leaves, and books what that may have cost", async () => {
  const running = await start([sendEvents(answerEvents().slice(0, 4), { ending: "hang" })]);
  const long = { ...small, max_tokens: 64_000 };
  const leave = new AbortController();
  const answered = await post(running.url, "/v1/messages", long, { headers: withKey, signal: leave.signal });
  await answered.body?.getReader().read();
  leave.abort();
  const [request] = running.claude.requests;
  expect(await until(() => request?.closedAtMs !== undefined)).toBeLessThan(500);
  await expect.poll(async () => (await running.app.ledger.list())[0]?.outcome).toBe("stopped");
  const [entry] = await running.app.ledger.list();
  // The prompt as it was counted; of the answer what can have been written in that time, seen or not.
  const cost = (outputTokens: number) =>
    costUsd(model, { inputTokens: 25, cacheWriteTokens: 0, cacheReadTokens: 0, outputTokens });
  expect(entry?.promptTokens).toBe(25);
  expect(entry?.costUsd).toBeGreaterThan(cost(1));
  expect(entry?.costUsd).toBeLessThan(cost(1000));
});

it("finishes what it passes on when the service is told to end", async () => {
  const running = await start([answer({ pauseMs: 20 })]);
  const answered = await ask(running, small);
  const drained = running.proxy.drain(5_000);
  expect((await ask(running, small).catch(() => undefined))?.status ?? 503).toBe(503);
  expect(await answered.text()).toContain("message_stop");
  await drained;
  expect(await running.app.ledger.list()).toMatchObject([{ outcome: "done" }]);
});

it("cuts the client's connection where Claude's is cut: nobody takes half an answer for a whole one", async () => {
  const running = await start([sendEvents(answerEvents().slice(0, 4), { ending: "cut" })]);
  const stream = sdk(running).messages.stream({ model, max_tokens: 100, messages: question });
  await expect(stream.finalMessage()).rejects.toThrow();
  const raw = await ask(running, small);
  await expect(raw.text()).rejects.toThrow();
  expect((await running.app.ledger.list()).map(({ outcome }) => outcome)).toEqual(["failed", "failed"]);
});

it("follows no redirect, and books nothing for a Claude that cannot be reached", async () => {
  const seen: string[] = [];
  const elsewhere = createServer((request, response) => {
    seen.push(request.url ?? "");
    response.end();
  });
  await new Promise<void>((resolve) => elsewhere.listen(0, "127.0.0.1", resolve));
  onTestFinished(() => void elsewhere.close());
  const address = elsewhere.address();
  const location = `http://127.0.0.1:${typeof address === "object" ? address?.port : 0}/v1/messages`;
  const running = await start([(response) => response.writeHead(307, { location }).end()]);
  const answered = await ask(running, small);
  expect([answered.status, answered.headers.get("location"), seen]).toEqual([502, null, []]);
  await running.claude.stop();
  const away = await ask(running, small);
  expect(away.status).toBe(503);
  expect(await away.json()).toMatchObject({
    error: { type: "overloaded_error", message: expect.stringMatching(/cannot be reached/) },
  });
  const [last] = await running.app.ledger.list();
  expect(last).toMatchObject({ outcome: "failed", costUsd: 0 });
  running.app.configure({ ...running.app.settings(), claudeBaseUrl: "http://192.0.2.1" });
  expect((await ask(running, small)).status).toBe(400);
});

it("reaches Claude through the proxy of the environment, and books nothing where that or a certificate stands in the way", async () => {
  const asked: string[] = [];
  const gate = createServer();
  gate.on("connect", (request, socket) => {
    asked.push(`${request.url} ${JSON.stringify(request.headers)}`);
    socket.end("HTTP/1.1 403 Forbidden\r\n\r\n");
  });
  await new Promise<void>((resolve) => gate.listen(0, "127.0.0.1", resolve));
  onTestFinished(() => void gate.close());
  const address = gate.address();
  const HTTPS_PROXY = `http://127.0.0.1:${typeof address === "object" ? address?.port : 0}`;
  const running = await start(undefined, {}, { app: { env: { HTTPS_PROXY } } });
  const plain = running.claude.url.replace("http:", "https:");
  for (const claudeBaseUrl of ["", plain]) {
    running.app.configure({ ...running.app.settings(), claudeBaseUrl });
    expect((await ask(running, small)).status).toBe(503);
  }
  expect(asked).toEqual([expect.stringMatching(/^api\.anthropic\.com:443 /)]);
  expect(asked.join()).not.toMatch(new RegExp(`${testKey}|${token}`));
  const entries = await running.app.ledger.list();
  expect(entries.map(({ outcome, costUsd: usd }) => [outcome, usd])).toEqual(Array(2).fill(["failed", 0]));
});
