// A model request as the Messages API of 2026-10-21 takes it: no temperature, no top_p, no answer begun for the model.
import type Anthropic from "@anthropic-ai/sdk";
import type { ModelRequest } from "../core/backend.ts";
import type { ChatMessage } from "../core/chat-message.ts";
import { cloudModels } from "../core/cost.ts";
import { msg } from "../core/message.ts";
import { TaskError } from "../core/task-error.ts";
import type { ToolUse } from "../core/tool.ts";

/** What is counted for a prompt as well as what is asked. */
export type ClaudePrompt = Pick<
  Anthropic.MessageCreateParamsNonStreaming,
  "model" | "messages" | "system" | "thinking" | "output_config" | "tools" | "tool_choice"
>;

/** Of a model that we do not know; those on the list have their own. */
const unknownMaxAnswerTokens = 8192;
/** Writing into the cache costs a quarter more: less than this is not worth it, and below 512 tokens not done at all. */
const worthKeeping = 4_000;
const keep = { cache_control: { type: "ephemeral" as const } };

/** @throws TaskError `bad-input` for a picture in a format that Claude does not read */
export async function claudePrompt(request: ModelRequest): Promise<ClaudePrompt> {
  const isGiven = ({ content, images, toolCalls, role }: ChatMessage) =>
    content.trim() !== "" || (images ?? []).length > 0 || (toolCalls ?? []).length > 0 || role === "tool";
  const given = request.messages.filter(isGiven);
  const system = given.filter((message) => message.role === "system").map((message) => message.content);
  const turns = given.filter((message) => message.role !== "system");
  const isLong = turns.reduce((sum, turn) => sum + turn.content.length, 0) >= worthKeeping;
  const kept = isLong ? turns.findLastIndex((turn) => turn.role === "user") : -1;
  const { thinking, effort } = thinkingOf(request);
  const format = request.format ? await formatOf(request.format) : undefined;
  return {
    model: request.model,
    messages: joinedTurns(turns.map((turn, at) => turnOf(turn, at === kept))),
    ...(request.toolUse ? toolsOf(request.toolUse) : {}),
    // The same rules come with every question of a kind: the next time they are read from the cache.
    ...(system.length > 0 ? { system: [{ type: "text", text: system.join("\n\n"), ...keep }] } : {}),
    ...(thinking ? { thinking } : {}),
    ...(effort || format ? { output_config: { ...(effort ? { effort } : {}), ...(format ? { format } : {}) } } : {}),
  };
}

/** Thinking counts as answer: the limit holds for both together. */
export function maxAnswerTokens({ model, maxTokens }: ModelRequest): number {
  const most = cloudModels.find((each) => each.name === model)?.maxAnswerTokens ?? unknownMaxAnswerTokens;
  return Math.min(maxTokens ?? most, most);
}

interface Thinking {
  readonly thinking?: Anthropic.ThinkingConfigParam;
  readonly effort?: "low";
}

/** All of these models think unless told not to, and each wants to be told in its own way; some cannot be stopped. */
function thinkingOf({ model, think }: ModelRequest): Thinking {
  if (think) return { thinking: { type: "adaptive", display: "summarized" } };
  if (model.startsWith("claude-haiku-5")) return { thinking: { type: "disabled" } };
  if (model.startsWith("claude-sonnet-5-5")) return { thinking: { type: "between_tools" } };
  return cloudModels.some((each) => each.name === model) ? { effort: "low" } : {};
}

/** Lengths and bounds, which Claude's schemas do not have, become words in the description. */
async function formatOf(schema: object): Promise<Anthropic.JSONOutputFormat> {
  const { transformJSONSchema } = await import("@anthropic-ai/sdk/lib/transform-json-schema");
  return { type: "json_schema", schema: { ...transformJSONSchema({ ...schema }) } };
}

function turnOf({ role, content, images, toolCalls, answers }: ChatMessage, isKept: boolean): Anthropic.MessageParam {
  const text: Anthropic.TextBlockParam[] =
    content.trim() === "" ? [] : [{ type: "text", text: content, ...(isKept ? keep : {}) }];
  if (role === "assistant") {
    const calls = (toolCalls ?? []).map(
      ({ id, name, arguments: input }): Anthropic.ToolUseBlockParam => ({ type: "tool_use", id, name, input }),
    );
    return { role, content: [...text, ...calls] };
  }
  if (role === "tool") {
    const result = text.length > 0 ? { content: text } : {};
    return { role: "user", content: [{ type: "tool_result", tool_use_id: answers?.id ?? "", ...result }] };
  }
  const pictures = (images ?? []).map(
    (data): Anthropic.ImageBlockParam => ({
      type: "image",
      source: { type: "base64", media_type: mediaType(data), data },
    }),
  );
  return { role: "user", content: [...pictures, ...text] };
}

/** Results of several calls belong into one turn. */
function joinedTurns(turns: readonly Anthropic.MessageParam[]): Anthropic.MessageParam[] {
  const joined: Anthropic.MessageParam[] = [];
  for (const turn of turns) {
    const last = joined.at(-1);
    const isSame = last?.role === "user" && turn.role === "user";
    if (isSame && Array.isArray(last.content) && Array.isArray(turn.content)) {
      joined[joined.length - 1] = { role: "user", content: [...last.content, ...turn.content] };
    } else joined.push(turn);
  }
  return joined;
}

function toolsOf({ tools, choice, isParallel }: ToolUse): Pick<ClaudePrompt, "tools" | "tool_choice"> {
  const disable = isParallel ? {} : { disable_parallel_tool_use: true };
  const named = choice.kind === "required" ? choice.name : undefined;
  const type = choice.kind === "required" ? "any" : "auto";
  return {
    tools: tools.map(({ name, description, parameters }) => ({
      name,
      ...(description ? { description } : {}),
      input_schema: { type: "object", ...parameters },
    })),
    tool_choice: named === undefined ? { type, ...disable } : { type: "tool", name: named, ...disable },
  };
}

/** By the first bytes of the picture. */
function mediaType(base64: string): Anthropic.Base64ImageSource["media_type"] {
  if (base64.startsWith("iVBORw0KGgo")) return "image/png";
  if (base64.startsWith("/9j/")) return "image/jpeg";
  if (base64.startsWith("R0lGOD")) return "image/gif";
  if (base64.startsWith("UklGR")) return "image/webp";
  throw new TaskError("bad-input", msg("Claude reads pictures as PNG, JPEG, GIF or WebP only."));
}
