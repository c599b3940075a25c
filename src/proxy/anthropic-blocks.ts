// The blocks of Anthropic's messages as messages of ours: results of calls come first, each on its own.
import * as z from "zod/mini";
import type { ChatMessage } from "../core/chat-message.ts";
import { imageData } from "./images.ts";
import { ProxyError } from "./proxy-error.ts";
import { text } from "./read-body.ts";

const sourceSchema = z.looseObject({ type: z.string(), data: z.optional(z.string()), url: z.optional(z.string()) });
const innerSchema = z.object({ type: z.string(), text: z.optional(text), source: z.optional(sourceSchema) });
const blockSchema = z.object({
  ...innerSchema.shape,
  thinking: z.optional(text),
  id: z.optional(z.string()),
  name: z.optional(z.string()),
  input: z.optional(z.record(z.string(), z.unknown())),
  tool_use_id: z.optional(z.string()),
  is_error: z.optional(z.boolean()),
  content: z.optional(z.union([text, z.array(innerSchema)])),
});
export const blocksSchema = z.union([text, z.array(blockSchema)]);
type Block = z.infer<typeof blockSchema>;

/** The texts of the system's rules. */
export function rulesIn(blocks: z.infer<typeof blocksSchema> | null | undefined): readonly ChatMessage[] {
  const rules = typeof blocks === "string" ? [blocks] : (blocks ?? []).map((block) => block.text ?? "");
  // Claude Code's first entry tells Anthropic whom to bill, changes with every version, and says nothing to a model.
  const told = rules.filter((each) => !each.startsWith("x-anthropic-billing-header:"));
  return told.length > 0 ? [{ role: "system", content: told.join("\n") }] : [];
}

/** @throws ProxyError 400 for a block that only Anthropic can read */
export function messagesOf(role: "user" | "assistant" | "system", content: z.infer<typeof blocksSchema>) {
  if (typeof content === "string") return [{ role, content }];
  if (role === "assistant") return [assistantOf(content)];
  const results = content.filter((block) => block.type === "tool_result").map(resultOf);
  const shown = content.flatMap((block) =>
    block.type === "tool_result" && Array.isArray(block.content) ? block.content.flatMap(imageIn) : imageIn(block),
  );
  const said = content.filter((block) => block.type !== "tool_result").flatMap(textIn);
  const isMore = said.length > 0 || shown.length > 0 || results.length === 0;
  const images = shown.length > 0 ? { images: shown } : {};
  return [...results, ...(isMore ? [{ role, content: said.join("\n"), ...images }] : [])];
}

function assistantOf(blocks: readonly Block[]): ChatMessage {
  const thinking = blocks.flatMap((block) => (block.type === "thinking" ? [block.thinking ?? ""] : [])).join("\n");
  const calls = blocks.filter((block) => block.type === "tool_use");
  const others = blocks.filter(({ type }) => !["thinking", "redacted_thinking", "tool_use"].includes(type));
  return {
    role: "assistant",
    content: others.flatMap(textIn).join("\n"),
    ...(thinking === "" ? {} : { thinking }),
    ...(calls.length > 0
      ? { toolCalls: calls.map(({ id = "", name = "", input = {} }) => ({ id, name, arguments: input })) }
      : {}),
  };
}

function resultOf({ tool_use_id: id = "", content = "", is_error: isError }: Block): ChatMessage {
  const said = typeof content === "string" ? content : content.flatMap(textIn).join("\n");
  return { role: "tool", content: isError ? `Error: ${said}` : said, answers: { id, name: "" } };
}

type Inner = z.infer<typeof innerSchema>;

function imageIn({ type, source }: Inner): readonly string[] {
  if (type !== "image") return [];
  if (source?.type === "base64" && source.data) return [imageData(source.data)];
  return [imageData(source?.url ?? "https:")];
}

function textIn({ type, text: said, source }: Inner): readonly string[] {
  if (type === "image") return [];
  if (type === "text") return [said ?? ""];
  if (type === "document" && source?.type === "text") return [source.data ?? ""];
  if (type === "document") throw new ProxyError(400, "messages: documents are read as text only; send their text");
  throw new ProxyError(400, `messages: blocks of the type “${type.slice(0, 40)}” are not supported by this service`);
}
