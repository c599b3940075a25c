// Ollama's API over the pool: one function a route. What they return is sent as JSON, what they yield as JSON lines.
import { type AnswerLine, answerLines, chatLine, joined } from "./answer-lines.ts";
import { createCapabilities } from "./capabilities.ts";
import { EngineError } from "./engine-error.ts";
import { ggufFacts } from "./gguf-facts.ts";
import type { ModelFiles, ModelManifest } from "./model-files.ts";
import { psOf, showOf, tagOf } from "./model-lines.ts";
import type { ModelPool } from "./model-pool.ts";
import {
  chatSchema,
  type EngineOptions,
  embeddingsSchema,
  embedSchema,
  type Format,
  generateSchema,
  keepAliveMs,
  namedSchema,
  nameIn,
  parseBody,
} from "./requests.ts";
import type { Generation, Prompt, Runner } from "./runner.ts";
import type { Weights } from "./weights.ts";

export interface ApiParts {
  readonly version: string;
  readonly files: ModelFiles;
  readonly pool: ModelPool;
  readonly weights: Weights;
}

type Line = Readonly<Record<string, unknown>>;
export type Answer =
  | { readonly kind: "json"; readonly value: Line }
  | { readonly kind: "lines"; readonly lines: AsyncIterable<Line> };
export type Route = (body: unknown, signal: AbortSignal) => Promise<Answer>;

const json = (value: Line): Answer => ({ kind: "json", value });
const refuse = (what: string) => async (): Promise<never> => {
  throw new EngineError(501, `the built-in engine cannot ${what}; Ollama can`);
};

type Routes = Readonly<Record<string, Route>>;

export function createApi(parts: ApiParts): Routes {
  const capabilities = createCapabilities(parts.files);
  return {
    ...modelRoutes(parts, capabilities),
    ...answerRoutes(parts, capabilities),
    "POST /api/copy": refuse("copy models"),
    "POST /api/create": refuse("create models"),
    "POST /api/push": refuse("publish models"),
  };
}

type Capabilities = ReturnType<typeof createCapabilities>;

/** Which models there are, and getting and removing them. */
function modelRoutes({ version, files, pool, weights }: ApiParts, capabilities: Capabilities): Routes {
  const tag = async (model: ModelManifest) => tagOf(model, await capabilities.of(model));
  return {
    "GET /api/version": async () => json({ version }),
    "GET /api/tags": async () => json({ models: await Promise.all((await files.list()).map(tag)) }),
    "GET /api/ps": async () => json({ models: psOf(pool) }),
    "POST /api/show": async (body) => {
      const manifest = await files.find(nameIn(parseBody(namedSchema, body)));
      return json(showOf(manifest, await capabilities.of(manifest), await ggufFacts(files.pathOf(manifest))));
    },
    "POST /api/pull": async (body, signal) => {
      const request = parseBody(namedSchema, body);
      const lines = weights.pull(nameIn(request), signal);
      if (request.stream !== false) return { kind: "lines", lines };
      for await (const _ of lines);
      return json({ status: "success" });
    },
    "DELETE /api/delete": async (body) => {
      const name = nameIn(parseBody(namedSchema, body));
      const isWhole = (await files.list()).some((model) => model.name === name);
      if (!isWhole && (await weights.discard(name))) return json({ status: "success" });
      const manifest = await files.find(name);
      await pool.unload(manifest.name);
      await files.remove(manifest.name);
      return json({ status: "success" });
    },
  };
}

function answerRoutes(parts: ApiParts, capabilities: Capabilities): Routes {
  const { files, pool } = parts;
  return {
    "POST /api/chat": async (body, signal) => {
      const request = parseBody(chatSchema, body);
      const messages = request.messages ?? [];
      if (messages.some((message) => message.images?.length)) throw noImages(request.model);
      const tools = request.tools?.map((tool) => tool.function) ?? [];
      if (tools.length > 0) await capabilities.needTools(await files.find(request.model));
      const prompt: Prompt = { kind: "chat", messages, ...(tools.length > 0 ? { tools } : {}) };
      return run(parts, { ...request, prompt: messages.length > 0 ? prompt : undefined }, chatLine, signal);
    },
    "POST /api/generate": async (body, signal) => {
      const request = parseBody(generateSchema, body);
      if (request.images?.length) throw noImages(request.model);
      if (request.suffix) throw new EngineError(400, `model '${request.model}' does not support insert`);
      if (request.template) throw new EngineError(501, "the built-in engine takes no templates; Ollama does");
      const text = request.prompt ?? "";
      const system = request.system ? [{ role: "system" as const, content: request.system }] : [];
      const prompt: Prompt = request.raw
        ? { kind: "raw", text }
        : { kind: "chat", messages: [...system, { role: "user", content: text }] };
      return run(parts, { ...request, prompt: text === "" ? undefined : prompt }, (response) => ({ response }), signal);
    },
    "POST /api/embed": async (body, signal) => {
      const request = parseBody(embedSchema, body);
      const texts = [request.input].flat();
      const { vectors, ...figures } = await embedAll(pool, { ...request, texts }, signal);
      return json({ model: request.model, embeddings: vectors, ...figures });
    },
    "POST /api/embeddings": async (body, signal) => {
      const request = parseBody(embeddingsSchema, body);
      const { vectors } = await embedAll(pool, { model: request.model, texts: [request.prompt] }, signal);
      return json({ embedding: vectors[0] ?? [] });
    },
  };
}

