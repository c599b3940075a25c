// Claude, through Anthropic's own client. Loaded on the first question; without a key it is not there at all.
import type Anthropic from "@anthropic-ai/sdk";
import type { Backend, ChatMessage, InstalledModel, LoadedModel, ModelRequest, PullProgress } from "../core/backend.ts";
import { cloudModels } from "../core/cost.ts";
import { msg } from "../core/message.ts";
import type { ModelEvent, TokenUsage } from "../core/model-event.ts";
import { isAbort, TaskError } from "../core/task-error.ts";
import { claudeError } from "./claude-errors.ts";
import { isLoopback } from "./find-nodes.ts";

export interface ClaudeOptions {
  readonly apiKey: () => Promise<string | undefined>;
  /** Empty: Claude's own address. */
  readonly baseUrl: () => string;
  readonly fetch?: typeof fetch;
  /** Tries again after 429, 529, 5xx and lost connections, as long as nothing has come; waits as long as the server says. */
  readonly maxRetries?: number;
  /** Longest silence inside an answer, ms; the server sends a `ping` when it has nothing else to say. */
  readonly stallMs?: number;
}

const ownAddress = "https://api.anthropic.com";
const defaultMaxRetries = 3;
const defaultStallMs = 90_000;
/** A whole request, with all its tries. */
const longestMs = 30 * 60_000;

export class ClaudeBackend implements Backend {
  readonly name = "Claude";
  readonly place = "cloud";
  readonly #options: ClaudeOptions;

  constructor(options: ClaudeOptions) {
    this.#options = options;
  }

