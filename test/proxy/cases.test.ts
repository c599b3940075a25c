// Cases of faults and attacks that have no other place; the rest bear their numbers in the files beside this one.
import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { connect, type Socket } from "node:net";
import { expect, it } from "vitest";
import { isLinkLocal } from "../../src/backends/link-local.ts";
import { taskKinds } from "../../src/core/task.ts";
import { beginLines, doneLine, startScriptedServer, tokenLine } from "../backends/scripted-server.ts";
import { known, post, rawBytes, startProxy, token, until } from "./harness.ts";

const chat = (text: string) => ({ model: "llama3.1:8b", messages: [{ role: "user", content: text }] });
const manyLimits = Object.fromEntries(taskKinds.map((kind) => [kind, 500]));
const wide = { app: { limits: manyLimits, maxWaiting: 500 }, slots: 500 };

it("case 12 and 37: cut at every byte of a stream, no answer ends as a success and none is kept", async () => {
  const stream = Buffer.from(tokenLine("naïve ") + tokenLine("世界") + doneLine());
  const lastLineEnds = stream.length - 1;
  let cutAt = 0;
  const { url } = await startProxy({
    ...wide,
    chat: (_, response) => {
      beginLines(response);
      response.write(stream.subarray(0, cutAt), () => response.destroy());
    },
  });
  const failures: string[] = [];
  for (cutAt = 1; cutAt < lastLineEnds; cutAt++) {
    const path = ["/api/chat", "/v1/chat/completions", "/v1/messages"][cutAt % 3] ?? "";
    const body = {
      ...chat("the same each time"),
      max_tokens: 50,
      stream: true,
      options: { temperature: 0 },
      temperature: 0,
    };
    const answer = await post(url, path, body);
    const text = await answer.text();
    const looksWhole = /"done":true|\[DONE\]|message_stop/.test(text);
    const saysSo = answer.status >= 500 || /"error"/.test(text);
    if (looksWhole || !saysSo) failures.push(`${path} at byte ${cutAt}: ${answer.status} ${text.slice(-200)}`);
  }
  expect(failures).toEqual([]);
});

it("case 23: sockets that only connect, or stop in the middle, harm nobody and are let go", async () => {
  const { port, url, proxy } = await startProxy({ options: { headersMs: 400, requestMs: 600 } });
  const sockets: Socket[] = [];
  for (let n = 0; n < 40; n++) {
    const socket = connect(port, "127.0.0.1");
    socket.on("error", () => undefined);
    socket.resume();
    sockets.push(socket);
    await once(socket, "connect");
    if (n % 2 === 0) socket.write("POST /api/chat HTTP/1.1\r\nhost: localhost\r\nx-slow: ");
    // Half-open: this side says no more, and listens on.
    if (n % 4 === 0) socket.end();
  }
  const startMs = performance.now();
  expect((await post(url, "/api/chat", chat("hello"))).status).toBe(200);
  expect(performance.now() - startMs).toBeLessThan(10_000);
  await until(() => sockets.filter((_, n) => n % 2 === 0).every((socket) => socket.destroyed));
  for (const socket of sockets) socket.destroy();
  expect(proxy.server.listening).toBe(true);
});

it("case 26: a thousand idle connections and two hundred streams are served side by side", async () => {
  const { port, url } = await startProxy({
    ...wide,
    chat: (_, response) => {
      beginLines(response);
      let at = 0;
      const timer = setInterval(() => {
        if (at < 10) return void response.write(tokenLine(`w${at++} `));
        clearInterval(timer);
        response.end(doneLine());
      }, 20);
      response.on("close", () => clearInterval(timer));
    },
  });
  const idle = await Promise.all(
    Array.from({ length: 1_000 }, async () => {
      const socket = connect(port, "127.0.0.1");
      await once(socket, "connect");
      return socket;
    }),
  );
  const streams = await Promise.all(
    Array.from({ length: 200 }, async (_, n) => {
      const answer = await post(url, "/v1/chat/completions", { ...chat(`story ${n}`), stream: true });
      return answer.text();
    }),
  );
  for (const text of streams) {
    expect(text.match(/"content":"w\d+ "/g)).toHaveLength(10);
    expect(text).toContain("[DONE]");
  }
  expect(idle.filter((socket) => socket.destroyed)).toHaveLength(0);
  for (const socket of idle) socket.destroy();
});

it("case 27: a prompt of 100 KB does not hold up streams beside it", { retry: 2 }, async () => {
  const { url } = await startProxy({
    ...wide,
    chat: (_, response) => {
      beginLines(response);
      let at = 0;
      const timer = setInterval(() => {
        if (at < 40) return void response.write(tokenLine(`w${at++} `));
        clearInterval(timer);
        response.end(doneLine());
      }, 20);
      response.on("close", () => clearInterval(timer));
    },
  });
  const longest = async (withLong: boolean) => {
    const gaps: number[] = [];
    const one = async (n: number) => {
      const answer = await post(url, "/api/chat", { ...chat(`tell story ${withLong} ${n}`), stream: true });
      let lastMs = performance.now();
      for await (const _piece of answer.body ?? []) {
        gaps.push(performance.now() - lastMs);
        lastMs = performance.now();
      }
    };
    const streams = Array.from({ length: 64 }, (_, n) => one(n));
    if (withLong) {
      await new Promise((resolve) => setTimeout(resolve, 200));
      // Refused with the numbers, since it does not fit: all of it is read and counted before.
      const long = await post(url, "/api/chat", chat(randomBytes(50_000).toString("hex")));
      expect(long.status).toBe(400);
    }
    await Promise.all(streams);
    gaps.sort((a, b) => a - b);
    return gaps[Math.floor(gaps.length * 0.99)] ?? 0;
  };
  await longest(false);
  const alone = await longest(false);
  expect(await longest(true)).toBeLessThanOrEqual(2 * alone + 10);
});

