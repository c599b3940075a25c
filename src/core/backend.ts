import type { ChatMessage } from "./chat-message.ts";
import type { ModelShape } from "./fit.ts";
import type { Message } from "./message.ts";
import type { ModelEvent } from "./model-event.ts";
import type { Sampling, Think } from "./task.ts";
import type { ToolUse } from "./tool.ts";
import type { ToolTest } from "./tool-test.ts";

/** One call of one model. */
export interface ModelRequest {
  readonly model: string;
  readonly messages: readonly ChatMessage[];
  readonly sampling: Sampling;
  /** Context window to use, tokens. */
  readonly contextTokens: number;
  /** Tokens of the messages, estimated; absent: not counted. */
  readonly promptTokens?: number;
  readonly maxTokens?: number;
  /** JSON schema the answer must follow. */
  readonly format?: object;
  /** What the model may call; the calls come as `tool-call` events. */
  readonly toolUse?: ToolUse;
  /** Conversation this belongs to, as its client names it: its beginning is best asked where it was asked before. */
  readonly conversation?: string;
  /** Let the model think aloud first, where it can. */
  readonly think: Think;
  /** How long the server keeps the model loaded afterwards, as Ollama takes it (`"10m"`, seconds, -1). */
  readonly keepAlive?: string | number;
}

/** How a model is loaded before anything is asked of it. */
export type LoadWish = Pick<ModelRequest, "contextTokens" | "keepAlive">;

/** Where a backend's models compute. `cloud` also for a local server that forwards elsewhere. */
export type Place = "this-machine" | "network" | "cloud";

export interface InstalledModel {
  /** Tag as the server knows it, such as `qwen2.5:7b`. */
  readonly name: string;
  /** Name of the backend that has it. */
  readonly backend: string;
  readonly place: Place;
  /** Host and port it is asked at, such as `127.0.0.1:11434`; absent for the built-in engine. */
  readonly host?: string;
  readonly sizeBytes: number;
  /** Hash of its weights; absent where the server does not tell. */
  readonly digest?: string;
  /** Largest context window it was trained for, tokens; absent where the server does not tell. */
  readonly contextTokens?: number;
  readonly parameterSize?: string;
  readonly quantization?: string;
  /** As `/api/show` names them: `completion`, `vision`, `thinking`, `embedding`… Empty: unknown. */
  readonly capabilities: readonly string[];
  /** Its server goes on with an answer that is begun; absent: it begins another one, refuses, or does not tell. */
  readonly goesOn?: true;
  /** Whether it really calls tools; absent: nobody has tested these weights. */
  readonly toolTest?: ToolTest;
}

/** Vectors of texts, one each, in their order. */
export interface Embeddings {
  readonly vectors: readonly (readonly number[])[];
  /** Tokens of all texts; 0 where the server does not tell. */
  readonly promptTokens: number;
}

export interface EmbedRequest {
  readonly model: string;
  readonly texts: readonly string[];
  /** Length of the vectors, of models that can be asked for shorter ones. */
  readonly dimensions?: number;
  /** Whether the end of a text that is too long may be left out; otherwise it is refused. */
  readonly mayCut?: boolean;
}

export interface LoadedModel {
  readonly name: string;
  readonly backend: string;
  readonly sizeBytes: number;
  readonly vramBytes: number;
  readonly contextTokens?: number;
  /** Unix ms at which it is unloaded; absent: never. */
  readonly expiresAtMs?: number;
}

export interface PullProgress {
  readonly status: string;
  /** Over all layers or parts known so far. */
  readonly completedBytes?: number;
  readonly totalBytes?: number;
  /** Over the last seconds; absent until there is enough to say so. */
  readonly bytesPerSecond?: number;
  /** How often it stood still or was cut, and was asked for again by itself. */
  readonly restarts?: number;
  /** Something the person should know before more of it comes. */
  readonly warning?: Message;
}

/** What a server tells of a model that it has, and is asked for only when memory is reckoned. */
export interface ModelDetails {
  readonly shape?: ModelShape;
  readonly requires?: string;
}

/**
 * Told of each body that says something of the prompt, in bytes, before it goes out: what is tried again goes out again.
 * What it throws keeps the body here.
 */
export type BeforeSending = (bytes: number) => Promise<void>;

/** One that models are got through. */
export type Getter = Backend & Required<Pick<Backend, "pull">>;

export const isGetter = (backend: Backend): backend is Getter => backend.pull !== undefined;

/** A model server. Every method throws `TaskError` or an `AbortError` only; `run` stops the model when its reader stops reading. */
export interface Backend {
  /** Unique among backends; shown to people: `built-in engine`, `Ollama at 127.0.0.1:11434`. */
  readonly name: string;
  readonly place: Place;
  models(signal: AbortSignal): Promise<readonly InstalledModel[]>;
  loaded(signal: AbortSignal): Promise<readonly LoadedModel[]>;
  run(request: ModelRequest, signal: AbortSignal, beforeSending?: BeforeSending): AsyncIterable<ModelEvent>;
  /** Absent where the server has no embeddings. */
  embed?(request: EmbedRequest, signal: AbortSignal): Promise<Embeddings>;
  /** Loads the model without asking it anything. */
  load(model: string, wish: LoadWish, signal: AbortSignal): Promise<void>;
  unload(model: string, signal: AbortSignal): Promise<void>;
  /** Absent where models are not got through the server. */
  pull?(model: string, signal: AbortSignal): AsyncIterable<PullProgress>;
  delete(model: string, signal: AbortSignal): Promise<void>;
  /** Absent where the server tells none. */
  details?(model: string, signal: AbortSignal): Promise<ModelDetails>;
}
