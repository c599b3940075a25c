// The service's own API: a prompt, perhaps with the kind of task; the product's own prompts and routing do the rest.
import * as z from "zod/mini";
import type { Ask } from "../core/task.ts";
import { kindNamed, wishesOf } from "./ask-of.ts";
import type { Endpoint, Outcome } from "./exchange.ts";
import { generateLine, ollamaForm } from "./ollama-form.ts";
import { ProxyError } from "./proxy-error.ts";
import { parseBody, text } from "./read-body.ts";

const ownFields = ["prompt", "model", "temperature", "maxTokens", "task_type", "stream"];
/** What only Ollama's API has. */
const ollamaFields = new Set(
  "context format images keep_alive logprobs options raw shift suffix system template think top_logprobs truncate".split(
    " ",
  ),
);
const ownSchema = z.object({
  prompt: text,
  model: z.optional(z.nullable(z.string())),
  temperature: z.optional(z.nullable(z.number().check(z.gte(0), z.lte(2)))),
  maxTokens: z.optional(z.nullable(z.int().check(z.gt(0)))),
  task_type: z.optional(z.nullable(z.string())),
  stream: z.optional(z.nullable(z.boolean())),
});

/** Ours that Ollama's API has a word for as well. */
const sharedFields = ["temperature", "maxTokens"];

/**
 * `POST /api/generate` is Ollama's as well. Ours is what has a field of ours, or nothing that is Ollama's alone; since
 * our answer holds all of Ollama's fields, who meant the other one can read it too. What has both is Ollama's.
 */
export function generateEndpoint(ollama: Endpoint): Endpoint {
  return async (body, signal, name) => {
    const given = typeof body === "object" && body !== null ? { ...body } : {};
    const keys = Object.keys(given);
    const others = keys.filter((key) => !ownFields.includes(key));
    const isOurs = keys.includes("task_type") || keys.some((key) => sharedFields.includes(key));
    if (isOurs && others.some((key) => ollamaFields.has(key))) return ollama(inOptions(given), signal, name);
    if (!isOurs && (keys.includes("stream") || others.length > 0)) return ollama(body, signal, name);
    const [field] = others;
    if (field) throw new ProxyError(400, `${field.slice(0, 40)}: expected ${ownFields.join(" | ")}`, { field });
    return ownOutcome(parseBody(ownSchema, body));
  };
}

/** @throws ProxyError 400 where the client's own rules and the product's for a kind of task would both hold */
function inOptions(given: Readonly<Record<string, unknown>>): object {
  const { temperature, maxTokens, task_type: kind, options, ...rest } = given;
  if (kind) throw new ProxyError(400, "task_type: goes with the fields of this service alone", { field: "task_type" });
  const own = typeof options === "object" ? options : {};
  return { ...rest, options: { temperature, num_predict: maxTokens, ...own } };
}

function ownOutcome(request: z.infer<typeof ownSchema>): Outcome {
  if (request.prompt.trim() === "") throw new ProxyError(400, "prompt: empty");
  const model = request.model ?? undefined;
  const ask: Ask = {
    ...wishesOf({ model, temperature: request.temperature, maxTokens: request.maxTokens }),
    ...(request.task_type ? { kind: kindNamed(request.task_type) } : {}),
    text: request.prompt,
    sources: [],
    history: [],
  };
  const form = ollamaForm(model, generateLine);
  return { kind: "answer", ask, streams: request.stream === true, stops: [], form };
}
