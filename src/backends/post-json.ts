// One request to a model server, without the streams of HTTP clients: they cost as much as the rest of a call.
import type { IncomingHttpHeaders } from "node:http";
import { pipeline, Readable } from "node:stream";
import { createBrotliDecompress, createUnzip } from "node:zlib";
import type { Dispatcher } from "undici";
import Agent from "undici/lib/dispatcher/agent.js";
import { lazily } from "../core/lazily.ts";
import { stream, type Take } from "../core/stream.ts";
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

/** One whose headers can all be told. */
export interface AnsweredDirectly extends Answered {
  readonly told: IncomingHttpHeaders;
}

export interface Asked extends Pick<Dispatcher.DispatchOptions, "method"> {
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: string;
}

/** Silence before the first byte is normal: a large model may load for many minutes. */
const patientAgent = lazily(() => new Agent({ headersTimeout: 0, bodyTimeout: 0, connectTimeout: 1_000 }));

/** Pieces that may wait for their reader before the server is kept waiting. */
const mostWaiting = 16;

/**
 * Resolves when the headers of the answer are there.
 * @throws what undici says of the connection; an `AbortError`
 */
export function askDirectly({ url, method, headers, body }: Asked, signal: AbortSignal): Promise<AnsweredDirectly> {
  const pathAt = url.indexOf("/", url.indexOf("//") + 2);
  if (signal.aborted) return Promise.reject(abortError());
  return new Promise((resolve, reject) => {
    const asked = { origin: url.slice(0, pathAt), path: url.slice(pathAt), method, headers, body: body ?? null };
    patientAgent().dispatch(asked, new Answer(signal, resolve, reject));
  });
}

/** Nothing packed was asked for; something between may pack it all the same. */
export function unpacked(answered: Answered): Answered {
  const encoding = answered.headers.get("content-encoding") ?? "identity";
  if (encoding === "identity") return answered;
  const unpack = encoding === "br" ? createBrotliDecompress() : createUnzip();
  return { ...answered, body: pipeline(Readable.from(answered.body), unpack, () => undefined) };
}

/** What undici tells of one request; the pieces of the body go on to whoever reads them as they come. */
class Answer implements Dispatcher.DispatchHandler {
  readonly #signal: AbortSignal;
  readonly #opened: (answer: AnsweredDirectly) => void;
  readonly #refused: (error: Error) => void;
  readonly #waiting: Uint8Array[] = [];
  readonly #read = Promise.withResolvers<void>();
  #controller: Dispatcher.DispatchController | undefined;
  /** Absent before anybody reads. */
  #take: Take<Uint8Array> | undefined;
  #isBusy = false;
  #over: { readonly error?: Error } | undefined;

  constructor(signal: AbortSignal, opened: (answer: AnsweredDirectly) => void, refused: (error: Error) => void) {
    this.#signal = signal;
    this.#opened = opened;
    this.#refused = refused;
    this.#read.promise.catch(() => undefined); // nobody may read it
    signal.addEventListener("abort", this.#leave);
  }

  onRequestStart(controller: Dispatcher.DispatchController): void {
    this.#controller = controller;
    if (this.#over) controller.abort(this.#over.error ?? abortError());
  }

  onResponseStart(_: Dispatcher.DispatchController, status: number, headers: IncomingHttpHeaders): void {
    // Only what comes last is an answer.
    if (status < 200) return;
    const get = (name: string) => [headers[name] ?? []].flat()[0] ?? null;
    const body = stream<Uint8Array>((take) => {
      this.#take = take;
      this.#handOn();
      return this.#read.promise;
    });
    this.#opened({ status, headers: { get }, told: headers, body, close: (reason) => this.#close(reason) });
  }

  onResponseData(_: Dispatcher.DispatchController, piece: Uint8Array): void {
    this.#waiting.push(piece);
    this.#handOn();
    if (this.#waiting.length >= mostWaiting) this.#controller?.pause();
  }

  onResponseEnd(): void {
    this.#end({});
  }

  onResponseError(_: Dispatcher.DispatchController, error: Error): void {
    this.#end({ error });
  }

  /** Everything that waits, as long as its reader is not busy; then that it is over, where it is. */
  #handOn(): void {
    if (!this.#take || this.#isBusy) return;
    this.#isBusy = true;
    try {
      for (let piece = this.#waiting.shift(); piece; piece = this.#waiting.shift()) {
        const busy = this.#take(piece);
        if (busy !== undefined) return void busy.catch(this.#leave).then(this.#goOn);
      }
    } catch {
      this.#leave();
    }
    this.#isBusy = false;
    if (this.#over?.error) this.#read.reject(this.#over.error);
    else if (this.#over) this.#read.resolve();
    else if (this.#controller?.paused) this.#controller.resume();
  }

  readonly #goOn = () => {
    this.#isBusy = false;
    this.#handOn();
  };

  readonly #leave = () => this.#close(abortError());

  #close(error: Error): void {
    if (this.#over) return;
    this.#waiting.length = 0;
    this.#end({ error });
    this.#controller?.abort(error);
  }

  #end(how: { readonly error?: Error }): void {
    if (this.#over) return;
    this.#over = how;
    this.#signal.removeEventListener("abort", this.#leave);
    if (how.error) this.#refused(how.error);
    this.#handOn();
  }
}
