// One request to a model server, without the streams of HTTP clients: they cost as much as the rest of a call.
import type { Dispatcher } from "undici";
import { patientDispatcher } from "./model-fetch.ts";
import { abortError } from "./server-errors.ts";

/** What a server begins to answer. Leaving the loop over `body` closes the connection. */
export interface Answered {
  readonly status: number;
  /** Takes names in small letters. */
  readonly headers: Pick<Headers, "get">;
  readonly body: AsyncIterable<Uint8Array>;
  /** Ends `body` with this error. */
  close(reason: Error): void;
}

/** Pieces that may wait for their reader before the server is kept waiting. */
const mostWaiting = 16;

/**
 * Resolves when the headers of the answer are there.
 * @throws what undici says of the connection; an `AbortError`
 */
export function postJson(url: string, body: string, accept: string, signal: AbortSignal): Promise<Answered> {
  const pathAt = url.indexOf("/", url.indexOf("//") + 2);
  if (signal.aborted) return Promise.reject(abortError());
  return new Promise((resolve, reject) => {
    const answer = createAnswer(signal, resolve, reject);
    patientDispatcher().dispatch(
      {
        origin: url.slice(0, pathAt),
        path: url.slice(pathAt),
        method: "POST",
        headers: { "content-type": "application/json", accept },
        body,
      },
      answer,
    );
  });
}

function createAnswer(
  signal: AbortSignal,
  opened: (answer: Answered) => void,
  refused: (error: Error) => void,
): Dispatcher.DispatchHandler {
  const waiting: Uint8Array[] = [];
  let controller: Dispatcher.DispatchController | undefined;
  let asked: PromiseWithResolvers<IteratorResult<Uint8Array, undefined>> | undefined;
  let over: { readonly error?: Error } | undefined;

  const end = (how: { readonly error?: Error }) => {
    if (over) return;
    over = how;
    signal.removeEventListener("abort", leave);
    if (how.error) refused(how.error);
    if (!asked) return;
    if (how.error) asked.reject(how.error);
    else asked.resolve({ done: true, value: undefined });
    asked = undefined;
  };
  const close = (error: Error) => {
    if (over) return;
    waiting.length = 0;
    end({ error });
    controller?.abort(error);
  };
  const leave = () => close(abortError());
  signal.addEventListener("abort", leave);

  const next = (): Promise<IteratorResult<Uint8Array, undefined>> => {
    const value = waiting.shift();
    if (value) {
      if (waiting.length === 0 && controller?.paused) controller.resume();
      return Promise.resolve({ done: false, value });
    }
    if (over?.error) return Promise.reject(over.error);
    if (over) return Promise.resolve({ done: true, value: undefined });
    asked = Promise.withResolvers();
    return asked.promise;
  };
  const iterator: AsyncIterator<Uint8Array, undefined> = {
    next,
    async return() {
      close(abortError());
      return { done: true, value: undefined };
    },
  };
  return {
    onRequestStart(started) {
      controller = started;
      if (over) started.abort(over.error ?? abortError());
    },
    onResponseStart(_, status, headers) {
      // Only what comes last is an answer.
      if (status < 200) return;
      const get = (name: string) => [headers[name] ?? []].flat()[0] ?? null;
      opened({ status, headers: { get }, body: { [Symbol.asyncIterator]: () => iterator }, close });
    },
    onResponseData(_, piece) {
      if (asked) {
        asked.resolve({ done: false, value: piece });
        asked = undefined;
        return;
      }
      waiting.push(piece);
      if (waiting.length >= mostWaiting) controller?.pause();
    },
    onResponseEnd: () => end({}),
    onResponseError: (_, error) => end({ error }),
  };
}
