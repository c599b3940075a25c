// The items of OpenAI's responses as messages: calls that stand one after the other belong to one message.
import * as z from "zod/mini";
import type { ChatMessage } from "../core/chat-message.ts";
import type { ToolCall } from "../core/tool.ts";
import { imageData } from "./images.ts";
import { ProxyError } from "./proxy-error.ts";
import { parseBody, text } from "./read-body.ts";
import { argumentsOf } from "./tools-of.ts";

const partSchema = z.object({
  type: z.string(),
  text: z.optional(text),
  refusal: z.optional(text),
  image_url: z.optional(z.nullable(z.string())),
});
type Part = z.infer<typeof partSchema>;
const contentSchema = z.union([text, z.array(partSchema)]);
const messageSchema = z.object({
  role: z.enum(["system", "developer", "user", "assistant"]),
  content: contentSchema,
});
const callSchema = z.object({
  call_id: z.string(),
  name: z.string(),
  arguments: z.optional(text),
  input: z.optional(text),
});
const resultSchema = z.object({ call_id: z.string(), output: contentSchema });

/** @throws ProxyError 400 for an item that only OpenAI can read */
export function messagesOf(input: string | readonly object[]): readonly ChatMessage[] {
  if (typeof input === "string") return [{ role: "user", content: input }];
  const messages: ChatMessage[] = [];
  for (const item of input) {
    const type = "type" in item && typeof item.type === "string" ? item.type : "message";
    switch (type) {
      case "message":
        messages.push(messageOf(parseBody(messageSchema, item)));
        break;
      case "function_call":
      case "custom_tool_call":
        addCall(messages, callOf(parseBody(callSchema, item)));
        break;
      case "function_call_output":
      case "custom_tool_call_output":
        messages.push(...resultOf(parseBody(resultSchema, item)));
        break;
      case "reasoning":
        break;
      default:
        throw new ProxyError(400, `input: items of the type “${type.slice(0, 40)}” are not supported by this service`);
    }
  }
  return messages;
}

function messageOf({ role, content }: z.infer<typeof messageSchema>): ChatMessage {
  return { role: role === "developer" ? "system" : role, ...saidIn(content) };
}

function saidIn(content: z.infer<typeof contentSchema>): Pick<ChatMessage, "content" | "images"> {
  if (typeof content === "string") return { content };
  const images = content.flatMap(({ type, image_url: url }) => (type === "input_image" && url ? [imageData(url)] : []));
  const said = content.flatMap(textIn).join("\n");
  return images.length > 0 ? { content: said, images } : { content: said };
}

function textIn({ type, text: said, refusal, image_url: url }: Part): readonly string[] {
  if (type === "input_image" && url) return [];
  if (["input_text", "output_text", "text", "refusal"].includes(type)) return [said ?? refusal ?? ""];
  throw new ProxyError(400, `input: parts of the type “${type.slice(0, 40)}” are not supported; send text or images`);
}

function callOf({ call_id: id, name, arguments: given, input }: z.infer<typeof callSchema>): ToolCall {
  return { id, name, arguments: input === undefined ? argumentsOf(given ?? "") : { input } };
}

function addCall(messages: ChatMessage[], call: ToolCall): void {
  const last = messages.at(-1);
  if (last?.role === "assistant") {
    messages[messages.length - 1] = { ...last, toolCalls: [...(last.toolCalls ?? []), call] };
  } else messages.push({ role: "assistant", content: "", toolCalls: [call] });
}

/** Pictures that a call came to are shown by a message after it: the result itself is text. */
function resultOf({ call_id: id, output }: z.infer<typeof resultSchema>): readonly ChatMessage[] {
  const { content, images } = saidIn(output);
  const result: ChatMessage = { role: "tool", content, answers: { id, name: "" } };
  return images ? [result, { role: "user", content: "", images }] : [result];
}