  async models(_signal: AbortSignal): Promise<readonly InstalledModel[]> {
    if (!(await this.#options.apiKey())) return [];
    const host = new URL(this.#address()).host;
    return cloudModels.map(({ name, contextTokens }) => ({
      name,
      backend: this.name,
      place: this.place,
      host,
      sizeBytes: 0,
      contextTokens,
      capabilities: ["completion", "vision", "thinking"],
    }));
  }

  async *run(request: ModelRequest, signal: AbortSignal): AsyncIterable<ModelEvent> {
    const stop = new AbortController();
    const ended = AbortSignal.any([signal, stop.signal]);
    const silence = createSilence(this.#options.stallMs ?? defaultStallMs, stop);
    try {
      const client = await this.#client();
      const stream = await client.messages.create({ ...body(request), stream: true }, { signal: ended });
      yield* readStream(stream, silence);
    } catch (error) {
      if (signal.aborted) throw new DOMException("The operation was cancelled", "AbortError");
      if (silence.isOver) {
        throw new TaskError(
          "server-lost",
          msg("Claude fell silent in the middle of the answer. What had come is kept; ask again."),
        );
      }
      throw claudeError(error, request.model);
    } finally {
      silence.end();
      stop.abort();
    }
  }

  /** @throws TaskError `cloud-refused` where the key is not taken, `server-unreachable` where Claude cannot be asked */
  async checkKey(signal: AbortSignal): Promise<void> {
    try {
      await (await this.#client()).models.list({ limit: 1 }, { signal, maxRetries: 1 });
    } catch (error) {
      if (isAbort(error)) throw error;
      throw claudeError(error, "");
    }
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

  #address(): string {
    const address = this.#options.baseUrl() || ownAddress;
    if (address.startsWith("https:") || isLoopback(address)) return address;
    throw new TaskError(
      "bad-input",
      msg("“switchyard.claudeBaseUrl” is {0}: your key would go there unencrypted. Use https.", address),
    );
  }

  async #client(): Promise<Anthropic> {
    const apiKey = await this.#options.apiKey();
    if (!apiKey) {
      throw new TaskError(
        "cloud-refused",
        msg("There is no key for Claude. Set one with “Switchyard: Set Claude API Key”."),
      );
    }
    const { default: Client } = await import("@anthropic-ai/sdk");
    return new Client({
      apiKey,
      // Nothing else of the environment or of a file is to decide who is asked.
      authToken: null,
      baseURL: this.#address(),
      maxRetries: this.#options.maxRetries ?? defaultMaxRetries,
      timeout: longestMs,
      logLevel: "off",
      ...(this.#options.fetch ? { fetch: this.#options.fetch } : {}),
    });
  }
}

function notHere(model: string): TaskError {
  return new TaskError(
    "bad-input",
    msg("{0} is a model of Claude: it can be neither fetched nor deleted here.", model),
  );
}

type Body = Omit<Anthropic.MessageCreateParamsNonStreaming, "stream">;

function body(request: ModelRequest): Body {
  const system = request.messages.filter((message) => message.role === "system").map((message) => message.content);
  const turns = request.messages.filter((message) => message.role !== "system");
  const known = cloudModels.find((model) => model.name === request.model);
  return {
    model: request.model,
    max_tokens: Math.min(request.maxTokens ?? Number.POSITIVE_INFINITY, known?.maxAnswerTokens ?? 8192),
    messages: turns.map((turn, at) => message(turn, at === turns.length - 1)),
    // The same rules come with every question of a kind: they are read from the cache the next time.
    ...(system.length > 0
      ? { system: [{ type: "text", text: system.join("\n\n"), cache_control: { type: "ephemeral" } }] }
      : {}),
    // Of temperature and top_p only one may be given; a model that thinks wants neither.
    ...(request.think
      ? { thinking: { type: "adaptive" } }
      : { temperature: Math.min(1, request.sampling.temperature) }),
    ...(request.format ? { output_config: { format: { type: "json_schema", schema: { ...request.format } } } } : {}),
  };
}

/** The last turn is marked for the cache: a follow-up begins with all of this. */
function message({ role, content, images }: ChatMessage, isLast: boolean): Anthropic.MessageParam {
  const pictures = (images ?? []).map((data) => ({
    type: "image" as const,
    source: { type: "base64" as const, media_type: mediaType(data), data },
  }));
  const text = {
    type: "text" as const,
    text: content,
    ...(isLast ? { cache_control: { type: "ephemeral" as const } } : {}),
  };
  return { role: role === "assistant" ? "assistant" : "user", content: [...pictures, text] };
}

/** By the first bytes of the picture. */
function mediaType(base64: string): "image/png" | "image/jpeg" | "image/gif" | "image/webp" {
  if (base64.startsWith("/9j/")) return "image/jpeg";
  if (base64.startsWith("R0lG")) return "image/gif";
  return base64.startsWith("UklG") ? "image/webp" : "image/png";
}

async function* readStream(
  stream: AsyncIterable<Anthropic.RawMessageStreamEvent>,
  silence: Silence,
): AsyncIterable<ModelEvent> {
  const startMs = performance.now();
  let firstMs = 0;
  let usage: TokenUsage = { inputTokens: 0, cacheWriteTokens: 0, cacheReadTokens: 0, outputTokens: 0 };
  let reason: string | null = null;
  let isWhole = false;
  for await (const event of stream) {
    silence.broken();
    if (event.type === "message_start") usage = read(usage, event.message.usage);
    else if (event.type === "message_delta") {
      usage = read(usage, event.usage);
      reason = event.delta.stop_reason;
    } else if (event.type === "message_stop") isWhole = true;
    else if (event.type === "content_block_delta") {
      firstMs ||= performance.now();
      if (event.delta.type === "text_delta") yield { kind: "text", text: event.delta.text };
      else if (event.delta.type === "thinking_delta") yield { kind: "thinking", text: event.delta.thinking };
    }
  }
  if (!isWhole) {
    throw new TaskError(
      "server-lost",
      msg("Claude stopped in the middle of the answer. What had come is kept; ask again."),
    );
  }
  if (reason === "refusal") {
    throw new TaskError(
      "cloud-refused",
      msg("Claude refused to answer this. Ask in other words, or use a model on this machine."),
    );
  }
  const endMs = performance.now();
  const { inputTokens, cacheWriteTokens, cacheReadTokens, outputTokens } = usage;
  yield {
    kind: "done",
    finish: reason === "max_tokens" || reason === "model_context_window_exceeded" ? "length" : "stop",
    stats: {
      promptTokens: inputTokens + cacheWriteTokens + cacheReadTokens,
      answerTokens: outputTokens,
      loadMs: 0,
      prefillMs: (firstMs || endMs) - startMs,
      decodeMs: firstMs ? endMs - firstMs : 0,
      usage,
    },
  };
}

interface RawUsage {
  readonly input_tokens?: number | null;
  readonly cache_creation_input_tokens?: number | null;
  readonly cache_read_input_tokens?: number | null;
  readonly output_tokens?: number | null;
}

/** Counts are of everything so far; what an event does not tell stays as it was. */
function read(before: TokenUsage, raw: RawUsage): TokenUsage {
  return {
    inputTokens: raw.input_tokens ?? before.inputTokens,
    cacheWriteTokens: raw.cache_creation_input_tokens ?? before.cacheWriteTokens,
    cacheReadTokens: raw.cache_read_input_tokens ?? before.cacheReadTokens,
    outputTokens: raw.output_tokens ?? before.outputTokens,
  };
}

interface Silence {
  readonly isOver: boolean;
  broken(): void;
  end(): void;
}

/** Begins with the first event: before it, the server may take its time. */
function createSilence(ms: number, stop: AbortController): Silence {
  let timer: NodeJS.Timeout | undefined;
  const silence = {
    isOver: false,
    broken() {
      clearTimeout(timer);
      timer = setTimeout(() => {
        silence.isOver = true;
        stop.abort();
      }, ms);
    },
    end: () => clearTimeout(timer),
  };
  return silence;
}
