// One chat request and its answer in Ollama's dialect.
import type { ChatResponse, Message, Tool as OllamaTool } from "ollama";
import * as z from "zod/mini";
import type { ModelRequest } from "../core/backend.ts";
import type { ChatMessage } from "../core/chat-message.ts";
import { msg } from "../core/message.ts";
import type { AnswerStats, ModelEvent } from "../core/model-event.ts";
import { parseJson } from "../core/parse-json.ts";
import { namedFine } from "../core/sampling-names.ts";
import type { Think } from "../core/task.ts";
import { TaskError } from "../core/task-error.ts";
import { askForCall, callSchema, newCallId, type Tool, type ToolCall } from "../core/tool.ts";

/** `truncate` and `shift` off: the server must refuse rather than drop the beginning of a prompt, now or while answering. */
export function chatRequest(request: ModelRequest) {
  const { toolUse } = request;
  // Ollama cannot be told that a tool has to be called. Its grammars can.
  const isForced = toolUse?.choice.kind === "required";
  const format = isForced ? callSchema(toolUse) : request.format;
  const messages = isForced ? [...request.messages, askForCall(toolUse)] : request.messages;
  return {
    model: request.model,
    messages: messages.map(messageOf),
    stream: true as const,
    truncate: false,
    shift: false,
    think: isForced ? false : thinkOf(request),
    ...(toolUse && !isForced ? { tools: toolUse.tools.map(toolOf) } : {}),
    ...(format ? { format } : {}),
    ...(request.keepAlive === undefined ? {} : { keep_alive: request.keepAlive }),
    options: {
      num_ctx: request.contextTokens,
      temperature: request.sampling.temperature,
      top_p: request.sampling.topP,
      repeat_penalty: request.sampling.repeatPenalty,
      ...namedFine(request.sampling),
      ...(request.maxTokens === undefined ? {} : { num_predict: request.maxTokens }),
    },
  };
}

/** Degrees are for gpt-oss, which cannot be kept from thinking; for other models they are an error. */
function thinkOf({ model, think }: ModelRequest): Think {
  if (/gpt-?oss/i.test(model)) return think === false ? "low" : think;
  return think !== false;
}

/** The client's type has no id of a call; servers since 0.12 read it. */
type SentMessage = Message & { tool_call_id?: string };

function messageOf({ role, content, images, thinking, toolCalls, answers }: ChatMessage): SentMessage {
  return {
    role,
    content,
    ...(thinking ? { thinking } : {}),
    ...(images ? { images: [...images] } : {}),
    ...(toolCalls ? { tool_calls: toolCalls.map(({ id, name, arguments: args }) => callMade(id, name, args)) } : {}),
    ...(answers ? { tool_name: answers.name, tool_call_id: answers.id } : {}),
  };
}

const callMade = (id: string, name: string, args: ToolCall["arguments"]) => ({
  id,
  function: { name, arguments: { ...args } },
});

/** A schema may be anything; the client's type knows only a part of what may stand in one. */
function toolOf({ name, description, parameters }: Tool): OllamaTool {
  return { type: "function", function: { name, ...(description ? { description } : {}), parameters } };
}

export function modelEvents(part: ChatResponse, server: string): readonly ModelEvent[] {
  const { message, done } = part;
  const events: ModelEvent[] = [];
  if (message?.thinking) events.push({ kind: "thinking", text: message.thinking });
  if (message?.content) events.push({ kind: "text", text: message.content });
  if (message?.tool_calls) {
    for (const call of callsOf(message.tool_calls, server)) events.push({ kind: "tool-call", call });
  }
  if (done)
    events.push({ kind: "done", stats: statsOf(part), finish: part.done_reason === "length" ? "length" : "stop" });
  return events;
}

const argumentsSchema = z.record(z.string(), z.unknown());
const callsSchema = z.array(
  z.object({
    id: z.optional(z.string()),
    function: z.object({ name: z.string().check(z.minLength(1)), arguments: z.unknown() }),
  }),
);

/** Some servers send the arguments as text, or none at all. */
function callsOf(value: unknown, server: string): readonly ToolCall[] {
  const parsed = callsSchema.safeParse(value);
  if (!parsed.success) throw badCall(server, parsed.error);
  return parsed.data.map((call) => {
    const { name, arguments: given } = call.function;
    const args = argumentsSchema.safeParse(typeof given === "string" ? parseJson(given || "{}") : (given ?? {}));
    if (!args.success) throw badCall(server, args.error);
    return { id: call.id || newCallId(), name, arguments: args.data };
  });
}

function badCall(server: string, cause: unknown): TaskError {
  return new TaskError("bad-response", msg("{0} sent something that is not an answer: {1}", server, "tool_calls"), {
    cause,
  });
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
