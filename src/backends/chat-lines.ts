// The one call that every answer goes through: asks with nothing in between, and yields the lines of the answer as
// objects. What is not JSON lines, ends in the middle, or falls silent is an error.
import { isUtf8 } from "node:buffer";
import { pipeline, type Readable } from "node:stream";
import { text } from "node:stream/consumers";
import { createBrotliDecompress, createUnzip } from "node:zlib";
import type { ChatResponse } from "ollama";
import { request } from "undici";

import { msg } from "../core/message.ts";
import { isAbort, TaskError } from "../core/task-error.ts";
import { badLine, type FetchLimits, patientDispatcher } from "./model-fetch.ts";
import { retryWaitMs } from "./retry-wait.ts";
import { abortError, lostServer, notJson, type Refused, refusal, unreachable } from "./server-errors.ts";

interface Opened extends Refused {
  readonly type: string;
  readonly body: AsyncIterable<Uint8Array>;
  text(): Promise<string>;
  close(reason: Error): void;
}

/** @throws TaskError or an `AbortError`, as the parts do; leaving their loop closes the connection */
export async function chatParts(
  address: string,
  body: string,
  limits: FetchLimits,
  given?: typeof fetch,
): Promise<AsyncGenerator<ChatResponse>> {
  const opened = await open(`${address.replace(/\/+$/, "")}/api/chat`, body, limits, given);
  if (opened.status !== 200) throw refusal(opened, await opened.text(), limits.server);
  if (!/json/i.test(opened.type)) {
    opened.close(abortError());
    throw notJson(limits.server, opened.type);
  }
  return readLines(opened, limits);
}

async function open(url: string, body: string, limits: FetchLimits, given?: typeof fetch): Promise<Opened> {
  const { signal, server } = limits;
  const headers = { "content-type": "application/json", accept: "application/x-ndjson, application/json" };
  try {
    return given
      ? ofResponse(await given(url, { method: "POST", body, headers, signal, redirect: "error" }))
      : ofUndici(await request(url, { method: "POST", body, headers, signal, dispatcher: patientDispatcher() }));
  } catch (error) {
    if (isAbort(error) || signal.aborted) throw abortError();
    throw unreachable(server, error);
  }
}

function ofUndici({ statusCode, headers, body }: Awaited<ReturnType<typeof request>>): Opened {
  const unpacked = unpack(body, String(headers["content-encoding"] ?? "identity"));
  return {
    status: statusCode,
    statusText: "",
    retryAfterMs: retryWaitMs(new Headers({ "retry-after": String(headers["retry-after"] ?? "") })),
    type: String(headers["content-type"] ?? ""),
    body: unpacked,
    text: () => text(unpacked).catch(() => ""),
    close(reason) {
      body.on("error", () => undefined);
      body.destroy(reason);
    },
  };
}

/** Nothing packed was asked for; something between may pack it all the same. */
function unpack(body: Readable, encoding: string): Readable {
  if (encoding === "identity") return body;
  const unpacked = encoding === "br" ? createBrotliDecompress() : createUnzip();
  return pipeline(body, unpacked, () => undefined);
}

function ofResponse(response: Response): Opened {
  const body = response.body ?? new ReadableStream<Uint8Array>();
  return {
    status: response.status,
    statusText: response.statusText,
    retryAfterMs: retryWaitMs(response.headers),
    type: response.headers.get("content-type") ?? "",
    body,
    text: () => response.text().catch(() => ""),
    close: () => void body.cancel().catch(() => undefined),
  };
}

/** After the last line, the end of the answer is waited for so long: the connection can then be used again. */
const graceMs = 100;

async function* readLines(opened: Opened, limits: FetchLimits): AsyncGenerator<ChatResponse> {
  const { server, signal } = limits;
  const lines = createLines(limits);
  const silence = createSilence(server, opened);
  let last: ChatResponse | undefined;
  try {
    for await (const piece of opened.body) {
      silence.stop();
      if (!last) {
        for (const line of lines.push(piece)) {
          if (line.done) last = line;
          else yield line;
        }
      }
      silence.start(last ? graceMs : limits.stallMs);
    }
    last ??= lines.rest();
    if (!last) throw lostServer(server);
  } catch (error) {
    if (!last) throw streamError(error, silence.hasBeen(), limits);
    if (signal.aborted) throw abortError();
  } finally {
    silence.dispose();
  }
  yield last;
}

/** Closes what has been silent too long. A reader that takes its time is no silence of the server. */
function createSilence(server: string, opened: Opened) {
  let [isWaiting, hasBeen, limitMs] = [false, false, 0];
  // One timer for the whole answer: a timer for each piece would cost more than the piece.
  let timer: ReturnType<typeof setTimeout> | undefined;
  const end = () => {
    if (!isWaiting) return;
    hasBeen = true;
    opened.close(lostServer(server, new Error(`no data for ${limitMs} ms`)));
  };
  return {
    hasBeen: () => hasBeen,
    start(ms: number) {
      isWaiting = true;
      if (timer && ms === limitMs) timer.refresh();
      else {
        clearTimeout(timer);
        timer = ms > 0 ? setTimeout(end, ms) : undefined;
      }
      limitMs = ms;
    },
    stop() {
      isWaiting = false;
    },
    dispose: () => clearTimeout(timer),
  };
}

function createLines({ server, maxLineBytes }: FetchLimits) {
  let rest: Buffer | undefined;
  return {
    *push(piece: Uint8Array): Generator<ChatResponse> {
      const own = Buffer.from(piece.buffer, piece.byteOffset, piece.length);
      const bytes = rest ? Buffer.concat([rest, own]) : own;
      let start = 0;
      for (let end = bytes.indexOf(10); end >= 0; end = bytes.indexOf(10, start)) {
        const line = parseLine(bytes.subarray(start, end), server);
        start = end + 1;
        if (line) yield line;
      }
      rest = start < bytes.length ? bytes.subarray(start) : undefined;
      if (rest && rest.length > maxLineBytes) throw badLine(server, "a line without an end");
    },
    /** A last line without its end. */
    rest(): ChatResponse | undefined {
      const line = rest && parseLine(rest, server);
      return line?.done ? line : undefined;
    },
  };
}

function streamError(error: unknown, hasFallenSilent: boolean, { server, signal }: FetchLimits): Error {
  if (error instanceof TaskError) return error;
  if (!hasFallenSilent && (isAbort(error) || signal.aborted)) return abortError();
  return lostServer(server, error);
}

function parseLine(line: Buffer, server: string): ChatResponse | undefined {
  if (!isUtf8(line)) throw badLine(server, "bytes that are not UTF-8");
  const json = line.toString();
  if (json.trim() === "") return undefined;
  let value: unknown;
  try {
    value = JSON.parse(json);
  } catch (error) {
    throw badLine(server, json.slice(0, 80), error);
  }
  if (typeof value !== "object" || value === null) throw badLine(server, json.slice(0, 80));
  if ("error" in value && typeof value.error === "string") {
    throw new TaskError("server-error", msg("{0} reports an error: {1}", server, value.error));
  }
  if (!isPart(value)) throw badLine(server, json.slice(0, 80));
  return value;
}

/** Whether an object is what servers answer with; the fields of the message are looked at where they are used. */
function isPart(value: object): value is ChatResponse {
  return ("message" in value && typeof value.message === "object") || ("done" in value && value.done === true);
}
