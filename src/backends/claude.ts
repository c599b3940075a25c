// Claude, through Anthropic's own client. Loaded on the first question; without a key it is not there at all.
import type Anthropic from "@anthropic-ai/sdk";
import type {
  Backend,
  BeforeSending,
  InstalledModel,
  LoadedModel,
  ModelRequest,
  PullProgress,
} from "../core/backend.ts";
import { cloudModels } from "../core/cost.ts";
import { msg } from "../core/message.ts";
import type { ModelEvent } from "../core/model-event.ts";
import { TaskError } from "../core/task-error.ts";
import { readAnswer } from "./claude-answer.ts";
import { type ClaudeCallOptions, createClaudeCall } from "./claude-call.ts";
import { claudeError } from "./claude-errors.ts";
import { claudePrompt, maxAnswerTokens } from "./claude-request.ts";
import { directFetch } from "./direct-fetch.ts";
import { isLoopback } from "./find-nodes.ts";
import { abortError } from "./server-errors.ts";

export interface ClaudeOptions {
  readonly apiKey: () => Promise<string | undefined>;
  /** Of Claude or of a gateway to it; empty: Claude's own. */
  readonly baseUrl: () => string;
  readonly fetch?: typeof fetch;
  /** Longest time that tries and the waits between them may take, ms. Nothing is tried again once an answer has begun. */
  readonly maxRetryWaitMs?: number;
  /** Longest silence inside an answer, ms; the server sends a `ping` when it has nothing else to say. */
  readonly stallMs?: number;
}

const ownAddress = "https://api.anthropic.com";
const maxRetries = 3;
/** Until an answer begins. A prompt of a million tokens takes minutes to read. */
const firstByteMs = 10 * 60_000;
/**
 * All that goes out. The client would tell the system, its architecture and the version of the editor's Node,
 * and add what the environment holds for other programs.
 */
const toldHeaders = [
  "accept",
  "anthropic-version",
  "content-type",
  "user-agent",
  "x-stainless-package-version",
  "x-stainless-retry-count",
  "x-stainless-timeout",
];

type Accepts = ClaudeCallOptions["accepts"];

export class ClaudeBackend implements Backend {
  readonly name = "Claude";
  readonly place = "cloud";
  readonly #options: ClaudeOptions;

  constructor(options: ClaudeOptions) {
    this.#options = options;
  }

