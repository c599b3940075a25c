// The fetch under one call of Claude: a bound on all its tries together, and nothing malformed gets past it unseen.
import type { BeforeSending } from "../core/backend.ts";
import { mayHaveGoneOn } from "../core/claude-usage.ts";
import { msg } from "../core/message.ts";
import { TaskError } from "../core/task-error.ts";
import { lostClaude } from "./claude-errors.ts";
import { retryWaitMs } from "./retry-wait.ts";
import { wasConnected } from "./server-errors.ts";

export interface ClaudeCallOptions {
  /** Ends the call; the client, which would try again, sees it as aborted. */
  readonly stop: AbortController;
  /** Longest time that tries and the waits between them may take, ms. */
  readonly maxRetryWaitMs: number;
  /** Longest silence inside an answer, ms; the server sends a `ping` when it has nothing else to say. */
  readonly stallMs: number;
  readonly accepts: "text/event-stream" | "application/json";
  readonly fetch: typeof fetch;
  readonly beforeSending: BeforeSending | undefined;
}

export interface ClaudeCall {
  readonly fetch: typeof fetch;
  /** Why the call was ended from here; undefined where the client knows more. */
  readonly failure: unknown;
  /** Certain where every try was refused, or found no connection. */
  readonly isUnpaid: boolean;
}

/** As the client waits where the server does not say how long: doubled from 0.5 s, at most 8 s. */
const backoffMs = (tries: number) => Math.min(8_000, 500 * 2 ** (tries - 1));
/** Far above any real line; one holds some tokens. */
const maxLineBytes = 4 * 1024 * 1024;

export function createClaudeCall(options: ClaudeCallOptions): ClaudeCall {
  const { stop, maxRetryWaitMs } = options;
  const startMs = performance.now();
  let tries = 0;
  let failure: unknown;
  let isUnpaid = true;
  const mayWait = (ms: number) => performance.now() - startMs + ms <= maxRetryWaitMs;
  const give = (error: unknown): unknown => {
    failure = error;
    stop.abort();
    return error;
  };
  return {
    get failure() {
      return failure;
    },
    get isUnpaid() {
      return isUnpaid;
    },
    async fetch(input, init) {
      tries++;
      if (typeof init?.body === "string") {
        await options.beforeSending?.(Buffer.byteLength(init.body)).catch((error: unknown) => {
          throw give(error);
        });
      }
      let response: Response;
      try {
        // A redirect would carry the prompt to a host that nobody chose.
        response = await options.fetch(input, { ...init, redirect: "manual" });
      } catch (error) {
        isUnpaid &&= !wasConnected(error);
        // The price of one answer is set aside: what may have been paid for is not asked again.
        if (!isUnpaid) throw give(lostClaude());
        throw mayWait(backoffMs(tries)) || init?.signal?.aborted ? error : give(error);
      }
      isUnpaid &&= !response.ok && !mayHaveGoneOn(response.status);
      if (!response.ok) {
        const mayAgain = isUnpaid && mayWait(retryWaitMs(response.headers) ?? backoffMs(tries));
        return mayAgain ? response : withoutRetry(response);
      }
      const type = response.headers.get("content-type") ?? "";
      if (!type.startsWith(options.accepts) || response.body === null) {
        await response.body?.cancel();
        throw give(wrongType(type));
      }
      if (options.accepts === "application/json") return response;
      return new Response(checkedEvents(response.body, options.stallMs), response);
    },
  };
}

/** The client obeys this header before anything else. */
function withoutRetry(response: Response): Response {
  const headers = new Headers(response.headers);
  headers.set("x-should-retry", "false");
  return new Response(response.body, { status: response.status, statusText: response.statusText, headers });
}

function wrongType(type: string): TaskError {
  return new TaskError(
    "bad-response",
    msg("Claude answered with “{0}”. Is something in between, such as a sign-in page of the network?", type),
  );
}

/** Passes whole lines on and fails on what is not one of an event stream, and on a long silence. */
function checkedEvents(body: ReadableStream<Uint8Array>, stallMs: number): ReadableStream<Uint8Array> {
  const reader = body.getReader();
  const check = createCheck();
  let failure: unknown;
  return new ReadableStream<Uint8Array>(
    {
      async pull(controller) {
        try {
          if (failure !== undefined) throw failure;
          const { done, value } = await withDeadline(reader.read(), stallMs);
          if (done) {
            controller.close();
            return;
          }
          const { good, error } = check(value);
          failure = error;
          controller.enqueue(value.subarray(0, good));
        } catch (error) {
          await reader.cancel().catch(() => undefined);
          controller.error(error);
        }
      },
      cancel: (reason) => reader.cancel(reason),
    },
    { highWaterMark: 0 },
  );
}

interface Checked {
  /** How many bytes of the piece come before what is wrong. */
  readonly good: number;
  readonly error?: TaskError;
}

/** The client drops, without a word, fields it does not know and data without the name of an event. */
function createCheck(): (piece: Uint8Array) => Checked {
  const decoder = new TextDecoder("utf-8", { fatal: true });
  let rest: Buffer = Buffer.alloc(0);
  let hasEvent = false;
  let hasData = false;
  const complaint = (line: Buffer): string | undefined => {
    let text: string;
    try {
      text = decoder.decode(line).replace(/\r$/, "");
    } catch {
      return "bytes that are not UTF-8";
    }
    if (text === "") {
      const isNameless = hasData && !hasEvent;
      hasEvent = false;
      hasData = false;
      return isNameless ? "data without an event" : undefined;
    }
    hasEvent ||= text.startsWith("event:");
    hasData ||= text.startsWith("data:");
    // Not quoted: what stands in between may repeat the key it was given.
    return /^(?:event|data|id|retry)?:/.test(text) ? undefined : "a line of no event";
  };
  return (piece) => {
    const before = rest.length;
    rest = Buffer.concat([rest, piece]);
    let start = 0;
    for (let end = rest.indexOf(10); end >= 0; end = rest.indexOf(10, start)) {
      const wrong = complaint(rest.subarray(start, end));
      if (wrong !== undefined) return { good: Math.max(0, start - before), error: badLine(wrong) };
      start = end + 1;
    }
    if (rest.length - start > maxLineBytes) return { good: 0, error: badLine("a line without an end") };
    rest = rest.subarray(start);
    return { good: piece.length };
  };
}

function badLine(what: string): TaskError {
  return new TaskError("bad-response", msg("{0} sent something that is not an answer: {1}", "Claude", what));
}

async function withDeadline<T>(work: Promise<T>, ms: number): Promise<T> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const deadline = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(silent()), ms);
  });
  try {
    return await Promise.race([work, deadline]);
  } finally {
    clearTimeout(timer);
  }
}

function silent(): TaskError {
  return new TaskError(
    "server-lost",
    msg("Claude fell silent in the middle of the answer. What had come is kept; ask again."),
  );
}
