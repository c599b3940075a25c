// Anthropic's API: messages, the count of their tokens, and models.

import * as z from "zod/mini";
import type { App } from "../core/app.ts";
import type { ChatMessage } from "../core/chat-message.ts";
import { cloudModels } from "../core/cost.ts";
import { uniqueModels } from "../core/model-places.ts";
import type { Tool, ToolUse } from "../core/tool.ts";
import { blocksSchema, messagesOf, rulesIn } from "./anthropic-blocks.ts";
import { anthropicError, anthropicForm } from "./anthropic-form.ts";
import { aliasOf, conversationAsk, thinkOf, tokensOf, virtualModels } from "./ask-of.ts";
import { type Dialect, type Endpoint, json } from "./exchange.ts";
import { pageOf } from "./pages.ts";
import { ProxyError } from "./proxy-error.ts";
import { checkedFormat, parseBody, text } from "./read-body.ts";
import { fineSampling, samplingFields, topPField } from "./sampling-fields.ts";
import { toolUseOf, type WantedChoice } from "./tools-of.ts";
import { refuseUnheard } from "./unheard.ts";

export const anthropicDialect: Dialect = { name: "anthropic", errorBody: anthropicError };

const optional = <Value extends z.ZodMiniType>(value: Value) => z.optional(z.nullable(value));
const toolSchema = z.object({
  type: optional(z.string()),
  name: z.string().check(z.minLength(1)),
  description: optional(text),
  input_schema: optional(z.looseObject({})),
});
const choiceSchema = optional(
  z.object({
    type: z.enum(["auto", "any", "tool", "none"]),
    name: z.optional(z.string()),
    disable_parallel_tool_use: optional(z.boolean()),
  }),
);
const promptFields = {
  model: z.string(),
  system: optional(blocksSchema),
  messages: z
    .array(z.object({ role: z.enum(["user", "assistant", "system"]), content: blocksSchema }))
    .check(z.minLength(1), z.maxLength(10_000)),
  tools: optional(z.array(toolSchema)),
  tool_choice: choiceSchema,
};
const countSchema = z.object(promptFields);
const formatSchema = optional(z.object({ type: z.literal("json_schema"), schema: z.looseObject({}) }));
const messagesSchema = z.object({
  ...promptFields,
  max_tokens: z.int().check(z.gt(0)),
  stream: optional(z.boolean()),
  temperature: optional(z.number().check(z.gte(0), z.lte(1))),
  top_p: topPField,
  top_k: samplingFields.top_k,
  stop_sequences: optional(z.array(text)),
  thinking: optional(z.looseObject({ type: z.string() })),
  output_config: optional(z.object({ format: formatSchema, effort: optional(z.string()) })),
  /** As it was called before. */
  output_format: formatSchema,
});
type Prompt = z.infer<typeof countSchema>;

/** @param passesClaude whether Claude itself can be asked through here, where the person has opened that way */
export function anthropicEndpoints(app: App, passesClaude: boolean): Readonly<Record<string, Endpoint>> {
  const since = new Date().toISOString();
  const entry = (id: string, name: string) => ({ type: "model", id, display_name: name, created_at: since });
  const list = async (signal: AbortSignal) => {
    const installed = uniqueModels(await app.models(signal)).filter((each) => each.place !== "cloud");
    const { serviceClaude, maxContextTokens } = app.settings();
    const claude = passesClaude && serviceClaude === "pass" ? cloudModels : [];
    return [
      ...virtualModels.map((name) => entry(aliasOf(name), name)),
      ...installed.map(({ name, contextTokens = maxContextTokens }) => ({
        ...entry(aliasOf(name), name),
        max_input_tokens: Math.min(contextTokens, maxContextTokens),
      })),
      ...claude.map(({ name, title, contextTokens, maxAnswerTokens }) => ({
        ...entry(name, title),
        max_input_tokens: contextTokens,
        max_tokens: maxAnswerTokens,
      })),
    ];
  };
  return {
    "POST /v1/messages": async (body) => {
      refuseUnheard(body, "messages");
      return messagesOutcome(parseBody(messagesSchema, body));
    },
    "POST /v1/messages/count_tokens": async (body) => {
      const request = parseBody(countSchema, body);
      const ask = conversationAsk(saidIn(request), { model: request.model, toolUse: toolUseIn(request) });
      return json({ input_tokens: tokensOf(ask) });
    },
    "GET /v1/models": async (asked, signal) => json(pageOf(await list(signal), asked)),
    "GET /v1/models/*": async (_, signal, name) => {
      const found = (await list(signal)).find(({ id, display_name: own }) => name === id || name === own);
      if (!found) throw new ProxyError(404, "There is no such model here.", { code: "model_not_found" });
      return json(found);
    },
  };
}

function messagesOutcome(request: z.infer<typeof messagesSchema>) {
  const format = (request.output_config?.format ?? request.output_format)?.schema;
  const thinks = request.thinking ? request.thinking.type !== "disabled" : undefined;
  const ask = conversationAsk(saidIn(request), {
    model: request.model,
    temperature: request.temperature,
    topP: request.top_p,
    fine: fineSampling(request),
    maxTokens: request.max_tokens,
    format: format ? checkedFormat(format) : undefined,
    toolUse: toolUseIn(request),
    think: thinks && (thinkOf(request.output_config?.effort) || true),
  });
  return {
    kind: "answer" as const,
    ask,
    streams: request.stream === true,
    stops: request.stop_sequences ?? [],
    form: anthropicForm({ model: request.model, promptTokens: tokensOf(ask), showsThinking: thinks === true }),
  };
}

function saidIn({ system, messages }: Pick<Prompt, "system" | "messages">): readonly ChatMessage[] {
  return [...rulesIn(system), ...messages.flatMap(({ role, content }) => messagesOf(role, content))];
}

/** Tools that Anthropic itself would run have no schema of arguments, and are not offered to a model here. */
function toolUseIn({ tools, tool_choice: choice }: Pick<Prompt, "tools" | "tool_choice">): ToolUse | undefined {
  const given = tools ?? [];
  const own = given.flatMap(({ name, description, input_schema: parameters }): readonly Tool[] => {
    return parameters ? [{ name, ...(description ? { description } : {}), parameters }] : [];
  });
  const [first] = given;
  if (first && own.length === 0) {
    throw new ProxyError(400, `tools: “${first.name.slice(0, 40)}” is run by Anthropic itself and is not here`);
  }
  return toolUseOf(own, choiceOf(choice), choice?.disable_parallel_tool_use !== true);
}

function choiceOf(choice: Prompt["tool_choice"]): WantedChoice {
  if (choice?.type === "none") return { kind: "none" };
  if (choice?.type === "any") return { kind: "required" };
  if (choice?.type === "tool" && choice.name) return { kind: "required", name: choice.name };
  return { kind: "auto" };
}
