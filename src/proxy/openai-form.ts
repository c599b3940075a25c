// An answer in OpenAI's chat completions: whole, or as server-sent events.
import { randomUUID } from "node:crypto";
import type { ToolCall } from "../core/tool.ts";
import { modelNamed } from "./ask-of.ts";
import type { AnswerForm, Ending, Piece } from "./exchange.ts";
import type { ProxyError } from "./proxy-error.ts";

export function openaiError({ message, status, details }: ProxyError) {
  return { error: { message, type: typeOf(status), param: details.field || null, code: details.code ?? null } };
}

function typeOf(status: number): string {
  if (status === 401) return "authentication_error";
  if (status === 403) return "permission_error";
  if (status === 429) return "rate_limit_error";
  return status < 500 ? "invalid_request_error" : "server_error";
}

export const event = (value: object) => `data: ${JSON.stringify(value)}\n\n`;

export function openaiForm(asked: string | undefined, tellsUsage: boolean): AnswerForm {
  const id = `chatcmpl-${randomUUID()}`;
  const created = Math.floor(Date.now() / 1000);
  const named = modelNamed(asked).model;
  let model = named ?? asked ?? "switchyard/auto";
  let calls = 0;
  const head = (object: string) => ({ id, object, created, model });
  const chunk = (delta: object, finish: string | null = null) =>
    event({
      ...head("chat.completion.chunk"),
      choices: [{ index: 0, delta, logprobs: null, finish_reason: finish }],
      ...(tellsUsage ? { usage: null } : {}),
    });
  return {
    streamType: "text/event-stream",
    beat: () => ": waiting\n\n",
    open(route) {
      if (route) model = named ?? route.model;
      return chunk({ role: "assistant", content: "" });
    },
    piece: (piece) => (piece.kind === "tool-call" ? callChunks(piece.call, calls++, chunk) : chunk(deltaOf(piece))),
    close: (ending) =>
      chunk({}, finishOf(ending)) +
      (tellsUsage ? event({ ...head("chat.completion.chunk"), choices: [], usage: usageOf(ending) }) : "") +
      "data: [DONE]\n\n",
    failure: (error) => event(openaiError(error)),
    whole({ text: said, thinking, calls: made, ending, route }) {
      if (route) model = named ?? route.model;
      const message = {
        role: "assistant",
        content: said === "" && made.length > 0 ? null : said,
        refusal: null,
        ...(thinking ? { reasoning_content: thinking } : {}),
        ...(made.length > 0 ? { tool_calls: made.map(callOf) } : {}),
      };
      return {
        ...head("chat.completion"),
        choices: [{ index: 0, message, logprobs: null, finish_reason: finishOf(ending) }],
        usage: usageOf(ending),
      };
    },
  };
}

function deltaOf(piece: Exclude<Piece, { kind: "tool-call" }>): object {
  return piece.kind === "text" ? { content: piece.text } : { reasoning_content: piece.text };
}

const callOf = ({ id, name, arguments: args }: ToolCall) => ({
  id,
  type: "function",
  function: { name, arguments: JSON.stringify(args) },
});

/** As OpenAI sends them: first who is called, then with what. */
function callChunks(call: ToolCall, index: number, chunk: (delta: object) => string): string {
  const { id, type, function: made } = callOf(call);
  return (
    chunk({ tool_calls: [{ index, id, type, function: { name: made.name, arguments: "" } }] }) +
    chunk({ tool_calls: [{ index, function: { arguments: made.arguments } }] })
  );
}

function finishOf({ finish }: Ending): string {
  if (finish === "tool-calls") return "tool_calls";
  return finish === "length" ? "length" : "stop";
}

export function usageOf({ promptTokens, answerTokens }: Ending): object {
  return {
    prompt_tokens: promptTokens,
    completion_tokens: answerTokens,
    total_tokens: promptTokens + answerTokens,
  };
}

/** The older completions: a text goes on. */
export function completionForm(asked: string | undefined, tellsUsage: boolean): AnswerForm {
  const id = `cmpl-${randomUUID()}`;
  const created = Math.floor(Date.now() / 1000);
  const named = modelNamed(asked).model;
  let model = named ?? asked ?? "switchyard/auto";
  const whole = (text: string, finish: string | null) => ({
    id,
    object: "text_completion",
    created,
    model,
    choices: [{ index: 0, text, logprobs: null, finish_reason: finish }],
  });
  return {
    streamType: "text/event-stream",
    beat: () => ": waiting\n\n",
    open(route) {
      if (route) model = named ?? route.model;
      return "";
    },
    piece: (piece) => (piece.kind === "text" ? event(whole(piece.text, null)) : ""),
    close: (ending) =>
      event(whole("", finishOf(ending))) +
      (tellsUsage ? event({ ...whole("", null), choices: [], usage: usageOf(ending) }) : "") +
      "data: [DONE]\n\n",
    failure: (error) => event(openaiError(error)),
    whole({ text, ending, route }) {
      if (route) model = named ?? route.model;
      return { ...whole(text, finishOf(ending)), usage: usageOf(ending) };
    },
  };
}
