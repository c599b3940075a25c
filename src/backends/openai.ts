// A server that speaks OpenAI's API and is the person's own: vLLM, llama.cpp, SGLang, LM Studio, Ray Serve.
import { createParser, type EventSourceMessage, ParseError } from "eventsource-parser";
import type * as z from "zod/mini";
import type {
  Backend,
  BeforeSending,
  Embeddings,
  EmbedRequest,
  InstalledModel,
  LoadedModel,
  ModelRequest,
  Place,
  PullProgress,
} from "../core/backend.ts";
import { msg } from "../core/message.ts";
import type { ModelEvent } from "../core/model-event.ts";
import { parseJson } from "../core/parse-json.ts";
import { isAbort, TaskError } from "../core/task-error.ts";
import { patientFetch, refusalText, withDeadline } from "./model-fetch.ts";
import { createChunkReader, openaiRequest } from "./openai-chat.ts";
import { type Chunk, chunkSchema, embeddingsSchema, errorSchema, modelsSchema, propsSchema } from "./openai-schemas.ts";
import { retryWaitMs } from "./retry-wait.ts";
import { abortError, lostServer, memoryError, refusedDetails } from "./server-errors.ts";
import { createReadCheck } from "./whole-prompt.ts";

export interface OpenAiOptions {
  readonly name: string;
  readonly place: Place;
  /** Host and port for people and for the rules of privacy. */
  readonly host: string;
  /** With or without `/v1` at the end. */
  readonly address: string;
  readonly key?: () => string | undefined;
  /** Longest silence inside an answer, ms. */
  readonly stallMs?: number;
  readonly fetch?: typeof fetch;
}

/** Programs that go on with an answer that is begun, as they name themselves. Others begin another one, without a word. */
const goingOn = new Set(["vllm", "sglang", "llamacpp"]);
/** Far above any real event. */
const maxEventBytes = 4 * 1024 * 1024;

export class OpenAiBackend implements Backend {
  readonly name: string;
  readonly place: Place;
  readonly #options: OpenAiOptions;
  readonly #base: string;
  readonly #reading = createReadCheck();

  constructor(options: OpenAiOptions) {
    this.name = options.name;
    this.place = options.place;
    this.#options = options;
    const bare = options.address.replace(/\/+$/, "");
    this.#base = /\/v\d+$/.test(bare) ? bare : `${bare}/v1`;
  }

  async models(signal: AbortSignal): Promise<readonly InstalledModel[]> {
    const [{ data }, window] = await Promise.all([
      this.#get("/models", modelsSchema, signal),
      this.#windowOfSlots(signal),
    ]);
    return data.map(({ id, owned_by: program, max_model_len, meta }) => {
      const contextTokens = max_model_len ?? window ?? meta?.n_ctx ?? undefined;
      return {
        name: id,
        backend: this.name,
        place: this.place,
        host: this.#options.host,
        sizeBytes: meta?.size ?? 0,
        // What it can do is not told; pictures and tools are for who knows that it takes them.
        capabilities: [],
        ...(goingOn.has(program ?? "") ? { goesOn: true as const } : {}),
        ...(contextTokens === undefined ? {} : { contextTokens }),
      };
    });
  }

