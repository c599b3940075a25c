// A server that speaks Ollama's API: Ollama itself, or the built-in engine.
import { type ChatResponse, Ollama } from "ollama";
import type * as z from "zod/mini";
import type {
  Backend,
  BeforeSending,
  Embeddings,
  EmbedRequest,
  InstalledModel,
  LoadedModel,
  LoadWish,
  ModelDetails,
  ModelRequest,
  Place,
  PullProgress,
} from "../core/backend.ts";
import { msg } from "../core/message.ts";
import type { ModelEvent } from "../core/model-event.ts";
import { serverName } from "../core/names.ts";
import { each, moreOf, type Stream, stream, type Take, takeAll, through } from "../core/stream.ts";
import { isAbort, TaskError } from "../core/task-error.ts";
import { chatParts } from "./chat-lines.ts";
import { createModelFetch } from "./model-fetch.ts";
import { detailsFrom } from "./model-shape.ts";
import { chatRequest, modelEvents } from "./ollama-chat.ts";
import { describeTag, embedSchema, psSchema, type Shown, showSchema, type Tag, tagsSchema } from "./ollama-schemas.ts";
import { loadedFrom, type Working, watchLoading } from "./ollama-work.ts";
import { asTaskError } from "./server-errors.ts";
import { libraryError, type PullLimits, type PullPart, steadyPull, usualPullLimits } from "./steady-pull.ts";
import { createStopWatch, type StopWatch } from "./stop-watch.ts";
import { createWholePromptCheck, type WindowProbe } from "./whole-prompt.ts";

export interface OllamaOptions {
  readonly name: string;
  readonly place: Place;
  /** Host and port for people and for the rules of privacy; absent for the built-in engine. */
  readonly host?: string;
  /** Where the server is now; may start it. */
  readonly address: (signal: AbortSignal) => Promise<string>;
  /** Longest silence inside an answer, ms. */
  readonly stallMs?: number;
  /** How long a server may go on after a stop before its model is unloaded, ms. */
  readonly stopLimitMs?: number;
  /** Told when a stopped answer went on all the same, and the model was unloaded for it. */
  readonly onUnstopped?: (model: string) => void;
  readonly pullLimits?: PullLimits;
  readonly fetch?: typeof fetch;
}

/** So soon after an answer a model is loaded: nobody has to ask. */
const loadedMs = 30_000;
/** Far above any real line; one holds a token, or a whole answer where `stream` is off. */
const maxLineBytes = 4 * 1024 * 1024;

export class OllamaBackend implements Backend {
  readonly name: string;
  readonly place: Place;
  readonly #options: OllamaOptions;
  /** When each model last gave an answer. */
  readonly #usedAtMs = new Map<string, number>();
  readonly #wholePrompts = createWholePromptCheck();
  readonly #weightBytes = new Map<string, number>();
  readonly #stops: StopWatch;
  /** Older servers tell capabilities and context only by `/api/show`; asked once a digest. */
  readonly #shown = new Map<string, Shown>();

