// One chat request and its answer in Ollama's dialect.
import type { ChatResponse } from "ollama";
import type { ModelRequest } from "../core/backend.ts";
import type { AnswerStats, ModelEvent } from "../core/model-event.ts";

/** `truncate` and `shift` off: the server must refuse rather than drop the beginning of a prompt, now or while answering. */
export function chatRequest(request: ModelRequest) {
  return {
    model: request.model,
    messages: request.messages.map((message) => ({
      role: message.role,
      content: message.content,
      ...(message.images ? { images: [...message.images] } : {}),
    })),
    stream: true as const,
    truncate: false,
    shift: false,
    think: request.think,
    ...(request.format ? { format: request.format } : {}),
    ...(request.keepAlive === undefined ? {} : { keep_alive: request.keepAlive }),
    options: {
      num_ctx: request.contextTokens,
      temperature: request.sampling.temperature,
      top_p: request.sampling.topP,
      repeat_penalty: request.sampling.repeatPenalty,
      ...(request.maxTokens === undefined ? {} : { num_predict: request.maxTokens }),
    },
  };
}

export function* modelEvents(part: ChatResponse): Iterable<ModelEvent> {
  if (part.message?.thinking) yield { kind: "thinking", text: part.message.thinking };
  if (part.message?.content) yield { kind: "text", text: part.message.content };
  if (part.done)
    yield { kind: "done", stats: statsOf(part), finish: part.done_reason === "length" ? "length" : "stop" };
}

/** Ollama's durations are nanoseconds; counts are absent where nothing was read or written. */
function statsOf(part: ChatResponse): AnswerStats {
  const ms = (nanoseconds: number | undefined) => (nanoseconds ?? 0) / 1e6;
  return {
    promptTokens: part.prompt_eval_count ?? 0,
    answerTokens: part.eval_count ?? 0,
    loadMs: ms(part.load_duration),
    prefillMs: ms(part.prompt_eval_duration),
    decodeMs: ms(part.eval_duration),
  };
}
