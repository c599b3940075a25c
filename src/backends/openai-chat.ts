// One chat request and its answer as OpenAI-compatible servers speak.
import type { ModelRequest } from "../core/backend.ts";
import { type ChatMessage, isAnswerBegun } from "../core/chat-message.ts";
import { msg } from "../core/message.ts";
import type { AnswerStats, ModelEvent } from "../core/model-event.ts";
import { parseJson } from "../core/parse-json.ts";
import { namedFine } from "../core/sampling-names.ts";
import type { Sampling } from "../core/task.ts";
import { TaskError } from "../core/task-error.ts";
import { askForCall, callSchema, newCallId, type ToolCall } from "../core/tool.ts";
import type { Chunk } from "./openai-schemas.ts";

/** To think is for before an answer: llama.cpp refuses it here, and elsewhere the rest would count as thought. */
const goOn = {
  add_generation_prompt: false,
  continue_final_message: true,
  chat_template_kwargs: { enable_thinking: false },
};

/** How a server is asked for calls of tools. */
export interface CallHabits {
  /** The template leaves tools out without a word; where one has to be called, a grammar sees to it. */
  readonly hasNoTools: boolean;
  /** A call that has to be made keeps to its schema only where that is said. */
  readonly isLoose: boolean;
}

export function openaiRequest(asked: ModelRequest, { hasNoTools, isLoose }: CallHabits): object {
  const request = hasNoTools ? withoutTools(asked) : asked;
  const { toolUse, sampling } = request;
  const strict = isLoose && toolUse?.choice.kind === "required" ? { strict: true } : {};
  return {
    model: request.model,
    messages: request.messages.map(messageOf),
    stream: true,
    stream_options: { include_usage: true },
    ...(isAnswerBegun(request.messages) ? goOn : {}),
    ...samplingOf(sampling),
    ...(request.maxTokens === undefined ? {} : { max_tokens: request.maxTokens }),
    ...(request.format
      ? { response_format: { type: "json_schema", json_schema: { name: "answer", schema: request.format } } }
      : {}),
    ...(toolUse
      ? {
          tools: toolUse.tools.map((tool) => ({ type: "function", function: { ...tool, ...strict } })),
          tool_choice: toolChoice(toolUse.choice),
          parallel_tool_calls: toolUse.isParallel,
        }
      : {}),
  };
}

function withoutTools({ toolUse, ...request }: ModelRequest): ModelRequest {
  if (toolUse?.choice.kind !== "required") return request;
  return { ...request, messages: [...request.messages, askForCall(toolUse)], format: callSchema(toolUse) };
}

function samplingOf(sampling: Sampling): object {
  // What is kept where a beginning is dropped, only Ollama is told. Of the others llama.cpp reads all, and vLLM and SGLang
  // some beside what OpenAI has; who does not know one leaves it out.
  const { seed, top_k: topK, num_keep: _, ...fine } = namedFine(sampling);
  return {
    temperature: sampling.temperature,
    top_p: sampling.topP,
    repetition_penalty: sampling.repeatPenalty,
    repeat_penalty: sampling.repeatPenalty,
    // OpenAI has no word for another one each time.
    ...(seed === undefined || seed < 0 ? {} : { seed }),
    // Of all tokens is -1 for each of them; 0 is refused by some.
    ...(topK === undefined ? {} : { top_k: topK === 0 ? -1 : topK }),
    ...fine,
  };
}

function toolChoice(choice: NonNullable<ModelRequest["toolUse"]>["choice"]): unknown {
  if (choice.kind === "auto") return "auto";
  return choice.name === undefined ? "required" : { type: "function", function: { name: choice.name } };
}

function messageOf({ role, content, images, toolCalls, answers }: ChatMessage): object {
  const pictures = images?.map((data) => ({
    type: "image_url",
    image_url: { url: `data:${mediaType(data)};base64,${data}` },
  }));
  return {
    role,
    content: pictures ? [{ type: "text", text: content }, ...pictures] : content,
    ...(toolCalls
      ? {
          tool_calls: toolCalls.map(({ id, name, arguments: args }) => ({
            id,
            type: "function",
            function: { name, arguments: JSON.stringify(args) },
          })),
        }
      : {}),
    ...(answers ? { tool_call_id: answers.id } : {}),
  };
}

/** By the first bytes, as base64 shows them. */
function mediaType(base64: string): string {
  if (base64.startsWith("/9j/")) return "image/jpeg";
  if (base64.startsWith("R0lG")) return "image/gif";
  return base64.startsWith("UklG") ? "image/webp" : "image/png";
}

/** Puts the chunks of one answer together. */
export function createChunkReader(server: string, nowMs: () => number) {
  const startMs = nowMs();
  const calls = new Map<number, { id: string; name: string; text: string }>();
  let firstMs: number | undefined;
  let pieces = 0;
  let usage: Chunk["usage"];
  let finish: string | undefined;
  return {
    read(chunk: Chunk): readonly ModelEvent[] {
      const events: ModelEvent[] = [];
      usage = chunk.usage ?? usage;
      for (const { delta, finish_reason } of chunk.choices ?? []) {
        finish = finish_reason ?? finish;
        const thinking = delta?.reasoning_content ?? delta?.reasoning;
        if (thinking || delta?.content) {
          firstMs ??= nowMs();
          pieces++;
        }
        if (thinking) events.push({ kind: "thinking", text: thinking });
        if (delta?.content) events.push({ kind: "text", text: delta.content });
        for (const part of delta?.tool_calls ?? []) {
          const call = calls.get(part.index) ?? { id: "", name: "", text: "" };
          call.id ||= part.id ?? "";
          call.name ||= part.function?.name ?? "";
          call.text += part.function?.arguments ?? "";
          calls.set(part.index, call);
        }
      }
      return events;
    },
    /** The end of an answer that the server called whole. */
    end(): readonly ModelEvent[] {
      const made = [...calls.values()].map((call) => ({ kind: "tool-call" as const, call: wholeCall(call, server) }));
      const prefillMs = (firstMs ?? nowMs()) - startMs;
      const stats: AnswerStats = {
        promptTokens: usage?.prompt_tokens ?? 0,
        answerTokens: usage?.completion_tokens ?? pieces,
        loadMs: 0,
        // Seen from here: these servers tell no times.
        prefillMs,
        decodeMs: nowMs() - startMs - prefillMs,
        ...(usage ? {} : { estimated: true }),
      };
      return [...made, { kind: "done", stats, finish: finish === "length" ? "length" : "stop" }];
    },
    /** Something of the answer has come. */
    hasBegun: () => firstMs !== undefined || calls.size > 0,
    isFinished: () => finish !== undefined,
    /** As the server counted; 0 where it did not. */
    promptTokens: () => usage?.prompt_tokens ?? 0,
  };
}

function wholeCall({ id, name, text }: { id: string; name: string; text: string }, server: string): ToolCall {
  const args = parseJson(text === "" ? "{}" : text);
  if (name === "" || typeof args !== "object" || args === null || Array.isArray(args)) {
    throw new TaskError("bad-response", msg("{0} sent something that is not an answer: {1}", server, "tool_calls"));
  }
  return { id: id || newCallId(), name, arguments: { ...args } };
}
