// Vectors of texts, in Ollama's two ways and in OpenAI's.
import * as z from "zod/mini";
import type { App } from "../core/app.ts";
import type { EmbedAsk, Embedded } from "../core/embedding.ts";
import { createTurns, usualLimits } from "../core/turns.ts";
import { modelNamed } from "./ask-of.ts";
import { type Endpoint, json } from "./exchange.ts";
import { ProxyError } from "./proxy-error.ts";
import { parseBody, text } from "./read-body.ts";

const optional = <Value extends z.ZodMiniType>(value: Value) => z.optional(z.nullable(value));
const dimensions = optional(z.int().check(z.gt(0), z.lte(65_536)));
const embedSchema = z.object({
  model: z.string(),
  input: z.union([text, z.array(text)], "a text or a list of texts"),
  truncate: optional(z.boolean()),
  dimensions,
});
const legacySchema = z.object({ model: z.string(), prompt: text });
/** LangChain’s client sends token ids unless it is told not to. */
const textsOnly =
  "a text or a list of texts; token ids are not read here (LangChain: check_embedding_ctx_length=False)";
const openaiSchema = z.object({
  model: z.string(),
  input: z.union([text, z.array(text).check(z.minLength(1))], textsOnly),
  encoding_format: optional(z.enum(["float", "base64"])),
  dimensions,
});

/** Waits for its turn; the client has left where the signal is aborted. */
type Embed = (ask: EmbedAsk & { readonly model: string }, signal: AbortSignal) => Promise<Embedded>;

export function ollamaEmbeddingEndpoints(app: App): Readonly<Record<string, Endpoint>> {
  const embed = inTurn(app);
  return {
    "POST /api/embed": async (body, signal) => {
      const { model, input, truncate, dimensions: length } = parseBody(embedSchema, body);
      const startMs = performance.now();
      const ask = { model, texts: [input].flat(), ...(length ? { dimensions: length } : {}) };
      // An end is left out only where the client says so itself: nothing is cut in silence.
      const made = await embed(truncate ? { ...ask, mayCut: true } : ask, signal);
      return json({
        model: made.model,
        embeddings: made.vectors,
        total_duration: Math.round((performance.now() - startMs) * 1e6),
        load_duration: 0,
        prompt_eval_count: made.promptTokens,
      });
    },
    "POST /api/embeddings": async (body, signal) => {
      const { model, prompt } = parseBody(legacySchema, body);
      const { vectors } = await embed({ model, texts: [prompt] }, signal);
      return json({ embedding: vectors[0] ?? [] });
    },
  };
}

export function openaiEmbeddingEndpoints(app: App): Readonly<Record<string, Endpoint>> {
  const embed = inTurn(app);
  return {
    "POST /v1/embeddings": async (body, signal) => {
      const { model, input, encoding_format: format, dimensions: length } = parseBody(openaiSchema, body);
      const made = await embed({ model, texts: [input].flat(), ...(length ? { dimensions: length } : {}) }, signal);
      const data = made.vectors.map((vector, index) => ({
        object: "embedding",
        index,
        embedding: format === "base64" ? bytesOf(vector) : vector,
      }));
      const usage = { prompt_tokens: made.promptTokens, total_tokens: made.promptTokens };
      return json({ object: "list", data, model: made.model, usage });
    },
  };
}

/** As OpenAI's clients ask for it unless they are told otherwise: 32-bit floats, little-endian. */
function bytesOf(vector: readonly number[]): string {
  const bytes = Buffer.alloc(vector.length * 4);
  for (const [at, value] of vector.entries()) bytes.writeFloatLE(value, at * 4);
  return bytes.toString("base64");
}

/** Requests at once, and waiting. */
const maxWaiting = 64;

function inTurn(app: App): Embed {
  // One kind of work; how it is called makes no difference.
  const turns = createTurns({ limits: usualLimits, maxWaiting }, () => performance.now());
  return async ({ model: name, ...ask }, signal) => {
    const { model, kind } = modelNamed(name);
    if (kind) throw new ProxyError(400, `model: ${name} does not make embeddings; name a model, or switchyard/auto`);
    const work = async function* () {
      yield { kind: "made" as const, made: await app.embed(model === undefined ? ask : { ...ask, model }, signal) };
    };
    for await (const event of turns.take({ kind: "chat", client: "" }, work, signal)) {
      if (event.kind === "made") return event.made;
    }
    throw new Error("nothing was made");
  };
}
