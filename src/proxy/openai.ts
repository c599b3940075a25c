// OpenAI's API: chat completions, completions and models. Responses have a file of their own.

import * as z from "zod/mini";
import type { App } from "../core/app.ts";
import type { ChatMessage } from "../core/chat-message.ts";
import { uniqueModels } from "../core/model-places.ts";
import { conversationAsk, thinkOf, virtualModels } from "./ask-of.ts";
import { openaiEmbeddingEndpoints } from "./embeddings.ts";
import { type Dialect, type Endpoint, json } from "./exchange.ts";
import { imageData } from "./images.ts";
import {
  choiceSchema,
  formatIn,
  functionSchema,
  jsonSchemaFormat,
  optional,
  toolOf,
  toolUseIn,
} from "./openai-fields.ts";
import { completionForm, openaiError, openaiForm } from "./openai-form.ts";
import { responsesEndpoint } from "./openai-responses.ts";
import { ProxyError } from "./proxy-error.ts";
import { parseBody, text } from "./read-body.ts";
import { fineSampling, samplingFields, topPField } from "./sampling-fields.ts";
import { argumentsOf } from "./tools-of.ts";
import { refuseUnheard } from "./unheard.ts";

export const openaiDialect: Dialect = { name: "openai", errorBody: openaiError };

const partSchema = z.object({
  type: z.string(),
  text: z.optional(text),
  refusal: z.optional(text),
  image_url: z.optional(z.union([z.string(), z.object({ url: z.string() })])),
});
const contentSchema = optional(z.union([text, z.array(partSchema)]));
const callSchema = z.object({
  id: z.string(),
  function: z.object({ name: z.string(), arguments: text }),
});
const messageSchema = z.object({
  role: z.enum(["system", "developer", "user", "assistant", "tool"]),
  content: contentSchema,
  reasoning_content: optional(text),
  tool_calls: optional(z.array(callSchema)),
  tool_call_id: optional(z.string()),
});
/** Some say -1 for “as many as there are”. */
const count = z.union([z.literal(-1), z.int().check(z.gt(0))]);
const shared = {
  model: z.optional(z.string()),
  stream: optional(z.boolean()),
  stream_options: optional(z.object({ include_usage: optional(z.boolean()) })),
  temperature: optional(z.number().check(z.gte(0), z.lte(2))),
  top_p: topPField,
  ...samplingFields,
  max_tokens: optional(count),
  n: optional(z.int()),
  best_of: optional(z.int()),
  stop: optional(z.union([text, z.array(text)])),
};
const chatSchema = z.object({
  ...shared,
  messages: z.array(messageSchema).check(z.minLength(1), z.maxLength(10_000)),
  max_completion_tokens: optional(count),
  tools: optional(z.array(z.object({ function: functionSchema }))),
  tool_choice: choiceSchema,
  parallel_tool_calls: optional(z.boolean()),
  reasoning_effort: optional(z.string()),
  reasoning: optional(z.object({ effort: optional(z.string()) })),
  prompt_cache_key: optional(z.string()),
  /** vLLM's and llama.cpp's words for whether an answer that is begun goes on. */
  continue_final_message: optional(z.union([z.boolean(), z.string()])),
  add_generation_prompt: optional(z.boolean()),
  response_format: optional(
    z.union([
      z.object({ type: z.literal("json_schema"), json_schema: z.omit(jsonSchemaFormat, { type: true }) }),
      z.object({ type: z.enum(["text", "json_object"]), schema: optional(z.looseObject({})) }),
    ]),
  ),
});
type ChatRequest = z.infer<typeof chatSchema>;
const completionSchema = z.object({
  ...shared,
  prompt: z.union([text, z.array(text).check(z.length(1))], "one text; token ids are not read here"),
});

export function openaiEndpoints(app: App): Readonly<Record<string, Endpoint>> {
  const created = Math.floor(Date.now() / 1000);
  const entry = (id: string, owner: string) => ({ id, object: "model", created, owned_by: owner });
  const list = async (signal: AbortSignal) => [
    ...virtualModels.map((name) => entry(name, "switchyard")),
    ...uniqueModels(await app.models(signal))
      .filter((each) => each.place !== "cloud")
      .map((each) => entry(each.name, "local")),
  ];
  return {
    "GET /v1/models": async (_, signal) => json({ object: "list", data: await list(signal) }),
    "GET /v1/models/*": async (_, signal, name) => {
      const found = (await list(signal)).find((each) => each.id === name);
      if (!found) throw new ProxyError(404, "There is no such model here.", { code: "model_not_found" });
      return json(found);
    },
    "POST /v1/chat/completions": async (body) => {
      refuseUnheard(body, "chat");
      return chatOutcome(parseBody(chatSchema, body));
    },
    "POST /v1/completions": async (body) => {
      refuseUnheard(body, "completions");
      return completionOutcome(parseBody(completionSchema, body));
    },
    "POST /v1/responses": responsesEndpoint,
    ...openaiEmbeddingEndpoints(app),
  };
}