interface RunRequest {
  readonly model: string;
  readonly stream?: boolean | undefined;
  readonly options?: EngineOptions | null | undefined;
  readonly format?: Format;
  readonly keep_alive?: string | number | null | undefined;
  readonly think?: boolean | string | null | undefined;
  /** Absent: only load, or unload. */
  readonly prompt: Prompt | undefined;
}

/** Answers in `done: false` lines and a last one with the figures; or in one object where `stream` is off. */
async function run(
  { pool, files }: ApiParts,
  request: RunRequest,
  answer: AnswerLine,
  signal: AbortSignal,
): Promise<Answer> {
  const { name } = await files.find(request.model);
  if (request.think) throw new EngineError(400, `model '${request.model}' does not support thinking`);
  const options = request.options ?? {};
  const keptMs = keepAliveMs(request.keep_alive);
  const stamp = () => ({ model: request.model, created_at: new Date().toISOString() });
  if (!request.prompt && keptMs === 0) {
    await pool.unload(name);
    return json({ ...stamp(), ...answer(""), done: true, done_reason: "unload" });
  }
  const use = {
    name,
    keepAliveMs: keptMs,
    ...(options.num_ctx === undefined ? {} : { contextTokens: options.num_ctx }),
  };
  const startMs = performance.now();
  const { prompt } = request;
  const lines = pool.use(use, signal, async function* (runner: Runner, loadMs: number): AsyncIterable<Line> {
    if (!prompt) {
      yield { ...stamp(), ...answer(""), done: true, done_reason: "load" };
      return;
    }
    const pieces = runner.generate(prompt, options, request.format, signal);
    try {
      const said = answerLines(pieces, prompt, runner, answer);
      let next = await said.next();
      for (; !next.done; next = await said.next()) yield { ...stamp(), ...next.value, done: false };
      yield { ...stamp(), ...answer(""), ...figures(next.value, loadMs, performance.now() - startMs) };
    } finally {
      await pieces.return({ promptTokens: 0, answerTokens: 0, prefillMs: 0, decodeMs: 0, finish: "stop" });
    }
  });
  return request.stream === false ? json(await joined(lines, answer)) : { kind: "lines", lines: await begun(lines) };
}

/** Ollama's durations are in them. */
const nanoseconds = (ms: number) => Math.round(ms * 1e6);

function figures(made: Generation, loadMs: number, totalMs: number): Line {
  return {
    done: true,
    done_reason: made.finish,
    total_duration: nanoseconds(totalMs),
    load_duration: nanoseconds(loadMs),
    prompt_eval_count: made.promptTokens,
    prompt_eval_duration: nanoseconds(made.prefillMs),
    eval_count: made.answerTokens,
    eval_duration: nanoseconds(made.decodeMs),
  };
}

/** Waits for the first line, so that what fails before it still gets its own HTTP status. */
async function begun(lines: AsyncIterable<Line>): Promise<AsyncIterable<Line>> {
  const iterator = lines[Symbol.asyncIterator]();
  const first = await iterator.next();
  return (async function* () {
    try {
      for (let next = first; !next.done; next = await iterator.next()) yield next.value;
    } finally {
      await iterator.return?.();
    }
  })();
}

interface EmbedRequest {
  readonly model: string;
  readonly texts: readonly string[];
  readonly truncate?: boolean | null | undefined;
  readonly options?: EngineOptions | null | undefined;
  readonly keep_alive?: string | number | null | undefined;
}

async function embedAll(
  pool: ModelPool,
  { model, texts, truncate, options, keep_alive }: EmbedRequest,
  signal: AbortSignal,
) {
  const startMs = performance.now();
  const work = async function* (runner: Runner, loadMs: number) {
    const { vectors, promptTokens } = await runner.embed(texts, truncate !== false, options?.num_ctx);
    yield { vectors, prompt_eval_count: promptTokens, load_duration: nanoseconds(loadMs) };
  };
  const use = { name: model, keepAliveMs: keepAliveMs(keep_alive) };
  for await (const embedded of pool.use(use, signal, work))
    return { ...embedded, total_duration: nanoseconds(performance.now() - startMs) };
  return { vectors: [] };
}

function noImages(model: string): EngineError {
  return new EngineError(400, `model '${model}' cannot see images`);
}
