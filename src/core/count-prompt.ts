// Tokens of a whole prompt: what was said, calls, pictures, and the tools that are offered.
import type { ModelRequest } from "./backend.ts";
import type { ChatMessage } from "./chat-message.ts";
import { estimateTokens } from "./estimate-tokens.ts";

/** What of a request is read by the model. */
export type CountedPrompt = Pick<ModelRequest, "messages" | "toolUse">;

/** Tokens that a chat template puts around each message. */
const messageOverheadTokens = 8;
/** Tokens of a picture: models differ, from 256 to some thousands. */
export const imageTokens = 1600;

export function countPrompt(
  { messages, toolUse }: CountedPrompt,
  count: (text: string) => number = estimateTokens,
): number {
  const tools = toolUse ? count(JSON.stringify(toolUse.tools)) : 0;
  return messages.reduce((sum, message) => sum + countMessage(message, count), tools);
}

function countMessage({ content, thinking, toolCalls, images }: ChatMessage, count: (text: string) => number): number {
  const calls = toolCalls ? count(JSON.stringify(toolCalls)) : 0;
  const thought = thinking ? count(thinking) : 0;
  return count(content) + thought + calls + (images?.length ?? 0) * imageTokens + messageOverheadTokens;
}
