// What clients may send, in the shape of Ollama's API.
import * as z from "zod/mini";
import { wrongIn } from "../../core/expected.ts";
import { EngineError } from "./engine-error.ts";

const optionsSchema = z.object({
  num_ctx: z.optional(z.int().check(z.gte(16), z.lte(1_048_576))),
  num_predict: z.optional(z.int()),
  temperature: z.optional(z.number().check(z.gte(0))),
  top_k: z.optional(z.int().check(z.gte(0))),
  top_p: z.optional(z.number()),
  min_p: z.optional(z.number()),
  seed: z.optional(z.int()),
  repeat_penalty: z.optional(z.number()),
  repeat_last_n: z.optional(z.int()),
  presence_penalty: z.optional(z.number()),
  frequency_penalty: z.optional(z.number()),
  stop: z.optional(z.union([z.array(z.string()), z.string()])),
});
const shared = {
  model: z.string(),
  stream: z.optional(z.boolean()),
  options: z.optional(z.nullable(optionsSchema)),
  format: z.optional(z.nullable(z.union([z.literal(""), z.literal("json"), z.looseObject({})]))),
  keep_alive: z.optional(z.nullable(z.union([z.string(), z.number()]))),
  think: z.optional(z.nullable(z.union([z.boolean(), z.string()]))),
};
const images = z.optional(z.nullable(z.array(z.string())));

const functionSchema = z.object({
  name: z.string().check(z.minLength(1)),
  description: z.optional(z.string()),
  parameters: z.optional(z.looseObject({})),
});
const messageSchema = z.object({
  role: z.enum(["system", "user", "assistant", "tool"]),
  content: z.optional(z.string()),
  images,
  tool_calls: z.optional(
    z.array(
      z.object({
        id: z.optional(z.string()),
        function: z.object({ name: z.string(), arguments: z._default(z.record(z.string(), z.unknown()), {}) }),
      }),
    ),
  ),
  tool_name: z.optional(z.string()),
  tool_call_id: z.optional(z.string()),
});
export type EngineMessage = z.infer<typeof messageSchema>;
export type EngineTool = z.infer<typeof functionSchema>;

export const chatSchema = z.object({
  ...shared,
  messages: z.optional(z.array(messageSchema)),
  tools: z.optional(z.nullable(z.array(z.object({ function: functionSchema })))),
});
export const generateSchema = z.object({
  ...shared,
  prompt: z.optional(z.string()),
  system: z.optional(z.string()),
  raw: z.optional(z.boolean()),
  suffix: z.optional(z.string()),
  template: z.optional(z.string()),
  images,
});
export const embedSchema = z.object({
  model: z.string(),
  input: z.union([z.string(), z.array(z.string())]),
  truncate: z.optional(z.nullable(z.boolean())),
  options: shared.options,
  keep_alive: shared.keep_alive,
});
export const embeddingsSchema = z.object({ model: z.string(), prompt: z.string() });
/** `name` is the older word for `model`, and what the client library still sends. */
export const namedSchema = z.object({
  model: z.optional(z.string()),
  name: z.optional(z.string()),
  stream: z.optional(z.boolean()),
});

export type EngineOptions = z.infer<typeof optionsSchema>;
export type Format = z.infer<typeof chatSchema>["format"];

export function parseBody<S extends z.ZodMiniType>(schema: S, body: unknown): z.infer<S> {
  const parsed = schema.safeParse(body);
  if (parsed.success) return parsed.data;
  const [issue] = parsed.error.issues;
  if (!issue) throw new EngineError(400, "invalid request");
  const { path, possible } = wrongIn(issue);
  throw new EngineError(400, `invalid request: ${path.join(".") || "body"}: expected ${possible}`);
}

export function nameIn(body: z.infer<typeof namedSchema>): string {
  const name = body.model ?? body.name;
  if (!name) throw new EngineError(400, "model is required");
  return name;
}

/** How long a model stays loaded after its last use, ms; Infinity for negative values. */
export function keepAliveMs(value: string | number | null | undefined): number {
  const defaultMs = 5 * 60_000;
  if (value === null || value === undefined || value === "") return defaultMs;
  if (typeof value === "number") return value < 0 ? Number.POSITIVE_INFINITY : value * 1000;
  const match = /^(-?)((?:\d+(?:\.\d+)?(?:ms|[smh]))+|\d+(?:\.\d+)?)$/.exec(value);
  if (!match) throw new EngineError(400, `keep_alive: “${value}” is not a duration such as 5m or 1h30m`);
  const units: Readonly<Record<string, number>> = { ms: 1, s: 1000, m: 60_000, h: 3_600_000 };
  const parts = [...(match[2] ?? "").matchAll(/([\d.]+)(ms|[smh]|)/g)];
  const ms = parts.reduce((sum, [, number, unit]) => sum + Number(number) * (units[unit ?? ""] ?? 1000), 0);
  return match[1] === "-" ? Number.POSITIVE_INFINITY : ms;
}