  constructor(options: OllamaOptions) {
    this.name = options.name;
    this.place = options.place;
    this.#options = options;
    const { signal } = new AbortController();
    this.#stops = createStopWatch({
      look: () => this.#working(signal),
      unload: (model) => this.unload(model, signal),
      onUnstopped: (model) => options.onUnstopped?.(model),
      ...(options.stopLimitMs === undefined ? {} : { limitMs: options.stopLimitMs }),
    });
  }

  async models(signal: AbortSignal): Promise<readonly InstalledModel[]> {
    const { models } = await this.#call(signal, async (client) => this.#parse(tagsSchema, await client.list()));
    return Promise.all(models.map((tag) => this.#describe(tag, signal)));
  }

  async loaded(signal: AbortSignal): Promise<readonly LoadedModel[]> {
    return loadedFrom(await this.#working(signal), this.name);
  }

  async #working(signal: AbortSignal): Promise<readonly Working[]> {
    return (await this.#call(signal, async (client) => this.#parse(psSchema, await client.ps()))).models;
  }

  run(request: ModelRequest, signal: AbortSignal, beforeSending?: BeforeSending): Stream<ModelEvent> {
    return stream((take) => this.#answer(request, take, signal, beforeSending));
  }

  async #answer(
    request: ModelRequest,
    take: Take<ModelEvent>,
    signal: AbortSignal,
    beforeSending?: BeforeSending,
  ): Promise<void> {
    const { model } = request;
    const askedAtMs = Date.now();
    let isAsked = false;
    let isDone = false;
    let hasFailed = false;
    const isWarm = performance.now() - (this.#usedAtMs.get(model) ?? Number.NEGATIVE_INFINITY) < loadedMs;
    // Ends the looking at a model that loads; where nobody looks, it would cost more than a token.
    const isSure = this.#wholePrompts.isSure(request);
    const stop = isWarm && isSure ? undefined : new AbortController();
    const ended = stop ? AbortSignal.any([signal, stop.signal]) : signal;
    this.#stops.began(model);
    try {
      if (!isSure) await this.#whole(request, take, ended, beforeSending);
      const asked = this.#ask(request, ended, beforeSending);
      isAsked = true;
      asked.catch(() => undefined); // awaited below; this keeps a failure before then from being "unhandled"
      if (!isWarm) await each(this.#loading(model, asked, ended), take);
      let hasBegun = false;
      await through(await asked, (part) => {
        if (part.done) {
          // Before it is told: who has heard that it is done reads no further.
          isDone = true;
          this.#usedAtMs.set(model, performance.now());
        }
        const events = modelEvents(part, this.name);
        const isText = events.length === 1 && events[0]?.kind === "text";
        const next = isText && hasBegun ? moreOf(take) : take;
        hasBegun ||= isText;
        return takeAll(events, next);
      });
    } catch (error) {
      hasFailed = !isAbort(error) && !signal.aborted; // what failed has ended by itself
      throw asTaskError(error, this.name, signal);
    } finally {
      stop?.abort();
      // On other machines it cannot be told whose answer it is that goes on.
      const hasToStop = isAsked && !isDone && !hasFailed && this.place === "this-machine";
      this.#stops.ended(request, hasToStop ? askedAtMs : undefined);
    }
  }

  async embed({ model, texts, dimensions, mayCut }: EmbedRequest, signal: AbortSignal): Promise<Embeddings> {
    const answer = await this.#call(signal, async (client) =>
      this.#parse(
        embedSchema,
        await client.embed({
          model,
          input: [...texts],
          truncate: mayCut ?? false,
          ...(dimensions === undefined ? {} : { dimensions }),
        }),
      ),
    );
    if (answer.embeddings.length === texts.length)
      return { vectors: answer.embeddings, promptTokens: answer.prompt_eval_count };
    throw new TaskError(
      "bad-response",
      msg("{0} sent {1} vectors for {2} texts.", this.name, answer.embeddings.length, texts.length),
    );
  }

  /** Resolves when every stop so far is known to have worked, or its model was unloaded. */
  settled(): Promise<void> {
    return this.#stops.settled();
  }

  async #ask(request: ModelRequest, signal: AbortSignal, beforeSending?: BeforeSending): Promise<Stream<ChatResponse>> {
    signal.throwIfAborted();
    const address = await this.#options.address(signal);
    const limits = { signal, server: this.name, stallMs: this.#options.stallMs ?? 30_000, maxLineBytes };
    const body = JSON.stringify(chatRequest(request));
    if (beforeSending) await beforeSending(Buffer.byteLength(body));
    return chatParts(address, body, limits, this.#options.fetch);
  }

  async load(model: string, { contextTokens, keepAlive }: LoadWish, signal: AbortSignal): Promise<void> {
    const kept = keepAlive === undefined ? {} : { keep_alive: keepAlive };
    await this.#call(signal, (client) =>
      client.chat({ model, messages: [], options: { num_ctx: contextTokens }, ...kept, stream: false }),
    );
  }

  async unload(model: string, signal: AbortSignal): Promise<void> {
    await this.#call(signal, (client) => client.chat({ model, messages: [], keep_alive: 0, stream: false }));
  }

  pull(model: string, signal: AbortSignal): AsyncIterable<PullProgress> {
    const once = (each: AbortSignal) => this.#pullOnce(model, each);
    return steadyPull(once, this.name, this.#options.pullLimits ?? usualPullLimits, signal);
  }

  async *#pullOnce(model: string, signal: AbortSignal): AsyncIterable<PullPart> {
    const stop = new AbortController();
    try {
      const client = await this.#client(AbortSignal.any([signal, stop.signal]), 0);
      yield* await client.pull({ model, stream: true });
    } catch (error) {
      throw libraryError(error, this.name, model) ?? asTaskError(error, this.name, signal, "network");
    } finally {
      stop.abort();
    }
  }

  async delete(model: string, signal: AbortSignal): Promise<void> {
    await this.#call(signal, (client) => client.delete({ model }));
  }

  async details(model: string, signal: AbortSignal): Promise<ModelDetails> {
    const shown = await this.#call(signal, async (client) => this.#parse(showSchema, await client.show({ model })));
    return detailsFrom(shown.model_info ?? {}, shown.requires);
  }

  /** Makes sure that a long prompt is read whole, before anything of the answer is asked for. */
  async #whole(
    request: ModelRequest,
    take: Take<ModelEvent>,
    signal: AbortSignal,
    beforeSending?: BeforeSending,
  ): Promise<void> {
    const { model, contextTokens } = request;
    const probe: WindowProbe = {
      load: () => this.load(model, { contextTokens }, signal),
      contextTokens: async () => (await this.loaded(signal)).find((each) => each.name === model)?.contextTokens,
      text: request.messages.map((message) => message.content).join("\n"),
      readTokens: async (text) => {
        const { options, ...rest } = chatRequest({ ...request, messages: [{ role: "user", content: text }] });
        const asked = { ...rest, stream: false as const, options: { ...options, num_predict: 1 } };
        await beforeSending?.(Buffer.byteLength(JSON.stringify(asked)));
        return (await this.#call(signal, (client) => client.chat(asked))).prompt_eval_count || undefined;
      },
    };
    const checked = this.#wholePrompts.ensure(request, this.name, probe);
    await each(this.#loading(model, checked, signal), take);
    await checked;
  }

  #loading(model: string, begun: Promise<unknown>, signal: AbortSignal): AsyncIterable<ModelEvent> {
    const look = () => this.#working(signal);
    return watchLoading(begun, { model, weightBytes: this.#weightBytes.get(model), look });
  }

  async #describe(tag: Tag, signal: AbortSignal): Promise<InstalledModel> {
    const told = tag.details?.context_length;
    const shown =
      tag.capabilities && told
        ? { capabilities: tag.capabilities, contextTokens: told }
        : await this.#show(tag, signal);
    const described = describeTag(tag, shown, { ...this.#options, name: this.name });
    if (tag.size > 0 && described.place !== "cloud") this.#weightBytes.set(tag.name, tag.size);
    return described;
  }

  async #show(tag: Tag, signal: AbortSignal): Promise<Shown> {
    const key = tag.digest || tag.name;
    const known = this.#shown.get(key);
    if (known) return known;
    const shown = await this.#call(signal, async (client) =>
      this.#parse(showSchema, await client.show({ model: tag.name })),
    );
    const length = Object.entries(shown.model_info ?? {}).find(([name]) => name.endsWith(".context_length"))?.[1];
    const result: Shown = {
      capabilities: shown.capabilities ?? [],
      ...(typeof length === "number" ? { contextTokens: length } : {}),
    };
    this.#shown.set(key, result);
    return result;
  }

  /** A client for one call: aborting it aborts nothing else. */
  async #client(signal: AbortSignal, stallMs = this.#options.stallMs ?? 30_000): Promise<Ollama> {
    signal.throwIfAborted();
    const host = await this.#options.address(signal);
    return new Ollama({
      host,
      fetch: createModelFetch({ signal, server: this.name, stallMs, maxLineBytes }, this.#options.fetch),
    });
  }

  async #call<T>(signal: AbortSignal, work: (client: Ollama) => Promise<T>): Promise<T> {
    try {
      return await work(await this.#client(signal));
    } catch (error) {
      throw asTaskError(error, this.name, signal);
    }
  }

  #parse<S extends z.ZodMiniType>(schema: S, value: unknown): z.infer<S> {
    const parsed = schema.safeParse(value);
    if (parsed.success) return parsed.data;
    throw new TaskError(
      "bad-response",
      msg("{0} sent something that is not an answer: {1}", serverName(this.name), "JSON"),
      {
        cause: parsed.error,
      },
    );
  }
}
