// One answer of a model server, with nothing in between: opened, refused, or fallen silent in the middle.
import { isAbort, TaskError } from "../core/task-error.ts";
import { type Answered, askDirectly, unpacked } from "./post-json.ts";
import { abortError, lostServer, unreachable } from "./server-errors.ts";

export interface AnswerLimits {
  readonly signal: AbortSignal;
  /** Name of the server, for messages. */
  readonly server: string;
  /** Longest silence between two pieces, ms. */
  readonly stallMs: number;
}

export interface Wanted {
  readonly url: string;
  /** JSON, which is posted; without one it is only asked for. */
  readonly body?: string;
  readonly headers: Readonly<Record<string, string>>;
}

/**
 * Waits as long as it takes once it is connected, and follows nobody elsewhere: a redirect is an answer like any other.
 * @throws TaskError `server-unreachable`; AbortError
 */
export async function openAnswer(wanted: Wanted, limits: AnswerLimits, given?: typeof fetch): Promise<Answered> {
  return unpacked(await open(wanted, limits, given));
}

async function open(
  { url, body, headers }: Wanted,
  { signal, server }: AnswerLimits,
  given?: typeof fetch,
): Promise<Answered> {
  const posted = body === undefined ? {} : { body };
  const method = body === undefined ? "GET" : "POST";
  const sent = { "content-type": "application/json", ...headers };
  try {
    if (!given) return await askDirectly({ url, method, headers: sent, ...posted }, signal);
    return ofResponse(await given(url, { method, headers: sent, ...posted, signal, redirect: "error" }));
  } catch (error) {
    if (isAbort(error) || signal.aborted) throw abortError();
    throw unreachable(server, error);
  }
}

function ofResponse({ status, headers, body }: Response): Answered {
  const read = body ?? new ReadableStream<Uint8Array>();
  return { status, headers, body: read, close: () => void read.cancel().catch(() => undefined) };
}

/** Nobody reads more of why a server refuses, bytes. */
export const maxRefusalBytes = 64 * 1024;

/** What a server says of why it refuses; no more than anybody reads, and whatever has come where it falls silent. */
export async function refusalText(opened: Answered, { server, stallMs }: AnswerLimits): Promise<string> {
  const silence = createSilence(server, opened);
  const pieces: Uint8Array[] = [];
  let bytes = 0;
  try {
    silence.start(stallMs);
    for await (const piece of opened.body) {
      pieces.push(piece);
      bytes += piece.length;
      if (bytes > maxRefusalBytes) break;
      silence.start(stallMs);
    }
  } catch {
    // The status says enough.
  } finally {
    silence.dispose();
  }
  return Buffer.concat(pieces).toString();
}

/** After the last of an answer, the end of the answer is waited for so long: the connection can then be used again. */
export const graceMs = 100;

/** Closes what has been silent too long. A reader that takes its time is no silence of the server. */
export function createSilence(server: string, opened: Answered) {
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
    start(ms: number): undefined {
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

export function streamError(error: unknown, hasFallenSilent: boolean, { server, signal }: AnswerLimits): Error {
  if (error instanceof TaskError) return error;
  if (!hasFallenSilent && (isAbort(error) || signal.aborted)) return abortError();
  return lostServer(server, error);
}
