import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import { type AddressInfo, connect } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import { afterEach, expect, it } from "vitest";
import { stream } from "../../src/core/stream.ts";
import type { AnswerForm, Ending } from "../../src/proxy/exchange.ts";
import type { ReadEvent } from "../../src/proxy/read-answer.ts";
import { type Sent, sendStream } from "../../src/proxy/respond.ts";

const form: AnswerForm = {
  streamType: "text/plain",
  open: () => "",
  piece: (piece) => (piece.kind === "text" ? piece.text : ""),
  beat: () => "♥",
  close: () => " end",
  failure: (error) => error.message,
  whole: () => ({}),
};
const ending: Ending = {
  finish: "stop",
  promptTokens: 1,
  answerTokens: 1,
  loadMs: 0,
  prefillMs: 0,
  decodeMs: 0,
  totalMs: 0,
};
const cleanUp: (() => unknown)[] = [];
afterEach(() => {
  for (const each of cleanUp.splice(0)) each();
});

async function serve(handle: (request: IncomingMessage, response: ServerResponse) => unknown): Promise<AddressInfo> {
  const server = createServer(handle);
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  cleanUp.push(() => server.close());
  cleanUp.push(() => server.closeAllConnections());
  return server.address() as AddressInfo;
}

it("after its end no sign of life is sent, however long a client takes to read and the end to be recorded", async () => {
  const ended = Promise.withResolvers<void>();
  const broken: unknown[] = [];
  const { port } = await serve(async (_, response) => {
    response.on("error", (error) => broken.push(error));
    const events = stream<ReadEvent>(async (take) => {
      await take({ kind: "begin", isKept: false });
      // As much as goes into the buffers of the system, and a little more.
      do {
        await take({ kind: "text", text: "x".repeat(8_192) });
        await sleep(0);
      } while (response.writableLength === 0);
      await take({ kind: "end", ending });
      await sleep(100);
    });
    await sendStream(events, { response, form, signal: new AbortController().signal, beatMs: 10 }, {});
    ended.resolve();
  });
  const client = connect(port, "127.0.0.1");
  client.write("GET / HTTP/1.0\r\n\r\n");
  client.pause();
  await ended.promise;
  let read = "";
  for await (const piece of client) read += piece;
  expect(read).toMatch(/x end$/);
  expect(broken).toEqual([]);
});

it("what fails after its end breaks nothing for its client, and is told to the figures", async () => {
  const broken: unknown[] = [];
  const sent: Sent = {};
  const { port } = await serve(async (_, response) => {
    response.on("error", (error) => broken.push(error));
    const events = stream<ReadEvent>(async (take) => {
      await take({ kind: "begin", isKept: false });
      await take({ kind: "text", text: "words" });
      await take({ kind: "end", ending });
      throw new Error("the ledger is full");
    });
    await sendStream(events, { response, form, signal: new AbortController().signal, beatMs: 1_000 }, sent);
  });
  expect(await (await fetch(`http://127.0.0.1:${port}`)).text()).toBe("words end");
  await sleep(20);
  expect(broken).toEqual([]);
  expect(sent.error).toBeDefined();
});

it.each([
  ["1.1", "200 OK", /\r\ntransfer-encoding: chunked\r\n/i, "8\r\nwörds 1\r\n6\r\n 世 2\r\n4\r\n end\r\n0\r\n\r\n"],
  ["1.0", "200 OK", /\r\nconnection: close\r\n/i, "wörds 1 世 2 end"],
])("what speaks HTTP/%s gets each piece as it understands it", async (version, status, header, body) => {
  const { port } = await serve(async (_, response) => {
    const events = stream<ReadEvent>(async (take) => {
      await take({ kind: "begin", isKept: false });
      for (const text of ["wörds 1", " 世 2"]) {
        await take({ kind: "text", text });
        await sleep(5);
      }
      await take({ kind: "end", ending });
    });
    await sendStream(events, { response, form, signal: new AbortController().signal, beatMs: 1_000 }, {});
    response.socket?.end();
  });
  const client = connect(port, "127.0.0.1");
  client.write(`GET / HTTP/${version}\r\nhost: x\r\n\r\n`);
  let read = "";
  for await (const piece of client.setEncoding("utf8")) read += piece;
  const [head = "", told] = read.split(/\r\n\r\n([\s\S]*)/);
  expect([head.includes(status), header.test(`${head}\r\n`), told]).toEqual([true, true, body]);
});
