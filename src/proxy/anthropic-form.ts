// An answer as Anthropic's messages have it: blocks, and events in the one order clients accept.
import { randomUUID } from "node:crypto";
import type { ToolCall } from "../core/tool.ts";
import type { AnswerForm, Ending, Piece } from "./exchange.ts";
import type { ProxyError } from "./proxy-error.ts";

export function anthropicError(error: ProxyError) {
  return {
    type: "error",
    error: { type: typeOf(error.status), message: messageOf(error) },
    request_id: `req_${randomUUID().replaceAll("-", "")}`,
  };
}

function typeOf(status: number): string {
  const types: Readonly<Record<number, string>> = {
    401: "authentication_error",
    403: "permission_error",
    404: "not_found_error",
    413: "request_too_large",
    429: "rate_limit_error",
    503: "overloaded_error",
    504: "timeout_error",
  };
  return types[status] ?? (status < 500 ? "invalid_request_error" : "api_error");
}

/** Clients look for these very words to make a conversation shorter and ask again. */
function messageOf({ message, details }: ProxyError): string {
  const { code, promptTokens, contextTokens } = details;
  if (code !== "context_length_exceeded" || promptTokens === undefined || contextTokens === undefined) return message;
  return `prompt is too long: ${promptTokens} tokens > ${contextTokens} maximum. ${message}`;
}

const event = (type: string, value: object) => `event: ${type}\ndata: ${JSON.stringify({ type, ...value })}\n\n`;

export interface FormOptions {
  readonly model: string;
  /** Told at the beginning, where the server has not counted yet. */
  readonly promptTokens: number;
  /** Whether the client wants to see what the model thinks. */
  readonly showsThinking: boolean;
}

export function anthropicForm({ model, promptTokens, showsThinking }: FormOptions): AnswerForm {
  const id = `msg_${randomUUID().replaceAll("-", "")}`;
  const blocks = createBlocks();
  const message = (content: readonly object[], usage: object) => ({
    id,
    type: "message",
    role: "assistant",
    model,
    content,
    stop_reason: null,
    stop_sequence: null,
    usage,
  });
  return {
    streamType: "text/event-stream",
    beat: () => event("ping", {}),
    open: () => event("message_start", { message: message([], { input_tokens: promptTokens, output_tokens: 0 }) }),
    piece: (piece) => (piece.kind === "thinking" && !showsThinking ? "" : blocks.piece(piece)),
    close: (ending) =>
      blocks.end() +
      event("message_delta", { delta: stopOf(ending), usage: usageOf(ending) }) +
      event("message_stop", {}),
    failure: (error) => event("error", anthropicError(error)),
    whole({ text, thinking, calls, ending }) {
      const thought = showsThinking && thinking !== "" ? [{ type: "thinking", thinking, signature: "" }] : [];
      const said = text !== "" || calls.length === 0 ? [{ type: "text", text }] : [];
      const content = [...thought, ...said, ...calls.map((call) => toolUse(call, call.arguments))];
      return { ...message(content, usageOf(ending)), ...stopOf(ending) };
    },
  };
}

/** Ids of calls are shorter here, and begin so. */
function toolUse({ id, name }: ToolCall, input: object): object {
  return { type: "tool_use", id: id.startsWith("toolu_") ? id : id.replace(/^call_/, "toolu_"), name, input };
}

/** One block after the other, each opened and closed once. */
function createBlocks() {
  let index = -1;
  let open: "text" | "thinking" | undefined;
  const close = () => {
    if (open === undefined) return "";
    // No local model can sign what it thought; the signature is there, and empty.
    const signed =
      open === "thinking"
        ? event("content_block_delta", { index, delta: { type: "signature_delta", signature: "" } })
        : "";
    open = undefined;
    return signed + event("content_block_stop", { index });
  };
  const begin = (block: object) => event("content_block_start", { index: ++index, content_block: block });
  const text = (kind: "text" | "thinking", said: string) => {
    const empty = kind === "text" ? { type: "text", text: "" } : { type: "thinking", thinking: "", signature: "" };
    const before = open === kind ? "" : close() + begin(empty);
    open = kind;
    const delta = kind === "text" ? { type: "text_delta", text: said } : { type: "thinking_delta", thinking: said };
    return before + event("content_block_delta", { index, delta });
  };
  const call = (made: ToolCall) => {
    const before = close() + begin(toolUse(made, {}));
    const delta = { type: "input_json_delta", partial_json: JSON.stringify(made.arguments) };
    return before + event("content_block_delta", { index, delta }) + event("content_block_stop", { index });
  };
  return {
    piece: (piece: Piece) => (piece.kind === "tool-call" ? call(piece.call) : text(piece.kind, piece.text)),
    /** An answer has a block at least, be it an empty one. */
    end: () => (index < 0 ? begin({ type: "text", text: "" }) + event("content_block_stop", { index }) : close()),
  };
}

function stopOf({ finish, stopSequence }: Ending): object {
  const reasons = {
    stop: "end_turn",
    length: "max_tokens",
    "stop-sequence": "stop_sequence",
    "tool-calls": "tool_use",
  };
  return { stop_reason: reasons[finish], stop_sequence: stopSequence ?? null };
}

function usageOf({ promptTokens, answerTokens }: Ending): object {
  return { input_tokens: promptTokens, output_tokens: answerTokens };
}