function chatOutcome(request: ChatRequest) {
  refuseSeveral(request);
  refuseOtherEnd(request);
  const tools = (request.tools ?? []).map((tool) => toolOf(tool.function));
  const { response_format: format } = request;
  const ask = conversationAsk(request.messages.map(saidIn), {
    model: request.model,
    temperature: request.temperature,
    topP: request.top_p,
    fine: fineSampling(request),
    maxTokens: request.max_completion_tokens ?? request.max_tokens,
    format: formatIn(format && "json_schema" in format ? { ...format, ...format.json_schema } : format),
    toolUse: toolUseIn(tools, request.tool_choice, request.parallel_tool_calls),
    think: thinkOf(request.reasoning_effort ?? request.reasoning?.effort),
    conversation: request.prompt_cache_key,
  });
  return {
    kind: "answer" as const,
    ask,
    streams: request.stream === true,
    stops: [request.stop ?? []].flat(),
    form: openaiForm(request.model, request.stream_options?.include_usage === true),
  };
}

/** An answer that is begun goes on; what is asked for beside that cannot be had. */
function refuseOtherEnd({ messages, continue_final_message: goesOn, add_generation_prompt: isNew }: ChatRequest): void {
  const isBegun = messages.at(-1)?.role === "assistant";
  if (goesOn && !isBegun) {
    throw new ProxyError(400, "continue_final_message: the last message is not the assistant’s", {
      field: "continue_final_message",
    });
  }
  if (isBegun && (goesOn === false || isNew)) {
    throw new ProxyError(400, "messages: for a new answer let the last one be the user’s", { field: "messages" });
  }
}

/** With which editors ask for what stands between two texts: in a question they would be answered like any other words. */
const gapMark = /<\|?fim[_-](?:prefix|begin|suffix|hole|middle)\|?>|<｜fim▁begin｜>/;
const gapMarks = [
  ["<PRE>", "<SUF>"],
  ["[SUFFIX]", "[PREFIX]"],
] as const;
const hasGap = (prompt: string) =>
  gapMark.test(prompt) || gapMarks.some((marks) => marks.every((mark) => prompt.includes(mark)));
const noGaps =
  "what stands between two texts is not filled in here; set your editor’s completions to the model server itself";

/** Models of today are made for conversations: the text is a question of one. */
function completionOutcome(request: z.infer<typeof completionSchema>) {
  refuseSeveral(request);
  const prompt = [request.prompt].flat()[0] ?? "";
  if (hasGap(prompt)) {
    throw new ProxyError(400, `prompt: ${noGaps}`, { field: "prompt" });
  }
  const ask = conversationAsk([{ role: "user", content: prompt }], {
    model: request.model,
    temperature: request.temperature,
    topP: request.top_p,
    fine: fineSampling(request),
    maxTokens: request.max_tokens,
  });
  return {
    kind: "answer" as const,
    ask,
    streams: request.stream === true,
    stops: [request.stop ?? []].flat(),
    form: completionForm(request.model, request.stream_options?.include_usage === true),
  };
}

function refuseSeveral({
  n,
  best_of: best,
}: {
  readonly n?: number | null | undefined;
  readonly best_of?: number | null | undefined;
}): void {
  if ((n ?? 1) !== 1) throw new ProxyError(400, "n: only one answer at a time", { field: "n" });
  if ((best ?? 1) !== 1) throw new ProxyError(400, "best_of: only one answer at a time", { field: "best_of" });
}

function saidIn(message: ChatRequest["messages"][number]): ChatMessage {
  const { role, content, tool_calls: calls, reasoning_content: thinking } = message;
  const parts = typeof content === "string" ? [{ type: "text", text: content }] : (content ?? []);
  const images = parts.flatMap(imageIn);
  return {
    role: role === "developer" ? "system" : role,
    content: parts.flatMap(textIn).join("\n"),
    ...(images.length > 0 ? { images } : {}),
    ...(thinking ? { thinking } : {}),
    ...(calls?.length ? { toolCalls: calls.map(callOf) } : {}),
    ...(role === "tool" ? { answers: { id: message.tool_call_id ?? "", name: "" } } : {}),
  };
}

const callOf = ({ id, function: made }: z.infer<typeof callSchema>) => ({
  id,
  name: made.name,
  arguments: argumentsOf(made.arguments),
});

type Part = z.infer<typeof partSchema>;

function imageIn({ image_url: image }: Part): readonly string[] {
  if (image === undefined) return [];
  return [imageData(typeof image === "string" ? image : image.url)];
}

function textIn({ type, text: said, refusal, image_url: image }: Part): readonly string[] {
  if (image !== undefined) return [];
  if (type === "text" || type === "refusal") return [said ?? refusal ?? ""];
  throw new ProxyError(
    400,
    `messages: parts of the type “${type.slice(0, 40)}” are not supported; send text or images`,
  );
}
