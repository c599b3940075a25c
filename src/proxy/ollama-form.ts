// An answer in Ollama's API: one JSON object a line, the last one with the figures.
import type { ToolCall } from "../core/tool.ts";
import { modelNamed } from "./ask-of.ts";
import type { AnswerForm, Ending, Piece } from "./exchange.ts";

/** The part of a line that holds what is said: it differs between chat and generate, which knows no tools. */
export type Line = (said: Said) => object;

interface Said {
  readonly text?: string;
  readonly thinking?: string;
  readonly calls?: readonly ToolCall[];
}

export const chatLine: Line = ({ text = "", thinking, calls = [] }) => ({
  message: {
    role: "assistant",
    content: text,
    ...(thinking ? { thinking } : {}),
    ...(calls.length > 0 ? { tool_calls: calls.map(callOf) } : {}),
  },
});
export const generateLine: Line = ({ text = "", thinking }) => ({ response: text, ...(thinking ? { thinking } : {}) });

const callOf = ({ id, name, arguments: args }: ToolCall) => ({ id, function: { name, arguments: args } });

export const stamp = (model: string) => ({ model, created_at: new Date().toISOString() });

/** @param asked the model as the client named it; virtual ones are told by what answered */
export function ollamaForm(asked: string | undefined, line: Line): AnswerForm {
  let model = asked ?? "";
  const isVirtual = modelNamed(asked).model === undefined;
  const write = (said: Said, rest: object) => `${JSON.stringify({ ...stamp(model), ...line(said), ...rest })}\n`;
  return {
    streamType: "application/x-ndjson",
    // A line without text is legal: Ollama itself sends one for a token that shows nothing.
    beat: () => write({}, { done: false }),
    open(route) {
      if (route && isVirtual) model = route.model;
      return "";
    },
    piece: (piece) => write(saidIn(piece), { done: false }),
    close: (ending) => write({}, figuresOf(ending)),
    failure: (error) => `${JSON.stringify({ error: error.message })}\n`,
    whole({ text, thinking, calls, ending, route }) {
      const answered = isVirtual ? (route?.model ?? model) : model;
      return { ...stamp(answered), ...line({ text, thinking, calls }), ...figuresOf(ending) };
    },
  };
}

function saidIn(piece: Piece): Said {
  if (piece.kind === "tool-call") return { calls: [piece.call] };
  return piece.kind === "text" ? { text: piece.text } : { thinking: piece.text };
}

/** Ollama's durations are nanoseconds. */
function figuresOf(ending: Ending): object {
  const nanoseconds = (ms: number) => Math.round(ms * 1e6);
  return {
    done: true,
    done_reason: ending.finish === "length" ? "length" : "stop",
    total_duration: nanoseconds(ending.totalMs),
    load_duration: nanoseconds(ending.loadMs),
    prompt_eval_count: ending.promptTokens,
    prompt_eval_duration: nanoseconds(ending.prefillMs),
    eval_count: ending.answerTokens,
    eval_duration: nanoseconds(ending.decodeMs),
  };
}
