// OpenAI's responses, without memory: the client sends the whole conversation each time.
import * as z from "zod/mini";
import type { ChatMessage } from "../core/chat-message.ts";
import type { Tool } from "../core/tool.ts";
import { conversationAsk, thinkOf } from "./ask-of.ts";
import type { Endpoint } from "./exchange.ts";
import { choiceSchema, formatIn, jsonSchemaFormat, optional, toolOf, toolUseIn } from "./openai-fields.ts";
import { messagesOf } from "./openai-items.ts";
import { ResponsesForm } from "./openai-responses-form.ts";
import { ProxyError } from "./proxy-error.ts";
import { parseBody, text } from "./read-body.ts";
import { fineSampling, samplingFields, topPField } from "./sampling-fields.ts";
import { refuseUnheard } from "./unheard.ts";

const toolSchema = z.object({
  type: z.string(),
  name: z.optional(z.string()),
  description: optional(text),
  parameters: optional(z.looseObject({})),
});
const requestSchema = z.object({
  model: z.optional(z.string()),
  input: z.union([text, z.array(z.looseObject({})).check(z.minLength(1), z.maxLength(10_000))], "a text or items"),
  instructions: optional(text),
  stream: optional(z.boolean()),
  temperature: optional(z.number().check(z.gte(0), z.lte(2))),
  top_p: topPField,
  ...samplingFields,
  max_output_tokens: optional(z.int().check(z.gt(0))),
  tools: optional(z.array(toolSchema)),
  tool_choice: choiceSchema,
  parallel_tool_calls: optional(z.boolean()),
  text: optional(
    z.object({ format: optional(z.union([jsonSchemaFormat, z.object({ type: z.enum(["text", "json_object"]) })])) }),
  ),
  reasoning: optional(z.object({ effort: optional(z.string()) })),
  metadata: optional(z.record(z.string(), z.string())),
  prompt_cache_key: optional(z.string()),
  include: optional(z.array(z.string())),
});

export const responsesEndpoint: Endpoint = async (body) => {
  refuseUnheard(body, "responses");
  const request = parseBody(requestSchema, body);
  if (request.include?.includes(likelihood)) refuseUnheard({ top_logprobs: 1 }, "responses");
  const given = request.tools ?? [];
  const custom = new Set(given.flatMap(({ type, name }) => (type === "custom" && name ? [name] : [])));
  const tools = toolsOf(given);
  const rules: readonly ChatMessage[] = request.instructions ? [{ role: "system", content: request.instructions }] : [];
  const ask = conversationAsk([...rules, ...messagesOf(request.input)], {
    model: request.model,
    temperature: request.temperature,
    topP: request.top_p,
    fine: fineSampling(request),
    maxTokens: request.max_output_tokens,
    format: formatIn(request.text?.format),
    toolUse: toolUseIn(tools, request.tool_choice, request.parallel_tool_calls),
    think: thinkOf(request.reasoning?.effort),
    conversation: request.prompt_cache_key,
  });
  const echo = {
    instructions: request.instructions ?? null,
    max_output_tokens: request.max_output_tokens ?? null,
    metadata: request.metadata ?? {},
    parallel_tool_calls: request.parallel_tool_calls ?? true,
    previous_response_id: null,
    reasoning: { effort: request.reasoning?.effort ?? null, summary: null },
    store: false,
    temperature: request.temperature ?? null,
    text: { format: request.text?.format ?? { type: "text" } },
    tool_choice: request.tool_choice ?? "auto",
    tools: given.filter(({ name }) => tools.some((tool) => tool.name === name)),
    top_p: request.top_p ?? null,
    truncation: "disabled",
  };
  const form = new ResponsesForm({ asked: request.model, echo, custom });
  return { kind: "answer", ask, streams: request.stream === true, stops: [], form };
};

const likelihood = "message.output_text.logprobs";

/** A custom tool takes a text, and is offered as a function of one. What only OpenAI itself could do is not offered. */
function toolsOf(given: readonly z.infer<typeof toolSchema>[]): readonly Tool[] {
  const tools = given.flatMap(({ type, name, description, parameters }): readonly Tool[] => {
    if (!name) return [];
    if (type === "function") return [toolOf({ name, description, parameters })];
    return type === "custom" ? [{ ...toolOf({ name, description, parameters: customParameters }) }] : [];
  });
  const [first] = given;
  if (first && tools.length === 0) {
    throw new ProxyError(400, `tools: “${first.type.slice(0, 40)}” is done by OpenAI itself and is not here`);
  }
  return tools;
}

const customParameters = { type: "object", properties: { input: { type: "string" } }, required: ["input"] };
