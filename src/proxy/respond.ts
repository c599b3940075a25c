// Sends an answer as it comes: status and headers only when there is something to send, back-pressure, heartbeats.
import type { ServerResponse } from "node:http";
import { formatMessage } from "../core/message.ts";
import type { Route } from "../core/route.ts";
import { each } from "../core/stream.ts";
import type { ToolCall } from "../core/tool.ts";
import type { AnswerForm, Ending } from "./exchange.ts";
import { type ProxyError, toProxyError } from "./proxy-error.ts";
import type { ReadEvent } from "./read-answer.ts";

/** What became of one answer, for the metrics. */
export interface Sent {
  route?: Route;
  isKept?: boolean;
  firstMs?: number;
  ending?: Ending;
  error?: ProxyError;
}

export interface Reply {
  readonly response: ServerResponse;
  readonly form: AnswerForm;
  /** Aborted when the client has left. */
  readonly signal: AbortSignal;
  /** Longest silence of a stream, ms. */
  readonly beatMs: number;
}

/** Streams the answer. Throws only what happened before anything was sent. */
export async function sendStream(events: AsyncIterable<ReadEvent>, reply: Reply, sent: Sent): Promise<void> {
  const { response, form, signal } = reply;
  const startMs = performance.now();
  const body = createBody(response);
  const begin = () => {
    if (response.headersSent) return "";
    body.open({ "content-type": form.streamType, "cache-control": "no-store", ...headersOf(sent) });
    return form.open(sent.route);
  };
  // One timer for the whole answer: a timer for each token would cost more than the token.
  const timer = setTimeout(() => {
    timer.refresh();
    if (!response.destroyed && !response.writableEnded) body.write(begin() + form.beat());
  }, reply.beatMs);
  try {
    await each(events, (event) => {
      timer.refresh();
      if (event.kind === "routed") sent.route = event.route;
      else if (event.kind === "begin") sent.isKept = event.isKept;
      else if (event.kind === "end") {
        sent.ending = event.ending;
        body.end(begin() + form.close(event.ending));
      } else {
        sent.firstMs ??= performance.now() - startMs;
        const text = begin() + form.piece(event);
        if (text !== "" && !body.write(text)) return drained(response, signal);
      }
      return undefined;
    });
  } catch (error) {
    if (signal.aborted) throw error;
    sent.error = toProxyError(error);
    if (!response.headersSent) throw error;
    // The status is sent: from here on a failure is part of the stream.
    if (!response.writableEnded) body.end(form.failure(sent.error));
  } finally {
    clearTimeout(timer);
  }
}

/**
 * What is written in one turn is one chunk and one write, however many tokens a busy moment brings: node:http hands the
 * system the length, the text and the ends of their lines of each one by one, which costs more than the token.
 */
function createBody(response: ServerResponse) {
  let isChunked = false;
  let waiting = "";
  const chunk = (text: string) =>
    isChunked && text !== "" ? `${Buffer.byteLength(text).toString(16)}\r\n${text}\r\n` : text;
  const flush = () => {
    if (waiting === "" || response.destroyed) return;
    const { socket } = response;
    const text = chunk(waiting);
    waiting = "";
    // Else node:http holds it back for another turn.
    socket?.cork();
    response.write(text);
    socket?.uncork();
  };
  return {
    open(headers: Record<string, string>): void {
      response.writeHead(200, headers);
      response.socket?.setNoDelay(true);
      // Known now: what speaks HTTP/1.0 gets no chunks.
      isChunked = response.chunkedEncoding;
      response.chunkedEncoding = false;
    },
    /** @returns false where the client has to read first */
    write(text: string): boolean {
      if (waiting === "") process.nextTick(flush);
      waiting += text;
      return !response.writableNeedDrain;
    },
    end(text: string): void {
      const last = chunk(waiting + text);
      waiting = "";
      response.end(isChunked ? `${last}0\r\n\r\n` : last);
    },
  };
}

/** Sends the answer as one object when it is whole. */
export async function sendWhole(events: AsyncIterable<ReadEvent>, reply: Reply, sent: Sent): Promise<void> {
  const startMs = performance.now();
  let text = "";
  let thinking = "";
  const calls: ToolCall[] = [];
  await each(events, (event) => {
    if (event.kind === "routed") sent.route = event.route;
    else if (event.kind === "begin") sent.isKept = event.isKept;
    else if (event.kind === "end") sent.ending = event.ending;
    else {
      sent.firstMs ??= performance.now() - startMs;
      if (event.kind === "tool-call") calls.push(event.call);
      else if (event.kind === "text") text += event.text;
      else thinking += event.text;
    }
    return undefined;
  });
  if (!sent.ending) return;
  const whole = reply.form.whole({ text, thinking, calls, ending: sent.ending, route: sent.route });
  sendJson(reply.response, 200, whole, headersOf(sent));
}

export function sendJson(
  response: ServerResponse,
  status: number,
  value: object,
  headers: Record<string, string> = {},
): void {
  const body = JSON.stringify(value);
  response
    .writeHead(status, {
      "content-type": "application/json; charset=utf-8",
      "content-length": Buffer.byteLength(body),
      "cache-control": "no-store",
      ...headers,
    })
    .end(body);
}

/** What ran where and why. */
function headersOf({ route, isKept }: Sent): Record<string, string> {
  if (!route) return {};
  return {
    "x-switchyard-task": route.task,
    "x-switchyard-model": ascii(route.model),
    "x-switchyard-backend": ascii(route.backend),
    "x-switchyard-place": route.place,
    "x-switchyard-cache": isKept ? "hit" : "miss",
    "x-switchyard-why": ascii(formatMessage(route.why)),
  };
}

/** Names come from model servers: nothing in them may end a header. */
export function ascii(text: string): string {
  if (/^[\x20-\x7e]{0,200}$/.test(text)) return text;
  return text
    .replace(/[“”]/g, '"')
    .replace(/[^\x20-\x7e]/g, "?")
    .slice(0, 200);
}

/** Resolves when the client has read on, or has left. */
export function drained(response: ServerResponse, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const go = () => {
      response.off("drain", go);
      signal.removeEventListener("abort", go);
      resolve();
    };
    response.on("drain", go);
    signal.addEventListener("abort", go, { once: true });
    if (signal.aborted) go();
  });
}
