// Tools and calls of a request, whatever the dialect.
import type { ChatMessage } from "../core/chat-message.ts";
import { parseJson } from "../core/parse-json.ts";
import type { Tool, ToolCall, ToolChoice, ToolUse } from "../core/tool.ts";
import { ProxyError } from "./proxy-error.ts";
import { checkedFormat } from "./read-body.ts";

export const noSuchTool = "tool_choice: there is no such tool among the tools";

/** As the dialects have it; `none`: the tools are there, and may not be called now. */
export type WantedChoice = ToolChoice | { readonly kind: "none" };

/**
 * Undefined where nothing is to be called.
 * @throws ProxyError 400 for a tool that has to be called and is not there, and for two of the same name
 */
export function toolUseOf(tools: readonly Tool[], choice: WantedChoice, isParallel: boolean): ToolUse | undefined {
  const names = new Set(tools.map((tool) => tool.name));
  if (names.size < tools.length) throw new ProxyError(400, "tools: two of them have the same name");
  if (choice.kind === "required" && (tools.length === 0 || !names.has(choice.name ?? tools[0]?.name ?? ""))) {
    throw new ProxyError(400, noSuchTool, { field: "tool_choice" });
  }
  if (choice.kind === "none" || tools.length === 0) return undefined;
  for (const tool of tools) checkedFormat(tool.parameters, "tools");
  return { tools, choice, isParallel };
}

/** Arguments that come as JSON text. @throws ProxyError 400 */
export function argumentsOf(text: string): ToolCall["arguments"] {
  const value = text.trim() === "" ? {} : parseJson(text);
  if (typeof value === "object" && value !== null && !Array.isArray(value)) return { ...value };
  throw new ProxyError(400, "messages: the arguments of a call are not a JSON object");
}

/**
 * Every result with the call it belongs to: some clients name only the tool, some only the call.
 * @throws ProxyError 400 for the result of a call that was not made
 */
export function linkResults(messages: readonly ChatMessage[]): readonly ChatMessage[] {
  let open: readonly ToolCall[] = [];
  return messages.map((message) => {
    if (message.toolCalls) open = [...open, ...message.toolCalls];
    if (message.role !== "tool") return message;
    const { id = "", name = "" } = message.answers ?? {};
    const isNamed = id !== "" || name !== "";
    const call = isNamed ? open.find((each) => each.id === id || (id === "" && each.name === name)) : open[0];
    if (!call) throw new ProxyError(400, "messages: the result of a call that no message before it made");
    open = open.filter((each) => each !== call);
    return { ...message, answers: { id: call.id, name: call.name } };
  });
}
