import type { ToolCall } from "./tool.ts";

export interface ChatMessage {
  /** `tool`: what a call came to. */
  readonly role: "system" | "user" | "assistant" | "tool";
  readonly content: string;
  /** Base64 without a `data:` prefix. */
  readonly images?: readonly string[];
  /** What the model thought before this, where it is to be reminded of it (`assistant`). */
  readonly thinking?: string;
  /** Calls the model made (`assistant`). */
  readonly toolCalls?: readonly ToolCall[];
  /** The call this is the result of (`tool`). */
  readonly answers?: Pick<ToolCall, "id" | "name">;
}

/** Whether an answer is begun that the model is to go on with: the last word is the assistant's. */
export function isAnswerBegun(messages: readonly ChatMessage[]): boolean {
  return messages.at(-1)?.role === "assistant";
}
