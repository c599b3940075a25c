// The events of one streamed message, in the order Claude sends them, as events of ours.
import * as z from "zod/mini";
import { claudeUsage, noUsage, promptTokensOf, updatedUsage } from "../core/claude-usage.ts";
import { msg } from "../core/message.ts";
import type { ModelEvent, TokenUsage } from "../core/model-event.ts";
import { parseJson } from "../core/parse-json.ts";
import { TaskError } from "../core/task-error.ts";
import { newCallId, type ToolCall } from "../core/tool.ts";

const kindSchema = z.object({ type: z.string() });
const startSchema = z.object({ message: z.object({ usage: claudeUsage }) });
/** Of a block at its start and of a piece of one. Kinds that we do not know have neither. */
const pieceSchema = z.object({
  type: z.string(),
  text: z.optional(z.string()),
  thinking: z.optional(z.string()),
  id: z.optional(z.string()),
  name: z.optional(z.string()),
  partial_json: z.optional(z.string()),
});
const blockSchema = z.object({ content_block: pieceSchema });
const deltaSchema = z.object({ delta: pieceSchema });
const endSchema = z.object({
  delta: z.object({ stop_reason: z.nullable(z.string()) }),
  usage: z.optional(claudeUsage),
});

/** Reasons that end an answer before it is finished. */
const cutReasons = new Set(["max_tokens", "model_context_window_exceeded", "pause_turn"]);

/**
 * Ends with `done` only where the whole message came: its stop reason and its `message_stop`.
 * @throws TaskError `server-lost`, `bad-response`, `cloud-refused` where the model would not answer
 */
export async function* readAnswer(
  stream: AsyncIterable<unknown>,
  startMs: number,
  nowMs: () => number,
): AsyncIterable<ModelEvent> {
  let usage = noUsage;
  let firstMs: number | undefined;
  let reason: string | null = null;
  let call: { readonly id: string; readonly name: string; json: string } | undefined;
  for await (const event of stream) {
    switch (parse(kindSchema, event).type) {
      case "message_start":
        usage = updatedUsage(usage, parse(startSchema, event).message.usage);
        break;
      case "content_block_start": {
        const block = parse(blockSchema, event).content_block;
        if (block.type === "tool_use") call = { id: block.id ?? newCallId(), name: block.name ?? "", json: "" };
        yield* pieces(block, "text", "thinking");
        break;
      }
      case "content_block_delta": {
        firstMs ??= nowMs();
        const { delta } = parse(deltaSchema, event);
        if (call && delta.type === "input_json_delta") call.json += delta.partial_json ?? "";
        yield* pieces(delta, "text_delta", "thinking_delta");
        break;
      }
      case "content_block_stop":
        if (call) yield { kind: "tool-call", call: wholeCall(call) };
        call = undefined;
        break;
      case "message_delta": {
        const { delta, usage: told } = parse(endSchema, event);
        reason = delta.stop_reason ?? reason;
        usage = updatedUsage(usage, told ?? {});
        break;
      }
      case "message_stop":
        if (reason === null) throw lost();
        yield finished(reason, usage, times());
        return;
      default: // a kind that came after this was written
    }
  }
  throw lost();

  function times(): Times {
    const endMs = nowMs();
    return { prefillMs: (firstMs ?? endMs) - startMs, decodeMs: endMs - (firstMs ?? endMs) };
  }
}

const argumentsSchema = z.record(z.string(), z.unknown());

function wholeCall({
  id,
  name,
  json,
}: {
  readonly id: string;
  readonly name: string;
  readonly json: string;
}): ToolCall {
  return { id, name, arguments: parse(argumentsSchema, json === "" ? {} : parseJson(json)) };
}

interface Times {
  readonly prefillMs: number;
  readonly decodeMs: number;
}

function* pieces(piece: z.infer<typeof pieceSchema>, text: string, thinking: string): Iterable<ModelEvent> {
  if (piece.type === text && piece.text) yield { kind: "text", text: piece.text };
  if (piece.type === thinking && piece.thinking) yield { kind: "thinking", text: piece.thinking };
}

function finished(reason: string, usage: TokenUsage, times: Times): ModelEvent {
  if (reason === "refusal") {
    throw new TaskError(
      "cloud-refused",
      msg("Claude refused to answer this. Ask in other words, or use a model on this machine."),
    );
  }
  return {
    kind: "done",
    finish: cutReasons.has(reason) ? "length" : "stop",
    stats: {
      promptTokens: promptTokensOf(usage),
      answerTokens: usage.outputTokens,
      loadMs: 0,
      ...times,
      usage,
    },
  };
}

function parse<S extends z.ZodMiniType>(schema: S, event: unknown): z.infer<S> {
  const parsed = schema.safeParse(event);
  if (parsed.success) return parsed.data;
  throw new TaskError("bad-response", msg("{0} sent something that is not an answer: {1}", "Claude", "JSON"), {
    cause: parsed.error,
  });
}

function lost(): TaskError {
  return new TaskError(
    "server-lost",
    msg("Claude stopped in the middle of the answer. What had come is kept; ask again."),
  );
}
