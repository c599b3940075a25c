// A server that speaks OpenAI's API and is the person's own: vLLM, llama.cpp, SGLang, LM Studio, Ray Serve.
import { STATUS_CODES } from "node:http";
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
} from "../core/backend.ts";
import { msg } from "../core/message.ts";
import type { ModelEvent } from "../core/model-event.ts";
import { parseJson } from "../core/parse-json.ts";
import { moreOf, type Stream, stream, type Take, takeAll } from "../core/stream.ts";
import { isAbort, TaskError } from "../core/task-error.ts";
import { type AnswerLimits, openAnswer, refusalText, type Wanted } from "./open-answer.ts";
import { type CallHabits, createChunkReader, openaiRequest } from "./openai-chat.ts";
import { readEvents } from "./openai-events.ts";
import { listedModels } from "./openai-models.ts";
import {
  type Chunk,
  chunkSchema,
  embeddingsSchema,
  errorSchema,
  modelsSchema,
  type Props,
  propsSchema,
} from "./openai-schemas.ts";
import type { Answered } from "./post-json.ts";
import { retryWaitMs } from "./retry-wait.ts";
import { abortError, changedElsewhere, lostServer, memoryError, refusedDetails, unreachable } from "./server-errors.ts";
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

export class OpenAiBackend implements Backend {
  readonly name: string;
  readonly place: Place;
  readonly #options: OpenAiOptions;
  readonly #base: string;
  readonly #reading = createReadCheck();
  /** Name for people to the one that the server knows. */
  #ids: ReadonlyMap<string, string> = new Map();
  #habits: CallHabits = { hasNoTools: false, isLoose: false };

  constructor(options: OpenAiOptions) {
    this.name = options.name;
    this.place = options.place;
    this.#options = options;
    const bare = options.address.replace(/\/+$/, "");
    this.#base = /\/v\d+$/.test(bare) ? bare : `${bare}/v1`;
  }

  async models(signal: AbortSignal): Promise<readonly InstalledModel[]> {
    const [{ data }, props] = await Promise.all([this.#get("/models", modelsSchema, signal), this.#propsOf(signal)]);
    const models = listedModels(data, props).map((model) => ({
      ...model,
      backend: this.name,
      place: this.place,
      host: this.#options.host,
    }));
    this.#ids = new Map(models.map(({ name }, at) => [name, data[at]?.id ?? name]));
    const [first] = models;
    this.#habits = {
      hasNoTools: first !== undefined && first.capabilities.length > 0 && !first.capabilities.includes("tools"),
      isLoose: data.some(({ owned_by: program }) => program === "vllm"),
    };
    return models;
  }

  /** How the server calls a model. */
  #idOf(model: string): string {
    return this.#ids.get(model) ?? model;
  }

