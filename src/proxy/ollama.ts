// Ollama's API: https://github.com/ollama/ollama/blob/main/docs/api.md
import * as z from "zod/mini";
import type { App } from "../core/app.ts";
import type { ChatMessage } from "../core/chat-message.ts";
import type { Ask } from "../core/task.ts";
import type { Tool } from "../core/tool.ts";
import { conversationAsk, modelNamed, thinkOf, type Wishes } from "./ask-of.ts";
import { ollamaEmbeddingEndpoints } from "./embeddings.ts";
import { type Dialect, type Endpoint, json } from "./exchange.ts";
import { imagesOf } from "./images.ts";
import { chatLine, generateLine, type Line, ollamaForm, stamp } from "./ollama-form.ts";
import { ollamaModelEndpoints } from "./ollama-models.ts";
import { ProxyError } from "./proxy-error.ts";
import { checkedFormat, parseBody, text } from "./read-body.ts";
import { fineSampling, ollamaSamplingFields, samplingFields, topPField } from "./sampling-fields.ts";
import { argumentsOf, toolUseOf } from "./tools-of.ts";
import { refuseUnheard } from "./unheard.ts";

export const ollamaDialect: Dialect = { name: "ollama", errorBody: (error) => ({ error: error.message }) };

/** The version clients are told: those that ask want to know which of Ollama's features are there. */
const spokenVersion = "0.14.0";

const optional = <Value extends z.ZodMiniType>(value: Value) => z.optional(z.nullable(value));
const optionsSchema = z.object({
  temperature: optional(z.number().check(z.gte(0), z.lte(2))),
  top_p: topPField,
  repeat_penalty: optional(z.number()),
  ...samplingFields,
  ...ollamaSamplingFields,
  num_ctx: optional(z.int()),
  num_predict: optional(z.int()),
  stop: optional(z.union([text, z.array(text)])),
});
const shared = {
  model: z.string(),
  stream: optional(z.boolean()),
  options: optional(optionsSchema),
  format: optional(z.union([z.literal(""), z.literal("json"), z.looseObject({})])),
  keep_alive: optional(z.union([z.string(), z.number()])),
  think: optional(z.union([z.boolean(), z.string()])),
};
const images = optional(z.array(z.string()));
const generateSchema = z.object({
  ...shared,
  model: z.optional(z.string()),
  prompt: optional(text),
  system: optional(text),
  images,
});
const callSchema = z.object({
  id: optional(z.string()),
  function: z.object({ name: z.string(), arguments: optional(z.union([z.record(z.string(), z.unknown()), text])) }),
});
const messageSchema = z.object({
  role: z.enum(["system", "user", "assistant", "tool"]),
  content: z._default(z.nullable(text), ""),
  thinking: optional(text),
  images,
  tool_calls: optional(z.array(callSchema)),
  tool_name: optional(z.string()),
  name: optional(z.string()),
  tool_call_id: optional(z.string()),
});
const toolSchema = z.object({
  function: z.object({
    name: z.string().check(z.minLength(1)),
    description: optional(text),
    parameters: optional(z.looseObject({})),
  }),
});
const chatSchema = z.object({
  ...shared,
  messages: optional(z.array(messageSchema).check(z.maxLength(10_000))),
  tools: optional(z.array(toolSchema)),
});

type Shared = Pick<z.infer<typeof generateSchema>, "model" | "stream" | "options" | "format" | "keep_alive" | "think">;

export function ollamaEndpoints(app: App): Readonly<Record<string, Endpoint>> {
  return {
    "GET /api/version": async () => json({ version: spokenVersion }),
    ...ollamaModelEndpoints(app),
    "POST /api/chat": async (body, signal) => {
      refuseUnheard(body, "ollama");
      const request = parseBody(chatSchema, body);
      const messages = request.messages ?? [];
      if (messages.length === 0) return json(await loadOnly(app, request, chatLine, signal));
      const toolUse = toolUseOf((request.tools ?? []).map(toolOf), { kind: "auto" }, true);
      const ask = conversationAsk(messages.map(saidIn), { ...wishesOf(request), toolUse });
      return answerOf(ask, request, chatLine);
    },
    "POST /api/generate": async (body, signal) => {
      refuseUnheard(body, "ollama");
      const request = parseBody(generateSchema, body);
      if (!request.prompt && !request.images?.length) return json(await loadOnly(app, request, generateLine, signal));
      const system = request.system ? [{ role: "system" as const, content: request.system }] : [];
      const question = { role: "user" as const, content: request.prompt ?? "", ...imagesOf(request.images) };
      return answerOf(conversationAsk([...system, question], wishesOf(request)), request, generateLine);
    },
    ...ollamaEmbeddingEndpoints(app),
  };
}

