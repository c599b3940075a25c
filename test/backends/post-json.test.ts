// Real servers, down to single bytes.
import { createServer, type Socket } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import { gzipSync } from "node:zlib";
import { afterEach, describe, expect, it } from "vitest";
import { type Answered, askDirectly } from "../../src/backends/post-json.ts";
import { startScriptedServer } from "./scripted-server.ts";

const never = new AbortController().signal;
const cleanUp: (() => unknown)[] = [];
afterEach(async () => {
  for (const each of cleanUp.splice(0)) await each();
});

const post = (url: string, signal = never) =>
  askDirectly(
    { url: `${url}/api/chat`, method: "POST", headers: { accept: "application/json" }, body: '{"a":1}' },
    signal,
  );

interface RawServer {
  readonly url: string;
  /** Requests of all connections. */
  asked(): number;
  connections(): number;
  /** Of those that are open. */
  readonly sockets: ReadonlySet<Socket>;
}

/** @param answer what is done when the request with this number, from 1, has come whole on its connection */
async function rawServer(answer: (socket: Socket, request: number) => unknown): Promise<RawServer> {
  let asked = 0;
  let connections = 0;
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    connections++;
    sockets.add(socket);
    socket.on("close", () => sockets.delete(socket));
    socket.on("error", () => undefined);
    let text = "";
    socket.on("data", (piece) => {
      text += piece;
      if (!text.endsWith('{"a":1}')) return;
      text = "";
      answer(socket, ++asked);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  cleanUp.push(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  const address = server.address();
  const port = typeof address === "object" ? address?.port : 0;
  return { url: `http://127.0.0.1:${port}`, asked: () => asked, connections: () => connections, sockets };
}

async function textOf({ body }: Answered): Promise<string> {
  const pieces: Uint8Array[] = [];
  for await (const piece of body) pieces.push(piece);
  return Buffer.concat(pieces).toString();
}

const head = "HTTP/1.1 200 OK\r\ncontent-type: application/x-ndjson\r\n";
const words = "one two\n";
const withLength = `${head}content-length: ${words.length}\r\n\r\n${words}`;
const inChunks = `${head}transfer-encoding: chunked\r\n\r\n3\r\none\r\n5\r\n two\n\r\n0\r\n\r\n`;

async function until(isSo: () => boolean): Promise<void> {
  const endMs = performance.now() + 30_000;
  while (!isSo()) {
    if (performance.now() > endMs) throw new Error("it did not come to that");
    await sleep(5);
  }
}

describe("an answer", () => {
  it.each([
    ["with its length", withLength],
    ["in chunks", inChunks],
  ])("%s is whole, and an error wherever it is cut", async (_, whole) => {
    let cutAt = whole.length;
    const { url } = await rawServer((socket) => {
      if (cutAt === whole.length) socket.write(whole);
      else socket.end(whole.slice(0, cutAt));
    });
    const answered = await post(url);
    expect([answered.status, answered.headers.get("content-type")]).toEqual([200, "application/x-ndjson"]);
    expect(await textOf(answered)).toBe(words);
    for (cutAt = 0; cutAt < whole.length; cutAt++) {
      await expect(post(url).then(textOf), `cut at ${cutAt}`).rejects.toBeInstanceOf(Error);
    }
  });

  it("comes in single bytes as well", async () => {
    const { url } = await rawServer(async (socket) => {
      socket.setNoDelay(true);
      for (const byte of inChunks) {
        socket.write(byte);
        await sleep(0);
      }
    });
    expect(await textOf(await post(url))).toBe(words);
  });

  it("is the one after what only says that it will come", async () => {
    const { url } = await rawServer((socket) => {
      socket.write("HTTP/1.1 102 Processing\r\n\r\nHTTP/1.1 103 Early Hints\r\nlink: </a>\r\n\r\n");
      setTimeout(() => socket.write(withLength), 20);
    });
    const answered = await post(url);
    expect([answered.status, await textOf(answered)]).toEqual([200, words]);
  });

  it.each(["101 Switching Protocols", "100 Continue"])("that nobody asked for is an error: %s", async (status) => {
    const { url } = await rawServer((socket) => {
      socket.write(`HTTP/1.1 ${status}\r\nconnection: upgrade\r\nupgrade: other\r\n\r\n`);
    });
    await expect(post(url)).rejects.toBeInstanceOf(Error);
  });

  it("that is no HTTP is an error", async () => {
    const { url } = await rawServer((socket) => socket.end("220 mail.example ESMTP\r\n"));
    await expect(post(url)).rejects.toBeInstanceOf(Error);
  });

  it("that was packed on its way comes as it was sent, with its headers", async () => {
    const packed = gzipSync(words);
    const server = await startScriptedServer({
      "POST /api/chat": (_, response) => response.writeHead(200, { "content-encoding": "gzip" }).end(packed),
    });
    cleanUp.push(server.close);
    const answered = await post(server.url);
    expect(answered.headers.get("content-encoding")).toBe("gzip");
    const pieces: Uint8Array[] = [];
    for await (const piece of answered.body) pieces.push(piece);
    expect(Buffer.concat(pieces).equals(packed)).toBe(true);
  });

  it("of 100 MB that nobody reads is left with the server", async () => {
    const total = 100 * 2 ** 20;
    const piece = Buffer.alloc(64 * 2 ** 10, "x");
    const server = await rawServer((socket) => {
      socket.write(`${head}content-length: ${total}\r\n\r\n`);
      let sent = 0;
      const go = () => {
        while (sent < total) {
          sent += piece.length;
          if (!socket.write(piece)) return void socket.once("drain", go);
        }
      };
      go();
    });
    const answered = await post(server.url);
    const [socket] = server.sockets;
    const gone = () => (socket ? socket.bytesWritten - socket.writableLength : 0);
    let before = -1;
    while (gone() !== before) {
      before = gone();
      await sleep(200);
    }
    // Buffers of the system hold some megabytes.
    expect(gone()).toBeLessThan(32 * 2 ** 20);
    let read = 0;
    for await (const { length } of answered.body) read += length;
    expect(read).toBe(total);
  });
});

describe("a request that is given up", () => {
  it("before it was made is not made", async () => {
    const server = await rawServer((socket) => socket.write(withLength));
    await expect(post(server.url, AbortSignal.abort())).rejects.toMatchObject({ name: "AbortError" });
    await sleep(50);
    expect(server.asked()).toBe(0);
  });

  it("while it connects is not made", async () => {
    const server = await rawServer((socket) => socket.write(withLength));
    const stop = new AbortController();
    const asked = post(server.url, stop.signal);
    stop.abort();
    await expect(asked).rejects.toMatchObject({ name: "AbortError" });
    await sleep(50);
    expect(server.asked()).toBe(0);
  });

  it("before its answer begins closes the connection", async () => {
    const server = await rawServer(() => undefined);
    const stop = new AbortController();
    const asked = post(server.url, stop.signal);
    asked.catch(() => undefined);
    await until(() => server.asked() === 1);
    stop.abort();
    await expect(asked).rejects.toMatchObject({ name: "AbortError" });
    await until(() => server.sockets.size === 0);
  });

  it("in the middle of its answer ends it with an error, also what has come and was not read", async () => {
    const server = await rawServer((socket) => socket.write(`${head}\r\n${words}`));
    const stop = new AbortController();
    const answered = await post(server.url, stop.signal);
    await sleep(20);
    stop.abort();
    await expect(textOf(answered)).rejects.toMatchObject({ name: "AbortError" });
    await until(() => server.sockets.size === 0);
  });

  it("while its next piece is awaited ends that waiting, with the reason that was given", async () => {
    const server = await rawServer((socket) => socket.write(`${head}\r\n${words}`));
    const answered = await post(server.url);
    const read = textOf(answered);
    read.catch(() => undefined);
    await sleep(20);
    answered.close(new Error("silent too long"));
    await expect(read).rejects.toThrow("silent too long");
    await until(() => server.sockets.size === 0);
  });

  it("by leaving the loop over its answer closes the connection", async () => {
    const server = await rawServer((socket) => socket.write(`${head}\r\n${words}`));
    for await (const _ of (await post(server.url)).body) break;
    await until(() => server.sockets.size === 0);
  });

  it("after its answer was whole is none: the connection stays", async () => {
    const server = await rawServer((socket) => socket.write(withLength));
    const stop = new AbortController();
    const answered = await post(server.url, stop.signal);
    expect(await textOf(answered)).toBe(words);
    stop.abort();
    answered.close(new Error("too late"));
    await sleep(5);
    expect(await textOf(await post(server.url))).toBe(words);
    expect([server.asked(), server.connections()]).toEqual([2, 1]);
  });
});

describe("a connection", () => {
  it("is used again for the next request", async () => {
    const server = await rawServer((socket) => socket.write(inChunks));
    for (let request = 0; request < 5; request++) {
      expect(await textOf(await post(server.url))).toBe(words);
      // It is free a moment after its answer.
      await sleep(5);
    }
    expect(server.connections()).toBe(1);
  });

  it("that the server closed while nobody used it is not used again", async () => {
    const server = await rawServer((socket) => {
      socket.write(withLength);
      setTimeout(() => socket.end(), 10);
    });
    expect(await textOf(await post(server.url))).toBe(words);
    await until(() => server.sockets.size === 0);
    expect(await textOf(await post(server.url))).toBe(words);
  });

  it("that the server closes at the moment it is used again is an error, and nothing is asked twice", async () => {
    const server = await rawServer((socket, request) => (request === 1 ? socket.write(withLength) : socket.destroy()));
    expect(await textOf(await post(server.url))).toBe(words);
    await sleep(5);
    await expect(post(server.url)).rejects.toBeInstanceOf(Error);
    await sleep(50);
    expect([server.asked(), server.connections()]).toEqual([2, 1]);
  });
});
