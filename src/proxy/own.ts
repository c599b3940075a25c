// The service's own API: a prompt, perhaps with the kind of task; the product's own prompts and routing do the rest.
import * as z from "zod/mini";
import type { Ask } from "../core/task.ts";
import { kindNamed, wishesOf } from "./ask-of.ts";
import type { Endpoint } from "./exchange.ts";
import { generateLine, ollamaForm } from "./ollama-form.ts";
import { ProxyError } from "./proxy-error.ts";
import { parseBody, text } from "./read-body.ts";

const ownFields = ["prompt", "model", "temperature", "maxTokens", "task_type", "stream"];
const ownSchema = z.object({
  prompt: text,
  model: z.optional(z.nullable(z.string())),
  temperature: z.optional(z.nullable(z.number().check(z.gte(0), z.lte(2)))),
  maxTokens: z.optional(z.nullable(z.int().check(z.gt(0)))),
  task_type: z.optional(z.nullable(z.string())),
  stream: z.optional(z.nullable(z.boolean())),
});

/**
 * `POST /api/generate` is Ollama's as well. Ours is what has a field of ours, or nothing that is Ollama's alone; since
 * our answer holds all of Ollama's fields, who meant the other one can read it too.
 */
export function generateEndpoint(ollama: Endpoint): Endpoint {
  return async (body, signal, name) => {
    const keys = typeof body === "object" && body !== null ? Object.keys(body) : [];
    const isOurs =
      keys.some((key) => ["temperature", "maxTokens", "task_type"].includes(key)) ||
      (!keys.includes("stream") && keys.every((key) => ownFields.includes(key)));
    if (!isOurs) return ollama(body, signal, name);
    const request = parseBody(ownSchema, body);
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
  };
}