function saidIn(message: z.infer<typeof messageSchema>, at: number): ChatMessage {
  const { role, content, thinking, tool_calls: calls, tool_call_id: id, tool_name: tool, name } = message;
  return {
    role,
    content: content ?? "",
    ...imagesOf(message.images),
    ...(thinking ? { thinking } : {}),
    ...(calls?.length ? { toolCalls: calls.map((call, index) => callOf(call, `call_${at}_${index}`)) } : {}),
    ...(role === "tool" ? { answers: { id: id ?? "", name: tool ?? name ?? "" } } : {}),
  };
}

function callOf({ id, function: { name, arguments: given } }: z.infer<typeof callSchema>, otherwise: string) {
  return { id: id || otherwise, name, arguments: typeof given === "string" ? argumentsOf(given) : (given ?? {}) };
}

function toolOf({ function: { name, description, parameters } }: z.infer<typeof toolSchema>): Tool {
  return { name, ...(description ? { description } : {}), parameters: parameters ?? { type: "object" } };
}

function wishesOf({ model, options, format, think }: Shared): Wishes {
  return {
    model,
    temperature: options?.temperature,
    topP: options?.top_p,
    repeatPenalty: options?.repeat_penalty,
    fine: fineSampling(options),
    maxTokens: options?.num_predict,
    // Any JSON at all is an object of whatever shape.
    format: format === "json" ? { type: "object" } : format ? checkedFormat(format) : undefined,
    think: typeof think === "boolean" ? think : thinkOf(think),
  };
}

function answerOf(ask: ReturnType<typeof conversationAsk>, request: Shared, line: Line) {
  return {
    kind: "answer" as const,
    ask: { ...ask, ...keptIn(request), ...windowIn(request) },
    streams: request.stream !== false,
    stops: [request.options?.stop ?? []].flat(),
    form: ollamaForm(request.model, line),
  };
}

/** The window that Ollama's clients want; 0 and less say nothing. */
function windowIn({ options }: Pick<Shared, "options">): Pick<Ask, "contextTokens"> {
  const wished = options?.num_ctx ?? 0;
  return wished > 0 ? { contextTokens: wished } : {};
}

/** @throws ProxyError 400 for what is no duration */
function keptIn({ keep_alive: given }: Pick<Shared, "keep_alive">): { readonly keepAlive?: string | number } {
  if (given === null || given === undefined || given === "") return {};
  if (typeof given === "number") return { keepAlive: given };
  const text = given.trim();
  // Seconds written as a text are no duration to Ollama, and some programs send them.
  if (/^-?\d+$/.test(text)) return { keepAlive: Number(text) };
  if (/^-?(?:\d+(?:\.\d+)?(?:ms|[smh]))+$/.test(text)) return { keepAlive: text };
  throw new ProxyError(400, "keep_alive: expected seconds, or a duration such as 10m", { field: "keep_alive" });
}

/** An empty prompt loads the model, or unloads it where it is to be kept for no time. */
async function loadOnly(app: App, { model, ...request }: Shared, line: Line, signal: AbortSignal): Promise<object> {
  const named = modelNamed(model).model;
  const kept = keptIn(request);
  const { contextTokens } = windowIn(request);
  const most = app.settings().maxContextTokens;
  const window = contextTokens === undefined ? {} : { contextTokens: Math.min(contextTokens, most) };
  const unloads = kept.keepAlive !== undefined && /^0(?:ms|[smh])?$/.test(String(kept.keepAlive));
  if (named) await (unloads ? app.unload(named, signal) : app.load({ model: named, ...kept, ...window }, signal));
  return { ...stamp(model ?? ""), ...line({}), done: true, done_reason: unloads ? "unload" : "load" };
}
