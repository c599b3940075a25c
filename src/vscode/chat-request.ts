// A conversation of the editor's own chat as an ask: word for word, with its tools and pictures.
import * as vscode from "vscode";
import type { ChatMessage } from "../core/chat-message.ts";
import { msg } from "../core/message.ts";
import type { Ask } from "../core/task.ts";
import { TaskError } from "../core/task-error.ts";
import type { ToolUse } from "../core/tool.ts";

/** @param model undefined: routed */
export function askOfChat(
  messages: readonly vscode.LanguageModelChatRequestMessage[],
  { tools = [], toolMode }: vscode.ProvideLanguageModelChatResponseOptions,
  model: string | undefined,
): Ask {
  const names = new Map<string, string>();
  const said = messages.flatMap((message) => messagesOf(message, names));
  const text = said.findLast((message) => message.role === "user")?.content ?? "";
  if (said.length === 0) throw new TaskError("bad-input", msg("There is nothing to answer."));
  const toolUse: ToolUse = {
    tools: tools.map(({ name, description, inputSchema }) => ({
      name,
      description,
      parameters: inputSchema ?? { type: "object" },
    })),
    choice: { kind: toolMode === vscode.LanguageModelChatToolMode.Required ? "required" : "auto" },
    isParallel: false,
  };
  return {
    ...(model === undefined ? {} : { model }),
    text,
    sources: [],
    history: [],
    ownPrompt: { system: "", messages: said, ...(tools.length > 0 ? { toolUse } : {}) },
  };
}

/** One of theirs can hold several of ours: each result of a call is a message of its own. */
function messagesOf(message: vscode.LanguageModelChatRequestMessage, names: Map<string, string>): ChatMessage[] {
  const parts = message.content;
  const content = textOf(parts);
  if (message.role === vscode.LanguageModelChatMessageRole.Assistant) {
    const toolCalls = parts
      .filter((part) => part instanceof vscode.LanguageModelToolCallPart)
      .map((part) => ({ id: part.callId, name: part.name, arguments: { ...part.input } }));
    for (const { id, name } of toolCalls) names.set(id, name);
    return content === "" && toolCalls.length === 0
      ? []
      : [{ role: "assistant", content, ...(toolCalls.length > 0 ? { toolCalls } : {}) }];
  }
  const results = parts
    .filter((part) => part instanceof vscode.LanguageModelToolResultPart)
    .map(
      (part): ChatMessage => ({
        role: "tool",
        content: textOf(part.content),
        answers: { id: part.callId, name: names.get(part.callId) ?? "" },
      }),
    );
  const images = parts
    .filter((part) => part instanceof vscode.LanguageModelDataPart)
    .filter((part) => part.mimeType.startsWith("image/"))
    .map((part) => Buffer.from(part.data).toString("base64"));
  const isSaid = content !== "" || images.length > 0;
  return [
    ...results,
    ...(isSaid ? [{ role: "user" as const, content, ...(images.length > 0 ? { images } : {}) }] : []),
  ];
}

export function textOf(parts: readonly unknown[]): string {
  return parts.map((part) => (part instanceof vscode.LanguageModelTextPart ? part.value : "")).join("");
}