it("case 28: two equal questions at once are one for the model, and leaving one does not end the other", async () => {
  const waiting: (() => void)[] = [];
  const { url, asked } = await startProxy({
    chat: (_, response) => {
      waiting.push(() => {
        beginLines(response);
        response.end(tokenLine("once") + doneLine());
      });
    },
  });
  const same = { ...chat("the same"), options: { temperature: 0 }, stream: false };
  const first = post(url, "/api/chat", same);
  await until(() => waiting.length === 1);
  const leaver = new AbortController();
  const second = post(url, "/api/chat", same, { signal: leaver.signal }).catch(() => "left");
  const third = post(url, "/api/chat", same);
  await new Promise((resolve) => setTimeout(resolve, 100));
  leaver.abort();
  expect(await second).toBe("left");
  for (const go of waiting) go();
  for (const answer of [await first, await third]) expect(await answer.text()).toContain("once");
  expect(asked()).toHaveLength(1);
});

it("case 32: many requests leave no socket, no listener and no memory behind", async () => {
  const { url, proxy } = await startProxy(wide);
  const connections = () => new Promise<number>((resolve) => proxy.server.getConnections((_, count) => resolve(count)));
  const ask = async (from: number, count: number) => {
    const one = async (n: number) => {
      const answer = await post(url, "/api/chat", { ...chat(`hello ${n}`), stream: n % 2 === 0 });
      expect(answer.status).toBe(200);
      await answer.text();
    };
    for (let n = from; n < from + count; n += 20) await Promise.all(Array.from({ length: 20 }, (_, k) => one(n + k)));
  };
  const used = () => {
    globalThis.gc?.();
    return process.memoryUsage.rss() / 2 ** 20;
  };
  await ask(0, 500);
  const sockets = await connections();
  const before = used();
  const timers = process.getActiveResourcesInfo().filter((name) => name === "Timeout").length;
  await ask(500, 1_000);
  expect(used() - before).toBeLessThan(120);
  expect(await connections()).toBeLessThanOrEqual(sockets + 20);
  const left = process.getActiveResourcesInfo().filter((name) => name === "Timeout").length;
  expect(left).toBeLessThanOrEqual(timers + 10);
});

it("case 46: where clouds keep their machines' keys nothing is asked that nobody configured, however it is written", () => {
  for (const address of [
    "http://169.254.169.254",
    "http://2852039166",
    "http://0xa9fea9fe:80",
    "http://0251.0376.0251.0376",
    "http://[::ffff:169.254.169.254]",
    "http://[fe80::1]:11434",
    "http://[fd00:ec2::254]",
    "http://100.100.100.200",
    "http://metadata.google.internal.",
  ]) {
    expect([address, isLinkLocal(address)]).toEqual([address, true]);
  }
  for (const address of ["http://127.0.0.1:11434", "http://10.0.0.5", "http://192.168.254.169", "http://gpu-box"]) {
    expect([address, isLinkLocal(address)]).toEqual([address, false]);
  }
});

it("case 46: a model server that sends its callers elsewhere is not followed", async () => {
  const elsewhere = await startScriptedServer({});
  const { url } = await startProxy({
    chat: (_, response) => response.writeHead(307, { location: `${elsewhere.url}/latest/meta-data` }).end(),
  });
  const answer = await post(url, "/api/chat", chat("hello"));
  expect(answer.status).toBe(502);
  expect(elsewhere.requests).toEqual([]);
  await elsewhere.close();
});

it("case 44: the token is in no answer, error or figure, and in no log though a client sends it as a text", async () => {
  const { url, port, log } = await startProxy();
  const said: string[] = [];
  const keep = async (answer: Response) =>
    void said.push(JSON.stringify([...answer.headers.entries()]), await answer.text());
  for (const path of [
    "/api/chat",
    "/v1/chat/completions",
    "/v1/messages",
    "/api/generate",
    "/api/show",
    "/v1/responses",
  ]) {
    for (const body of [{}, "", "{", { model: "nope" }, { ...chat("hello"), max_tokens: 5 }]) {
      await keep(await post(url, path, body));
    }
    // Who sends it as the name of a model reads it in the answer; nobody else does.
    for (const body of [{ model: token }, { ...chat(token), max_tokens: 5 }, `{"${token}":`])
      await post(url, path, body);
  }
  await fetch(`${url}/${token}?${token}`, { headers: known });
  await keep(await fetch(`${url}/metrics`, { headers: known }));
  await keep(await fetch(`${url}/health`, { headers: known }));
  said.push((await rawBytes(port, `GET / ${token}\r\n\r\n`)).text);
  expect(said.join("\n")).not.toContain(token);
  expect(log.join("\n")).not.toContain(token);
});
