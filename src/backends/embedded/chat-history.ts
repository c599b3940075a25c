// A conversation as the library's chat wrappers take it: what a call came to stands in the answer that made it.
import type {
  ChatHistoryItem,
  ChatModelFunctionCall,
  ChatModelFunctions,
  ChatModelResponse,
  ChatWrapperSettings,
  LlamaText,
} from "node-llama-cpp";
import type { CallSyntax } from "../../core/tool-text.ts";
import type { EngineMessage, EngineTool } from "./requests.ts";

type Said = Pick<EngineMessage, "role" | "content" | "tool_calls" | "tool_name" | "tool_call_id">;

/** Ends with the answer that is to be written: a new one, one that is begun, or the one whose calls have their results now. */
export function chatHistory(messages: readonly Said[]): ChatHistoryItem[] {
  const items: ChatHistoryItem[] = [];
  /** Calls that wait for their results, with the ids they were given. */
  let open: { readonly id: string; readonly call: ChatModelFunctionCall }[] = [];
  let answer: ChatModelResponse | undefined;
  for (const { role, content = "", tool_calls: calls = [], tool_name: name, tool_call_id: id } of messages) {
    if (role === "tool") {
      const at = Math.max(
        0,
        open.findIndex((each) => each.id === id || (!id && each.call.name === name)),
      );
      const [found] = open.splice(at, 1);
      if (found) found.call.result = content;
      continue;
    }
    if (role !== "assistant") {
      answer = undefined;
      items.push(role === "system" ? { type: "system", text: content } : { type: "user", text: content });
      continue;
    }
    if (!answer) {
      answer = { type: "model", response: [] };
      items.push(answer);
    }
    if (content !== "") answer.response.push(content);
    const made = calls.map(({ id: callId = "", function: { name: tool, arguments: params } }) => ({
      id: callId,
      call: { type: "functionCall" as const, name: tool, params, result: undefined },
    }));
    answer.response.push(...made.map(({ call }) => call));
    open = made;
  }
  const last = messages.at(-1);
  const isBegun = last?.role === "assistant" && last.content && !last.tool_calls?.length;
  const goesOn = answer && (last?.role === "tool" || isBegun);
  return goesOn ? items : [...items, { type: "model", response: [] }];
}

export function availableFunctions(tools: readonly EngineTool[]): ChatModelFunctions {
  return Object.fromEntries(
    tools.map(({ name, description, parameters }) => [
      name,
      // The wrappers only write the schema down; what they do not know of it is for the model to read.
      { ...(description ? { description } : {}), ...(parameters ? { params: parameters as never } : {}) },
    ]),
  );
}

/** @param toText of a piece of a template, its special tokens as text */
export function callSyntax(
  { functions: { call } }: ChatWrapperSettings,
  toText: (piece: string | LlamaText) => string,
): CallSyntax {
  return {
    prefix: toText(call.prefix).trim(),
    paramsPrefix: toText(call.paramsPrefix).split("{{functionName}}").at(-1) ?? "",
    suffix: toText(call.suffix),
  };
}