  /** Only llama.cpp's server tells it, outside of `/v1`; there the trained window is no promise. */
  async #propsOf(signal: AbortSignal): Promise<Props | undefined> {
    const root = this.#base.replace(/\/v\d+$/, "");
    try {
      return propsSchema.safeParse(parseJson(await this.#textOf({ url: `${root}/props` }, signal))).data;
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

  run(request: ModelRequest, signal: AbortSignal, beforeSending?: BeforeSending): Stream<ModelEvent> {
    return stream(async (take) => {
      try {
        await this.#answer(request, take, signal, beforeSending);
      } catch (error) {
        throw this.#taskError(error, signal);
      }
    });
  }

  async #answer(
    request: ModelRequest,
    take: Take<ModelEvent>,
    signal: AbortSignal,
    beforeSending?: BeforeSending,
  ): Promise<void> {
    const wanted = this.#post(
      "/chat/completions",
      openaiRequest({ ...request, model: this.#idOf(request.model) }, this.#habits),
    );
    await beforeSending?.(Buffer.byteLength(wanted.body));
    const opened = await this.#open(wanted, signal);
    const type = opened.headers.get("content-type") ?? "";
    if (!/event-stream|json/i.test(type)) {
      opened.close(abortError());
      throw this.#badAnswer(type);
    }
    const reader = createChunkReader(this.name, () => performance.now());
    const takeMore = moreOf(take);
    let isText = false;
    await readEvents(opened, this.#limits(signal), {
      hasBegun: reader.hasBegun,
      take: (data) => {
        const events = reader.read(this.#chunkOf(data));
        const next = isText ? takeMore : take;
        isText = events.length === 0 ? isText : events.every(({ kind }) => kind === "text");
        return takeAll(events, isText ? next : take);
      },
    });
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
    await takeAll(reader.end(), take);
  }

  async embed({ model, texts, dimensions, mayCut }: EmbedRequest, signal: AbortSignal): Promise<Embeddings> {
    const body = { model: this.#idOf(model), input: texts, ...(dimensions === undefined ? {} : { dimensions }) };
    const text = await this.#textOf(this.#post("/embeddings", body), signal);
    const { data, usage } = this.#parse(embeddingsSchema, parseJson(text));
    const inOrder = data.toSorted((a, b) => a.index - b.index);
    const promptTokens = usage?.prompt_tokens ?? 0;
    if (!mayCut) this.#reading.ensure(texts, promptTokens, this.name, true);
    return { vectors: inOrder.map(({ embedding }) => embedding), promptTokens };
  }

  async delete(): Promise<void> {
    throw changedElsewhere(this.name);
  }

  #chunkOf(data: string): Chunk {
    const parsed = chunkSchema.safeParse(parseJson(data));
    if (!parsed.success) throw this.#badAnswer(data.slice(0, 80));
    if (parsed.data.error !== undefined && parsed.data.error !== null) {
      const told = errorSchema.safeParse(parsed.data).data?.error;
      // vLLM says 200 before it knows whether there is room.
      if (typeof told === "object" && (told?.code === 429 || told?.code === 503)) throw this.#busy(told.message, data);
      throw this.#reports(typeof told === "string" ? told : (told?.message ?? data.slice(0, 200)), data);
    }
    return parsed.data;
  }

  #headers(): Record<string, string> {
    const key = this.#options.key?.();
    return { ...(key ? { authorization: `Bearer ${key}` } : {}) };
  }

  async #get<S extends z.ZodMiniType>(path: string, schema: S, signal: AbortSignal): Promise<z.infer<S>> {
    return this.#parse(schema, parseJson(await this.#textOf({ url: this.#base + path }, signal)));
  }

  #post(path: string, value: object): { readonly url: string; readonly body: string } {
    return { url: this.#base + path, body: JSON.stringify(value) };
  }

  /** What it answers, unless it refuses. */
  async #open(wanted: Omit<Wanted, "headers">, signal: AbortSignal): Promise<Answered> {
    const limits = this.#limits(signal);
    const opened = await openAnswer({ ...wanted, headers: this.#headers() }, limits, this.#options.fetch);
    if (opened.status >= 200 && opened.status < 300) return opened;
    if (opened.status >= 300 && opened.status < 400) {
      opened.close(abortError());
      throw unreachable(this.name, new Error("unexpected redirect"));
    }
    throw this.#refusal(opened, await refusalText(opened, limits), new URL(wanted.url).pathname);
  }

  async #textOf(wanted: Omit<Wanted, "headers">, signal: AbortSignal): Promise<string> {
    try {
      const { body } = await this.#open(wanted, signal);
      return Buffer.concat(await Array.fromAsync(body)).toString();
    } catch (error) {
      throw this.#taskError(error, signal);
    }
  }

  #limits(signal: AbortSignal): AnswerLimits {
    return { signal, server: this.name, stallMs: this.#options.stallMs ?? 30_000 };
  }

  #refusal(response: Pick<Answered, "status" | "headers">, text: string, path: string): TaskError {
    const told = errorSchema.safeParse(parseJson(text.slice(0, 10_000))).data;
    const { error } = told ?? {};
    const why = (typeof error === "string" ? error : error?.message) ?? told?.message;
    const said = why ?? `${response.status} ${STATUS_CODES[response.status] ?? ""}`.trim();
    const cause = new Error(`${response.status}: ${said}`);
    // vLLM has the paths alone that its model is for; of a model that is missing servers say which.
    if (response.status === 404 && why === undefined) {
      const missing = msg("{0} was not started for this: it has no {1}. Choose another model.", this.name, path);
      return new TaskError("model-missing", missing, { cause });
    }
    if (response.status === 404) {
      return new TaskError("model-missing", msg("{0} does not have this model: {1}", this.name, said), { cause });
    }
    if (response.status === 429 || response.status === 503) {
      return this.#busy(said, cause, retryWaitMs(response.headers));
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

  #busy(said: string, cause: unknown, retryAfterMs?: number): TaskError {
    return new TaskError("server-error", msg("{0} is busy: {1}. Try again in a moment.", this.name, said), {
      cause,
      details: { isBusy: true, ...(retryAfterMs === undefined ? {} : { retryAfterMs }) },
    });
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