  /** Only llama.cpp's server tells it, outside of `/v1`; there the trained window is no promise. */
  async #windowOfSlots(signal: AbortSignal): Promise<number | undefined> {
    const root = this.#base.replace(/\/v\d+$/, "");
    try {
      const response = await this.#fetch(`${root}/props`, { headers: this.#headers() }, signal);
      const parsed = propsSchema.safeParse(parseJson(await response.text()));
      return parsed.success ? parsed.data.default_generation_settings.n_ctx : undefined;
    } catch (error) {
      if (isAbort(error)) throw error;
      return undefined;
    }
  }

  /** They load what they serve when they start. */
  async loaded(): Promise<readonly LoadedModel[]> {
    return [];
  }
  async load(): Promise<void> {}
  async unload(): Promise<void> {}

  async *run(request: ModelRequest, signal: AbortSignal, beforeSending?: BeforeSending): AsyncIterable<ModelEvent> {
    const stop = new AbortController();
    const ended = AbortSignal.any([signal, stop.signal]);
    try {
      const response = await this.#post("/chat/completions", openaiRequest(request), ended, beforeSending);
      const reader = createChunkReader(this.name, () => performance.now());
      for await (const chunk of this.#chunks(response, reader.hasBegun)) yield* reader.read(chunk);
      // Some servers end without `[DONE]`; none without saying why the answer ended.
      if (!reader.isFinished()) throw lostServer(this.name);
      const { messages } = request;
      const isFirst = messages.every(({ role }) => role !== "assistant");
      this.#reading.ensure(
        messages.map(({ content }) => content),
        reader.promptTokens(),
        this.name,
        isFirst,
      );
      yield* reader.end();
    } catch (error) {
      throw this.#taskError(error, signal);
    } finally {
      stop.abort();
    }
  }

  async embed({ model, texts, dimensions, mayCut }: EmbedRequest, signal: AbortSignal): Promise<Embeddings> {
    const body = { model, input: texts, ...(dimensions === undefined ? {} : { dimensions }) };
    const response = await this.#post("/embeddings", body, signal);
    const { data, usage } = this.#parse(embeddingsSchema, parseJson(await response.text()));
    const inOrder = data.toSorted((a, b) => a.index - b.index);
    const promptTokens = usage?.prompt_tokens ?? 0;
    if (!mayCut) this.#reading.ensure(texts, promptTokens, this.name, true);
    return { vectors: inOrder.map(({ embedding }) => embedding), promptTokens };
  }

  // biome-ignore lint/correctness/useYield: there is nothing to yield before it is refused
  async *pull(): AsyncIterable<PullProgress> {
    throw this.#cannotChange();
  }

  async delete(): Promise<void> {
    throw this.#cannotChange();
  }

  #cannotChange(): TaskError {
    return new TaskError("bad-input", msg("The models of {0} are changed where it runs.", this.name));
  }

  /** The events of an answer. Half an event at the end, or one that is not JSON, is a failure and not skipped. */
  async *#chunks(response: Response, hasBegun: () => boolean): AsyncIterable<Chunk> {
    const waiting: (EventSourceMessage | ParseError)[] = [];
    const keep = (each: EventSourceMessage | ParseError) => void waiting.push(each);
    const parser = createParser({ onEvent: keep, onError: keep });
    const decoder = new TextDecoder("utf-8", { fatal: true });
    const body = response.body?.getReader();
    if (!body) throw lostServer(this.name);
    let sinceEvent = 0;
    try {
      for (;;) {
        // Before its first word it may load the model, and read a long prompt.
        const limitMs = hasBegun() ? (this.#options.stallMs ?? 30_000) : 0;
        const { done, value } = await withDeadline(body.read(), limitMs, this.name);
        parser.feed(done ? decoder.decode() : decoder.decode(value, { stream: true }));
        sinceEvent = waiting.length > 0 ? 0 : sinceEvent + (value?.length ?? 0);
        if (sinceEvent > maxEventBytes) throw this.#badAnswer("an event without an end");
        for (const each of waiting.splice(0)) {
          if (each instanceof ParseError) throw this.#badAnswer(each.line ?? each.message, each);
          if (each.data === "[DONE]") return;
          yield this.#chunkOf(each.data);
        }
        if (done) return;
      }
    } finally {
      await body.cancel().catch(() => undefined);
    }
  }

  #chunkOf(data: string): Chunk {
    const parsed = chunkSchema.safeParse(parseJson(data));
    if (!parsed.success) throw this.#badAnswer(data.slice(0, 80));
    if (parsed.data.error !== undefined && parsed.data.error !== null) {
      const told = errorSchema.safeParse(parsed.data).data?.error;
      throw this.#reports(typeof told === "string" ? told : (told?.message ?? data.slice(0, 200)), data);
    }
    return parsed.data;
  }

  #headers(): Record<string, string> {
    const key = this.#options.key?.();
    return { "content-type": "application/json", ...(key ? { authorization: `Bearer ${key}` } : {}) };
  }

  async #get<S extends z.ZodMiniType>(path: string, schema: S, signal: AbortSignal): Promise<z.infer<S>> {
    try {
      const response = await this.#fetch(this.#base + path, { headers: this.#headers() }, signal);
      if (!response.ok) throw await this.#refusal(response);
      return this.#parse(schema, parseJson(await response.text()));
    } catch (error) {
      throw this.#taskError(error, signal);
    }
  }

  async #post(path: string, value: object, signal: AbortSignal, beforeSending?: BeforeSending): Promise<Response> {
    const body = JSON.stringify(value);
    await beforeSending?.(Buffer.byteLength(body));
    try {
      const response = await this.#fetch(this.#base + path, { method: "POST", headers: this.#headers(), body }, signal);
      if (!response.ok) throw await this.#refusal(response);
      const type = response.headers.get("content-type") ?? "";
      if (/event-stream|json/i.test(type)) return response;
      await response.body?.cancel();
      throw this.#badAnswer(type);
    } catch (error) {
      throw this.#taskError(error, signal);
    }
  }

  #fetch(url: string, init: RequestInit, signal: AbortSignal): Promise<Response> {
    return patientFetch(url, { ...init, signal }, this.name, this.#options.fetch);
  }

  async #refusal(response: Response): Promise<TaskError> {
    const text = (await refusalText(response, this.#options.stallMs ?? 30_000, this.name)).slice(0, 10_000);
    const told = errorSchema.safeParse(parseJson(text)).data;
    const { error } = told ?? {};
    const said =
      (typeof error === "string" ? error : error?.message) ??
      told?.message ??
      `${response.status} ${response.statusText}`;
    const cause = new Error(`${response.status}: ${said}`);
    if (response.status === 404) {
      return new TaskError("model-missing", msg("{0} does not have this model: {1}", this.name, said), { cause });
    }
    if (response.status === 429 || response.status === 503) {
      const retryAfterMs = retryWaitMs(response.headers);
      return new TaskError("server-error", msg("{0} is busy: {1}. Try again in a moment.", this.name, said), {
        cause,
        details: { isBusy: true, ...(retryAfterMs === undefined ? {} : { retryAfterMs }) },
      });
    }
    if (response.status === 401 || response.status === 403) {
      return new TaskError(
        "server-error",
        msg(
          "{0} does not accept the key. Put it into the variable that “keyEnv” of “switchyard.nodes” names.",
          this.name,
        ),
        { cause },
      );
    }
    if (response.status === 400 && /context length|maximum context|exceed|too many tokens|n_ctx/i.test(said)) {
      return new TaskError(
        "context-overflow",
        msg("The prompt does not fit the model on {0}: {1}. Nothing was answered. Select less text.", this.name, said),
        { cause },
      );
    }
    return this.#reports(said, cause, response.status);
  }

  #reports(said: string, cause: unknown, status = 500): TaskError {
    const reported = msg("{0} reports an error: {1}", this.name, said);
    return (
      memoryError(this.name, said, cause) ??
      new TaskError("server-error", reported, { cause, ...refusedDetails(status) })
    );
  }

  #parse<S extends z.ZodMiniType>(schema: S, value: unknown): z.infer<S> {
    const parsed = schema.safeParse(value);
    if (parsed.success) return parsed.data;
    throw this.#badAnswer("JSON", parsed.error);
  }

  #badAnswer(what: string, cause?: unknown): TaskError {
    return new TaskError("bad-response", msg("{0} sent something that is not an answer: {1}", this.name, what), {
      cause,
    });
  }

  #taskError(error: unknown, signal: AbortSignal): Error {
    if (error instanceof TaskError) return error;
    if (isAbort(error) || signal.aborted) return abortError();
    return lostServer(this.name, error);
  }
}
