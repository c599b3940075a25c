// One keep-alive connection that asks and times the answer; no HTTP library, so that the client costs little.
import { connect, type Socket } from "node:net";

export interface Target {
  readonly name: string;
  readonly port: number;
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly model: string;
}

export interface Timed {
  readonly status: number;
  /** Until the first piece of the body and until its end, ms. */
  readonly firstMs: number;
  readonly totalMs: number;
  /** When each piece with tokens came, ms, and how many tokens there were. */
  readonly atMs: readonly number[];
  readonly tokens: number;
}

const headerEnd = Buffer.from("\r\n\r\n");
const chunkedEnd = Buffer.from("0\r\n\r\n");

export class Connection {
  readonly #socket: Socket;
  #take: ((data: Buffer) => void) | undefined;
  #fail: ((error: Error) => void) | undefined;

  private constructor(socket: Socket) {
    this.#socket = socket;
    socket.setNoDelay(true);
    socket.on("data", (data) => this.#take?.(data));
    socket.on("error", (error) => this.#fail?.(error));
    socket.on("close", () => this.#fail?.(new Error("closed")));
  }

  static open(port: number): Promise<Connection> {
    return new Promise((resolve, reject) => {
      const socket = connect(port, "127.0.0.1", () => resolve(new Connection(socket)));
      socket.once("error", reject);
    });
  }

  close(): void {
    this.#fail?.(new Error("closed"));
    this.#socket.destroy();
  }

  /** @param countTokens looks for tokens in what comes: costs a little */
  ask(request: Buffer, countTokens = false): Promise<Timed> {
    return new Promise((resolve, reject) => {
      const startMs = performance.now();
      const atMs: number[] = [];
      let [status, firstMs, tokens, missing] = [0, 0, 0, -1];
      let head: Buffer = Buffer.alloc(0);
      let tail: Buffer = Buffer.alloc(0);
      this.#fail = reject;
      this.#take = (data) => {
        let body = data;
        if (status === 0) {
          head = head.length === 0 ? data : Buffer.concat([head, data]);
          const end = head.indexOf(headerEnd);
          if (end < 0) return;
          const text = head.toString("latin1", 0, end).toLowerCase();
          status = Number(text.slice(9, 12));
          const length = /content-length: (\d+)/.exec(text)?.[1];
          missing = length === undefined ? -1 : Number(length);
          body = head.subarray(end + 4);
        }
        if (body.length === 0 && missing !== 0) return;
        if (firstMs === 0) firstMs = performance.now() - startMs;
        if (countTokens) {
          const found = count(body);
          tokens += found;
          if (found > 0) atMs.push(performance.now() - startMs);
        }
        if (missing >= 0) missing -= body.length;
        else tail = body.length >= 5 ? body.subarray(-5) : Buffer.concat([tail, body]).subarray(-5);
        if (missing > 0 || (missing < 0 && !tail.equals(chunkedEnd))) return;
        this.#take = undefined;
        this.#fail = undefined;
        resolve({ status, firstMs, totalMs: performance.now() - startMs, atMs, tokens });
      };
      this.#socket.write(request);
    });
  }
}

/** Tokens of the model server look like `w17 `. */
function count(body: Buffer): number {
  let tokens = 0;
  for (let at = body.indexOf('"w'); at >= 0; at = body.indexOf('"w', at + 2)) tokens++;
  return tokens;
}

export interface Wish {
  readonly bytes: number;
  readonly isStream: boolean;
  readonly tokens: number;
  readonly delayMs: number;
}

const line = "const value = compute(a, b) + other.map((x) => x.id); // note\n";

/** Makes requests that differ from one another, so that no answer of one is known from another. */
export function requestsTo(target: Target, { bytes, isStream, tokens, delayMs }: Wish): () => Buffer {
  const marker = "00000000";
  const task = `Please review this function ${marker} and find the bug: function add(a,b){return a-b}`;
  const long = bytes <= 400 ? "" : `\n${line.repeat(Math.ceil(bytes / line.length)).slice(0, bytes)}\n`;
  const content = `${task}${long} tokens=${tokens} delay=${delayMs}`;
  const body = JSON.stringify({
    model: target.model,
    messages: [{ role: "user", content }],
    stream: isStream,
    max_tokens: 4096,
  });
  const headers = Object.entries({
    host: `127.0.0.1:${target.port}`,
    "content-type": "application/json",
    "content-length": String(Buffer.byteLength(body)),
    ...target.headers,
  });
  const head = `POST ${target.path} HTTP/1.1\r\n${headers.map(([name, value]) => `${name}: ${value}\r\n`).join("")}\r\n`;
  const whole = Buffer.from(head + body);
  const at = whole.indexOf(marker);
  let next = Math.floor(Math.random() * 1e7);
  return () => {
    const request = Buffer.from(whole);
    request.write(String(next++ % 1e8).padStart(8, "0"), at, "latin1");
    return request;
  };
}
