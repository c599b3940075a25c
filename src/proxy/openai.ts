// OpenAI's API: chat completions and models.
import { randomUUID } from "node:crypto";
import * as z from "zod/mini";
import type { App } from "../core/app.ts";
import { checkedFormat, conversationAsk, modelNamed, refuseImages, refuseTools, virtualModels } from "./ask-of.ts";
import { type AnswerForm, type Dialect, type Ending, type Endpoint, json } from "./exchange.ts";
import { ProxyError } from "./proxy-error.ts";
import { parseBody, text } from "./read-body.ts";

export const openaiDialect: Dialect = {
  name: "openai",
  errorBody: (error) => ({
    error: { message: error.message, type: typeOf(error.status), param: null, code: error.details.code ?? null },
  }),
};

function typeOf(status: number): string {
  if (status === 401) return "authentication_error";
  if (status === 403) return "permission_error";
  if (status === 429) return "rate_limit_error";
  return status < 500 ? "invalid_request_error" : "server_error";
}

const optional = <Value extends z.ZodMiniType>(value: Value) => z.optional(z.nullable(value));
const part = z.object({ type: z.string(), text: z.optional(text) });
const messageSchema = z.object({
  role: z.enum(["system", "developer", "user", "assistant"], "system, developer, user or assistant"),
  content: optional(z.union([text, z.array(part)])),
  tool_calls: optional(z.array(z.unknown())),
});
const count = z.int().check(z.gt(0));
const chatSchema = z.object({
  model: z.optional(z.string()),
  messages: z.array(messageSchema).check(z.minLength(1), z.maxLength(10_000)),
  stream: optional(z.boolean()),
  stream_options: optional(z.object({ include_usage: optional(z.boolean()) })),
  temperature: optional(z.number().check(z.gte(0), z.lte(2))),
  top_p: optional(z.number().check(z.gt(0), z.lte(1))),
  max_tokens: optional(count),
  max_completion_tokens: optional(count),
  n: optional(z.int()),
  stop: optional(z.union([text, z.array(text)])),
  tools: optional(z.array(z.unknown())),
  functions: optional(z.array(z.unknown())),
  response_format: optional(
    z.union([
      z.object({ type: z.literal("json_schema"), json_schema: z.object({ schema: z.looseObject({}) }) }),
      z.object({ type: z.enum(["text", "json_object"]) }),
    ]),
  ),
});
type ChatRequest = z.infer<typeof chatSchema>;

export function openaiEndpoints(app: App): Readonly<Record<string, Endpoint>> {
  const created = Math.floor(Date.now() / 1000);
  const entry = (id: string, owner: string) => ({ id, object: "model", created, owned_by: owner });
  const list = async (signal: AbortSignal) => [
    ...virtualModels.map((name) => entry(name, "switchyard")),
    ...(await app.models(signal)).filter((each) => each.place !== "cloud").map((each) => entry(each.name, "local")),
  ];
  return {
    "GET /v1/models": async (_, signal) => json({ object: "list", data: await list(signal) }),
    "GET /v1/models/*": async (_, signal, name) => {
      const found = (await list(signal)).find((each) => each.id === name);
      if (!found) throw new ProxyError(404, "There is no such model here.", { code: "model_not_found" });
      return json(found);
    },
    "POST /v1/chat/completions": async (body) => {
      const request = parseBody(chatSchema, body);
      refuseTools(request.tools ?? request.functions);
      if ((request.n ?? 1) !== 1) throw new ProxyError(400, "n: only one answer at a time");
      const said = request.messages.map((message) => {
        refuseTools(message.tool_calls);
        const role = message.role === "developer" ? ("system" as const) : message.role;
        return { role, text: textOf(message.content) };
      });
      const ask = conversationAsk(said, {
        model: request.model,
        temperature: request.temperature,
        topP: request.top_p,
        maxTokens: request.max_completion_tokens ?? request.max_tokens,
        format: formatOf(request),
      });
      return {
        kind: "answer",
        ask,
        streams: request.stream === true,
        stops: [request.stop ?? []].flat(),
        form: openaiForm(request.model, request.stream_options?.include_usage === true),
      };
    },
    "POST /v1/completions": notHere("completions", "use /v1/chat/completions"),
    "POST /v1/responses": notHere("responses", "use /v1/chat/completions"),
    "POST /v1/embeddings": notHere("embeddings", "ask the model server for them"),
  };
}

const notHere =
  (what: string, instead: string): Endpoint =>
  async () => {
    throw new ProxyError(501, `${what}: not part of this service yet; ${instead}`);
  };

function textOf(content: ChatRequest["messages"][number]["content"]): string {
  if (typeof content === "string") return content;
  return (content ?? []).map((each) => (each.type === "text" ? (each.text ?? "") : refuseImages())).join("\n");
}

function formatOf({ response_format: format }: ChatRequest): object | undefined {
  if (!format || format.type === "text") return undefined;
  return "json_schema" in format ? checkedFormat(format.json_schema.schema) : { type: "object" };
}

function openaiForm(asked: string | undefined, tellsUsage: boolean): AnswerForm {
  const id = `chatcmpl-${randomUUID()}`;
  const created = Math.floor(Date.now() / 1000);
  const named = modelNamed(asked).model;
  let model = named ?? asked ?? "switchyard/auto";
  const head = (object: string) => ({ id, object, created, model });
  const chunk = (delta: object, finish: string | null = null) =>
    event({
      ...head("chat.completion.chunk"),
      choices: [{ index: 0, delta, finish_reason: finish }],
      ...(tellsUsage ? { usage: null } : {}),
    });
  return {
    streamType: "text/event-stream",
    beat: ": waiting\n\n",
    open(route) {
      if (route) model = named ?? route.model;
      return chunk({ role: "assistant", content: "" });
    },
    piece: ({ kind, text: said }) => chunk(kind === "text" ? { content: said } : { reasoning_content: said }),
    close: (ending) =>
      chunk({}, finishOf(ending)) +
      (tellsUsage ? event({ ...head("chat.completion.chunk"), choices: [], usage: usageOf(ending) }) : "") +
      "data: [DONE]\n\n",
    failure: (error) => event(openaiDialect.errorBody(error)),
    whole({ text: said, thinking, ending, route }) {
      if (route) model = named ?? route.model;
      const message = { role: "assistant", content: said, ...(thinking ? { reasoning_content: thinking } : {}) };
      return {
        ...head("chat.completion"),
        choices: [{ index: 0, message, logprobs: null, finish_reason: finishOf(ending) }],
        usage: usageOf(ending),
      };
    },
  };
}

const event = (value: object) => `data: ${JSON.stringify(value)}\n\n`;
const finishOf = ({ finish }: Ending) => (finish === "length" ? "length" : "stop");

function usageOf({ promptTokens, answerTokens }: Ending): object {
  return {
    prompt_tokens: promptTokens,
    completion_tokens: answerTokens,
    total_tokens: promptTokens + answerTokens,
  };
}
