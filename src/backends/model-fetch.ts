// The fetch under every call to a model server: no time limit of its own, and nothing malformed gets past it unseen.
import { msg } from "../core/message.ts";
import { serverName } from "../core/names.ts";
import { isAbort, TaskError } from "../core/task-error.ts";
import { directFetch } from "./direct-fetch.ts";
import { type AnswerLimits, maxRefusalBytes, streamError } from "./open-answer.ts";
import { retryWaitMs } from "./retry-wait.ts";
import { abortError, lostServer, notJson, refusal, unreachable } from "./server-errors.ts";

/** Before the first piece has come silence has no limit: loading and reading the prompt take as long as they do. */
export interface FetchLimits extends AnswerLimits {
  /** Longest line, bytes. */
  readonly maxLineBytes: number;
}

/**
 * A `fetch` for one call of the `ollama` client, which itself drops malformed lines and the details of errors.
 * Errors are `TaskError`s; an answer that is not JSON lines, or ends in the middle of one, is an error too.
 */
export function createModelFetch(limits: FetchLimits, baseFetch: typeof fetch = directFetch): typeof fetch {
  return async (input, init) => {
    const signal = init?.signal ? AbortSignal.any([limits.signal, init.signal]) : limits.signal;
    const response = await patientFetch(input, { ...init, signal }, limits.server, baseFetch);
    if (!response.ok) {
      const text = await refusalText(response, limits.stallMs, limits.server);
      const { status, statusText } = response;
      throw refusal({ status, statusText, retryAfterMs: retryWaitMs(response.headers) }, text, limits.server);
    }
    const type = response.headers.get("content-type") ?? "";
    if (!/json/i.test(type) && response.body !== null) {
      await response.body.cancel();
      throw notJson(limits.server, type);
    }
    if (response.body === null || !/ndjson/i.test(type)) return response;
    return new Response(checkedLines(response.body, limits), {
      status: response.status,
      headers: { "content-type": type },
    });
  };
}

/** What a server says of why it refuses, or as much of it as came before it fell silent. */
async function refusalText({ body }: Response, stallMs: number, server: string): Promise<string> {
  const reader = body?.getReader();
  if (!reader) return "";
  const pieces: Uint8Array[] = [];
  try {
    for (let bytes = 0; bytes <= maxRefusalBytes; ) {
      const { done, value } = await withDeadline(reader.read(), stallMs, server);
      if (done) break;
      pieces.push(value);
      bytes += value.length;
    }
  } catch {
    // The status says enough.
  }
  void reader.cancel().catch(() => undefined);
  return Buffer.concat(pieces).toString();
}

/**
 * A fetch that waits as long as it takes once it is connected, and follows nobody elsewhere.
 * @throws TaskError `server-unreachable`; AbortError
 */
async function patientFetch(
  input: Parameters<typeof fetch>[0],
  init: RequestInit,
  server: string,
  baseFetch: typeof fetch,
): Promise<Response> {
  try {
    return await baseFetch(input, { ...init, redirect: "error" });
  } catch (error) {
    if (isAbort(error) || init.signal?.aborted) throw abortError();
    throw unreachable(server, error);
  }
}

/** Passes whole lines on and fails on what is not one: half a line at the end, broken JSON, an endless line, a long silence. */
function checkedLines(body: ReadableStream<Uint8Array>, limits: FetchLimits): ReadableStream<Uint8Array> {
  const reader = body.getReader();
  const decoder = new TextDecoder("utf-8", { fatal: true });
  let rest: Buffer = Buffer.alloc(0);
  let begun = false;
  let isWhole = false;
  let failure: unknown;

  const take = (line: Buffer): void => {
    isWhole = endsAnswer(decodeLine(decoder, line, limits.server), limits.server) ?? isWhole;
  };
  /** How many bytes of `rest` are good lines; what follows them stays, or is the failure. */
  const takeLines = (): number => {
    let good = 0;
    try {
      for (let end = rest.indexOf(10); end >= 0; end = rest.indexOf(10, good)) {
        take(rest.subarray(good, end));
        good = end + 1;
      }
      if (rest.length - good > limits.maxLineBytes) throw badLine(limits.server, "a line without an end");
    } catch (error) {
      failure = error;
    }
    return good;
  };

  return new ReadableStream<Uint8Array>(
    {
      async pull(controller) {
        try {
          for (;;) {
            if (failure !== undefined) throw failure;
            const { done, value } = await withDeadline(reader.read(), begun ? limits.stallMs : 0, limits.server);
            if (done) {
              take(rest);
              if (!isWhole) throw lostServer(limits.server);
              controller.enqueue(rest);
              controller.close();
              return;
            }
            begun = true;
            rest = Buffer.concat([rest, value]);
            const good = takeLines();
            const lines = rest.subarray(0, good);
            rest = rest.subarray(good);
            if (lines.length === 0) continue;
            controller.enqueue(lines);
            return;
          }
        } catch (error) {
          await reader.cancel().catch(() => undefined);
          controller.error(streamError(error, false, limits));
        }
      },
      cancel: (reason) => reader.cancel(reason),
    },
    { highWaterMark: 0 },
  );
}

function decodeLine(decoder: TextDecoder, line: Uint8Array, server: string): string {
  try {
    return decoder.decode(line);
  } catch (error) {
    throw badLine(server, "bytes that are not UTF-8", error);
  }
}

/** Whether the line is one that an answer or a pull may end with; undefined for an empty line. Throws on what is not JSON. */
function endsAnswer(line: string, server: string): boolean | undefined {
  if (line.trim() === "") return undefined;
  let value: unknown;
  try {
    value = JSON.parse(line);
  } catch (error) {
    throw badLine(server, line.slice(0, 80), error);
  }
  if (typeof value !== "object" || value === null) throw badLine(server, line.slice(0, 80));
  return (
    ("done" in value && value.done === true) || ("status" in value && value.status === "success") || "error" in value
  );
}

export function badLine(server: string, what: string, cause?: unknown): TaskError {
  return new TaskError("bad-response", msg("{0} sent something that is not an answer: {1}", serverName(server), what), {
    cause,
  });
}

async function withDeadline<T>(work: Promise<T>, ms: number, server: string): Promise<T> {
  if (ms === 0) return work;
  let timer: ReturnType<typeof setTimeout> | undefined;
  const deadline = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(lostServer(server, new Error(`no data for ${ms} ms`))), ms);
  });
  try {
    return await Promise.race([work, deadline]);
  } finally {
    clearTimeout(timer);
  }
}
