// The one call that every answer goes through: asks with nothing in between, and yields the lines of the answer as
// objects. What is not JSON lines, ends in the middle, or falls silent is an error.
import { isUtf8 } from "node:buffer";
import type { ChatResponse } from "ollama";
import { msg } from "../core/message.ts";
import { each, type Stream, stream, type Take } from "../core/stream.ts";
import { TaskError } from "../core/task-error.ts";
import { badLine, type FetchLimits } from "./model-fetch.ts";
import { createSilence, graceMs, openAnswer, refusalText, streamError } from "./open-answer.ts";
import type { Answered } from "./post-json.ts";
import { retryWaitMs } from "./retry-wait.ts";
import { abortError, lostServer, notJson, refusal } from "./server-errors.ts";

/** @throws TaskError or an `AbortError`, as the parts do; leaving their loop closes the connection */
export async function chatParts(
  address: string,
  body: string,
  limits: FetchLimits,
  given?: typeof fetch,
): Promise<Stream<ChatResponse>> {
  const accept = "application/x-ndjson, application/json";
  const opened = await openAnswer({ url: chatUrl(address), body, headers: { accept } }, limits, given);
  if (opened.status !== 200) {
    const { status, headers } = opened;
    const said = await refusalText(opened, limits);
    throw refusal({ status, statusText: "", retryAfterMs: retryWaitMs(headers) }, said, limits.server);
  }
  const type = opened.headers.get("content-type") ?? "";
  if (!/json/i.test(type)) {
    opened.close(abortError());
    throw notJson(limits.server, type);
  }
  return stream((take) => readLines(opened, limits, take));
}

const chatUrl = (address: string) => `${address.replace(/\/+$/, "")}/api/chat`;

async function readLines(opened: Answered, limits: FetchLimits, take: Take<ChatResponse>): Promise<void> {
  const { server, signal } = limits;
  const lines = createLines(limits);
  const silence = createSilence(server, opened);
  let last: ChatResponse | undefined;
  const listen = (): undefined => silence.start(last ? graceMs : limits.stallMs);
  const takeLines = (): Promise<void> | undefined => {
    for (let line = lines.next(); line; line = lines.next()) {
      if (line.done) {
        last = line;
        return undefined;
      }
      const wait = take(line);
      if (wait !== undefined) return wait.then(takeLines);
    }
    return undefined;
  };
  try {
    await each(opened.body, (piece) => {
      if (last) return listen();
      lines.push(piece);
      const wait = takeLines();
      if (wait === undefined) return listen();
      silence.stop();
      return wait.then(listen);
    });
    last ??= lines.rest();
    if (!last) throw lostServer(server);
  } catch (error) {
    if (!last) throw streamError(error, silence.hasBeen(), limits);
    if (signal.aborted) throw abortError();
  } finally {
    silence.dispose();
  }
  await take(last);
}

function createLines({ server, maxLineBytes }: FetchLimits) {
  let bytes: Buffer = Buffer.alloc(0);
  let start = 0;
  return {
    push(piece: Uint8Array): void {
      const own = Buffer.isBuffer(piece) ? piece : Buffer.from(piece.buffer, piece.byteOffset, piece.length);
      bytes = start < bytes.length ? Buffer.concat([bytes.subarray(start), own]) : own;
      start = 0;
    },
    /** The next whole line that holds something. */
    next(): ChatResponse | undefined {
      for (let end = bytes.indexOf(10, start); end >= 0; end = bytes.indexOf(10, start)) {
        const line = bytes.subarray(start, end);
        start = end + 1;
        const part = parseLine(line, server);
        if (part) return part;
      }
      if (bytes.length - start > maxLineBytes) throw badLine(server, "a line without an end");
      return undefined;
    },
    /** A last line without its end. */
    rest(): ChatResponse | undefined {
      const line = parseLine(bytes.subarray(start), server);
      return line?.done ? line : undefined;
    },
  };
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