  /** Those on the price list, where there is a key. Nobody is asked. */
  async models(_signal: AbortSignal): Promise<readonly InstalledModel[]> {
    if (!(await this.#key())) return [];
    const host = URL.parse(this.#options.baseUrl() || ownAddress)?.host;
    return cloudModels.map(({ name, contextTokens }) => ({
      name,
      backend: this.name,
      place: this.place,
      ...(host ? { host } : {}),
      sizeBytes: 0,
      contextTokens,
      capabilities: ["completion", "vision", "thinking", "tools"],
    }));
  }

  async *run(request: ModelRequest, signal: AbortSignal, beforeSending?: BeforeSending): AsyncIterable<ModelEvent> {
    const startMs = performance.now();
    const call = await this.#open(request.model, "text/event-stream", signal, beforeSending);
    try {
      const prompt = await claudePrompt(request);
      const stream = await call.client.messages.create(
        { ...prompt, max_tokens: maxAnswerTokens(request), stream: true },
        { signal: call.signal },
      );
      call.begin();
      yield* readAnswer(stream, startMs, () => performance.now());
    } catch (error) {
      throw call.failed(error);
    } finally {
      call.end();
    }
  }

  /** @throws TaskError `cloud-refused` where the key is not taken, `server-unreachable` where Claude cannot be asked */
  async checkKey(signal: AbortSignal): Promise<void> {
    const isListed = await this.#ask("", signal, (client, own) => client.models.list({ limit: 1 }, own));
    if (isListed) return;
    // A gateway need not list its models; it has to know the key all the same.
    const model = cloudModels[0]?.name ?? "";
    const isCounted = await this.#ask(model, signal, (client, own) =>
      client.messages.countTokens({ model, messages: [{ role: "user", content: "1" }] }, own),
    );
    if (isCounted) return;
    throw new TaskError(
      "server-error",
      msg("Nothing that speaks as Claude does is at {0}. Check “switchyard.claudeBaseUrl”.", this.#address().host),
    );
  }

  async loaded(): Promise<readonly LoadedModel[]> {
    return [];
  }
  async load(): Promise<void> {}
  async unload(): Promise<void> {}
  pull(model: string): AsyncIterable<PullProgress> {
    throw notHere(model);
  }
  async delete(model: string): Promise<void> {
    throw notHere(model);
  }

  /** One call that is not streamed; undefined where the server does not know of it. */
  async #ask<T>(
    model: string,
    signal: AbortSignal,
    work: (client: Anthropic, own: { signal: AbortSignal }) => PromiseLike<T>,
  ): Promise<T | undefined> {
    const call = await this.#open(model, "application/json", signal);
    try {
      return await work(call.client, { signal: call.signal });
    } catch (error) {
      if (isNotFound(error)) return undefined;
      throw call.failed(error);
    } finally {
      call.end();
    }
  }

  async #open(model: string, accepts: Accepts, signal: AbortSignal, beforeSending?: BeforeSending) {
    if (signal.aborted) throw abortError();
    const address = this.#address();
    const key = await this.#key();
    if (!key) {
      throw new TaskError(
        "cloud-refused",
        msg("There is no key for Claude. Set one with “Switchyard: Set Claude API Key”."),
        { details: { isUnpaid: true } },
      );
    }
    // Put into a header it would fail there, with the key in the message.
    if (!/^[\x21-\x7e]+$/.test(key))
      throw claudeError({ status: 401 }, { model, key, hasBegun: false, isUnpaid: true });
    const stop = new AbortController();
    // A gateway on this machine is asked without a proxy: it would take the key out of it.
    const usual = isLoopback(address.href) ? directFetch : fetch;
    const { fetch: given = usual, maxRetryWaitMs = 60_000, stallMs = 90_000 } = this.#options;
    const call = createClaudeCall({ stop, maxRetryWaitMs, stallMs, accepts, fetch: given, beforeSending });
    let hasBegun = false;
    return {
      client: await createClient(key, address, call.fetch),
      signal: AbortSignal.any([signal, stop.signal]),
      begin: () => {
        hasBegun = true;
      },
      failed(error: unknown): Error {
        if (signal.aborted && !isTimeout(signal)) return abortError();
        const asked = { model, key, hasBegun, isUnpaid: call.isUnpaid };
        return claudeError(signal.aborted ? signal.reason : (call.failure ?? error), asked);
      },
      end: () => stop.abort(),
    };
  }

  async #key(): Promise<string | undefined> {
    return (await this.#options.apiKey())?.trim() || undefined;
  }

  #address(): URL {
    return claudeAddress(this.#options.baseUrl());
  }
}

/**
 * @param text of Claude or of a gateway to it; empty: Claude's own
 * @throws TaskError `bad-input` where the key would go out in the clear
 */
export function claudeAddress(text: string): URL {
  const address = URL.parse(text || ownAddress);
  if (address?.username !== "" || address.password !== "") {
    throw new TaskError("bad-input", msg("“switchyard.claudeBaseUrl” is not an address that can be used."));
  }
  if (address.protocol === "https:" || (address.protocol === "http:" && isLoopback(text))) return address;
  throw new TaskError(
    "bad-input",
    msg("“switchyard.claudeBaseUrl” is {0}: your key would go there unencrypted. Use https.", text),
  );
}

async function createClient(apiKey: string, address: URL, ownFetch: typeof fetch): Promise<Anthropic> {
  const { default: Client } = await import("@anthropic-ai/sdk");
  return new Client({
    apiKey,
    // Nothing else of the environment or of a file is to decide who is asked, nor who hears of it.
    authToken: null,
    webhookKey: null,
    baseURL: address.href.replace(/\/+$/, ""),
    openTelemetry: false,
    logLevel: "off",
    maxRetries,
    timeout: firstByteMs,
    fetch: (input, init) => ownFetch(input, { ...init, headers: ownHeaders(init?.headers, apiKey) }),
  });
}

/** The key is set last: the environment could have put another one in its place. */
function ownHeaders(given: RequestInit["headers"], apiKey: string): Headers {
  const all = new Headers(given);
  const own = new Headers({ authorization: `Bearer ${apiKey}` });
  for (const name of toldHeaders) {
    const value = all.get(name);
    if (value !== null) own.set(name, value);
  }
  return own;
}

function notHere(model: string): TaskError {
  return new TaskError(
    "bad-input",
    msg("{0} is a model of Claude: it can be neither fetched nor deleted here.", model),
  );
}

function isNotFound(error: unknown): boolean {
  return error instanceof Error && "status" in error && error.status === 404;
}

function isTimeout(signal: AbortSignal): boolean {
  return signal.reason instanceof Error && signal.reason.name === "TimeoutError";
}
