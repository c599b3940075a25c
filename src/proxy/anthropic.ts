// Anthropic's API: messages, the count of their tokens, and models.
import { randomUUID } from "node:crypto";
import * as z from "zod/mini";
import type { App } from "../core/app.ts";
import { estimateTokens } from "../core/context.ts";
import type { Ask } from "../core/task.ts";
import { aliasOf, conversationAsk, refuseImages, refuseTools, type SaidMessage, virtualModels } from "./ask-of.ts";
import { type AnswerForm, type Dialect, type Ending, type Endpoint, json } from "./exchange.ts";
import { ProxyError } from "./proxy-error.ts";
import { parseBody, text } from "./read-body.ts";

export const anthropicDialect: Dialect = {
  name: "anthropic",
  errorBody: (error) => ({
    type: "error",
    error: { type: typeOf(error.status), message: messageOf(error) },
    request_id: `req_${randomUUID().replaceAll("-", "")}`,
  }),
};

function typeOf(status: number): string {
  const types: Readonly<Record<number, string>> = {
    401: "authentication_error",
    403: "permission_error",
    404: "not_found_error",
    413: "request_too_large",
    429: "rate_limit_error",
    503: "overloaded_error",
  };
  return types[status] ?? (status < 500 ? "invalid_request_error" : "api_error");
}

/** Clients look for these very words to make a conversation shorter and ask again. */
function messageOf({ message, details }: ProxyError): string {
  const { code, promptTokens, contextTokens } = details;
  if (code !== "context_length_exceeded" || promptTokens === undefined || contextTokens === undefined) return message;
  return `prompt is too long: ${promptTokens} tokens > ${contextTokens} maximum. ${message}`;
}

const optional = <Value extends z.ZodMiniType>(value: Value) => z.optional(z.nullable(value));
const blocks = z.union([text, z.array(z.object({ type: z.string(), text: z.optional(text) }))]);
const promptFields = {
  model: z.string(),
  system: optional(blocks),
  messages: z
    .array(z.object({ role: z.enum(["user", "assistant"], "user or assistant"), content: blocks }))
    .check(z.minLength(1), z.maxLength(10_000)),
  tools: optional(z.array(z.unknown())),
};
const countSchema = z.object(promptFields);
const messagesSchema = z.object({
  ...promptFields,
  max_tokens: z.int().check(z.gt(0)),
  stream: optional(z.boolean()),
  temperature: optional(z.number().check(z.gte(0), z.lte(1))),
  top_p: optional(z.number().check(z.gt(0), z.lte(1))),
  stop_sequences: optional(z.array(text)),
});

export function anthropicEndpoints(app: App): Readonly<Record<string, Endpoint>> {
  const since = new Date().toISOString();
  return {
    "POST /v1/messages": async (body) => {
      const request = parseBody(messagesSchema, body);
      refuseTools(request.tools);
      const ask = conversationAsk(saidIn(request), {
        model: request.model,
        temperature: request.temperature,
        topP: request.top_p,
        maxTokens: request.max_tokens,
      });
      return {
        kind: "answer",
        ask,
        streams: request.stream === true,
        stops: request.stop_sequences ?? [],
        form: anthropicForm(request.model, countTokens(ask)),
      };
    },
    "POST /v1/messages/count_tokens": async (body) => {
      const request = parseBody(countSchema, body);
      const tools = request.tools?.length ? estimateTokens(JSON.stringify(request.tools)) : 0;
      return json({ input_tokens: countTokens(conversationAsk(saidIn(request), { model: request.model })) + tools });
    },
    "GET /v1/models": async (_, signal) => {
      const installed = (await app.models(signal)).filter((each) => each.place !== "cloud").map((each) => each.name);
      const data = [...virtualModels, ...installed].map((name) => ({
        type: "model",
        id: aliasOf(name),
        display_name: name,
        created_at: since,
      }));
      return json({ data, has_more: false, first_id: data[0]?.id ?? null, last_id: data.at(-1)?.id ?? null });
    },
  };
}

function saidIn({
  system,
  messages,
}: Pick<z.infer<typeof countSchema>, "system" | "messages">): readonly SaidMessage[] {
  // Claude Code's first system entry tells Anthropic whom to bill, changes with every version, and says nothing to a model.
  const rules = partsOf(system ?? []).filter((each) => !each.startsWith("x-anthropic-billing-header:"));
  const said = messages.map(({ role, content }) => ({ role, text: partsOf(content).join("\n") }));
  return rules.length > 0 ? [{ role: "system", text: rules.join("\n") }, ...said] : said;
}

function partsOf(content: z.infer<typeof blocks>): readonly string[] {
  if (typeof content === "string") return [content];
  return content.flatMap((block) => {
    if (block.type === "text") return [block.text ?? ""];
    if (block.type === "image") return refuseImages();
    if (block.type === "thinking" || block.type === "redacted_thinking") return [];
    throw new ProxyError(400, "messages: only blocks of text are supported by this service yet");
  });
}

function countTokens(ask: Ask): number {
  const texts = [ask.ownPrompt?.system ?? "", ...ask.history.map((turn) => turn.text), ask.text];
  return texts.filter((each) => each !== "").reduce((sum, each) => sum + estimateTokens(each) + 8, 0);
}

/** @param promptTokens told at the beginning, where the server has not counted yet */
function anthropicForm(model: string, promptTokens: number): AnswerForm {
  const id = `msg_${randomUUID().replaceAll("-", "")}`;
  let isBlockOpen = false;
  const openBlock = () => {
    if (isBlockOpen) return "";
    isBlockOpen = true;
    return event("content_block_start", { index: 0, content_block: { type: "text", text: "" } });
  };
  const message = (content: readonly object[], usage: object) => ({
    id,
    type: "message",
    role: "assistant",
    model,
    content,
    stop_reason: null,
    stop_sequence: null,
    usage,
  });
  return {
    streamType: "text/event-stream",
    beat: event("ping", {}),
    open: () => event("message_start", { message: message([], { input_tokens: promptTokens, output_tokens: 0 }) }),
    // A block of thinking needs Anthropic's signature, which no local model can give.
    piece: ({ kind, text: said }) =>
      kind === "thinking"
        ? ""
        : openBlock() + event("content_block_delta", { index: 0, delta: { type: "text_delta", text: said } }),
    close: (ending) =>
      openBlock() +
      event("content_block_stop", { index: 0 }) +
      event("message_delta", { delta: stopOf(ending), usage: usageOf(ending) }) +
      event("message_stop", {}),
    failure: (error) => event("error", anthropicDialect.errorBody(error)),
    whole: ({ text: said, ending }) => ({
      ...message([{ type: "text", text: said }], usageOf(ending)),
      ...stopOf(ending),
    }),
  };
}

const event = (type: string, value: object) => `event: ${type}\ndata: ${JSON.stringify({ type, ...value })}\n\n`;

function stopOf({ finish, stopSequence }: Ending): object {
  const reasons = { stop: "end_turn", length: "max_tokens", "stop-sequence": "stop_sequence" };
  return { stop_reason: reasons[finish], stop_sequence: stopSequence ?? null };
}

function usageOf({ promptTokens, answerTokens }: Ending): object {
  return { input_tokens: promptTokens, output_tokens: answerTokens };
}
