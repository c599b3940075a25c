// An answer as OpenAI's responses have it: items, and an event for each step of making them.
import { randomUUID } from "node:crypto";
import type { Route } from "../core/route.ts";
import type { ToolCall } from "../core/tool.ts";
import { modelNamed } from "./ask-of.ts";
import type { AnswerForm, Ending, Piece, WholeAnswer } from "./exchange.ts";
import { openaiError } from "./openai-form.ts";
import type { ProxyError } from "./proxy-error.ts";

type Item = Readonly<Record<string, unknown>> & { readonly id: string };

/** The item that is being made. */
interface Open {
  readonly kind: "text" | "thinking";
  readonly id: string;
  text: string;
}

const newId = (prefix: string) => `${prefix}_${randomUUID().replaceAll("-", "")}`;

export interface ResponsesOptions {
  readonly asked: string | undefined;
  /** Fields of the request that are told again. */
  readonly echo: object;
  /** Names of tools that take a text instead of arguments. */
  readonly custom: ReadonlySet<string>;
}

export class ResponsesForm implements AnswerForm {
  readonly streamType = "text/event-stream";
  readonly #options: ResponsesOptions;
  readonly #named: string | undefined;
  readonly #id = newId("resp");
  readonly #createdAt = Math.floor(Date.now() / 1000);
  readonly #output: Item[] = [];
  #model: string;
  #sequence = 0;
  #open: Open | undefined;

  constructor(options: ResponsesOptions) {
    this.#options = options;
    this.#named = modelNamed(options.asked).model;
    this.#model = this.#named ?? options.asked ?? "switchyard/auto";
  }

  beat(): string {
    return ": waiting\n\n";
  }

  open(route: Route | undefined): string {
    this.#model = this.#named ?? route?.model ?? this.#model;
    const begun = { response: this.#response("in_progress", {}) };
    return this.#event("response.created", begun) + this.#event("response.in_progress", begun);
  }

  piece(piece: Piece): string {
    if (piece.kind === "tool-call") return this.#closeItem() + this.#call(piece.call);
    const { kind, text } = piece;
    const before = this.#open?.kind === kind ? "" : this.#closeItem() + this.#openItem(kind);
    if (this.#open) this.#open.text += text;
    return kind === "text"
      ? before + this.#partEvent("response.output_text.delta", { delta: text, logprobs: [] })
      : before + this.#partEvent("response.reasoning_summary_text.delta", { delta: text });
  }

  close(ending: Ending): string {
    const isCut = ending.finish === "length";
    const rest = this.#closeItem(isCut ? "incomplete" : "completed");
    const told = { response: this.#response(isCut ? "incomplete" : "completed", endOf(ending)) };
    return rest + this.#event(isCut ? "response.incomplete" : "response.completed", told);
  }

  /** Told twice: some clients wait for the response that failed, others for the error. */
  failure(error: ProxyError): string {
    const { code, message } = openaiError(error).error;
    const told = { code: code ?? "server_error", message };
    const failed = { response: this.#response("failed", { error: told }) };
    return this.#event("response.failed", failed) + this.#event("error", { ...told, param: null });
  }

  whole({ text, thinking, calls, ending, route }: WholeAnswer): object {
    this.#model = this.#named ?? route?.model ?? this.#model;
    if (thinking) this.#output.push(reasoningItem(newId("rs"), thinking));
    const isCut = ending.finish === "length";
    const status = isCut && calls.length === 0 ? "incomplete" : "completed";
    if (text !== "" || calls.length === 0) this.#output.push(messageItem(newId("msg"), text, status));
    this.#output.push(...calls.map((call) => callItem(call, this.#options.custom)));
    return this.#response(isCut ? "incomplete" : "completed", endOf(ending));
  }

  #response(status: string, over: object): object {
    return {
      id: this.#id,
      object: "response",
      created_at: this.#createdAt,
      status,
      error: null,
      incomplete_details: null,
      model: this.#model,
      output: this.#output,
      usage: null,
      ...this.#options.echo,
      ...over,
    };
  }

  #event(type: string, value: object): string {
    return `event: ${type}\ndata: ${JSON.stringify({ type, sequence_number: this.#sequence++, ...value })}\n\n`;
  }

  /** Of the one part of the item that is being made. */
  #partEvent(type: string, value: object): string {
    const index = this.#open?.kind === "thinking" ? { summary_index: 0 } : { content_index: 0 };
    return this.#event(type, { item_id: this.#open?.id, output_index: this.#output.length, ...index, ...value });
  }

  #added(item: Item): string {
    return this.#event("response.output_item.added", { output_index: this.#output.length, item });
  }

  #done(item: Item): string {
    const text = this.#event("response.output_item.done", { output_index: this.#output.length, item });
    this.#output.push(item);
    return text;
  }

  #openItem(kind: Open["kind"]): string {
    const id = newId(kind === "text" ? "msg" : "rs");
    this.#open = { kind, id, text: "" };
    if (kind === "thinking") {
      const part = { type: "summary_text", text: "" };
      return (
        this.#added({ id, type: "reasoning", summary: [] }) +
        this.#partEvent("response.reasoning_summary_part.added", { part })
      );
    }
    const item = { ...messageItem(id, ""), status: "in_progress", content: [] };
    return this.#added(item) + this.#partEvent("response.content_part.added", { part: textPart("") });
  }

  #closeItem(status: ItemStatus = "completed"): string {
    if (!this.#open) return "";
    const { kind, id, text } = this.#open;
    const parts =
      kind === "text"
        ? this.#partEvent("response.output_text.done", { text, logprobs: [] }) +
          this.#partEvent("response.content_part.done", { part: textPart(text) })
        : this.#partEvent("response.reasoning_summary_text.done", { text }) +
          this.#partEvent("response.reasoning_summary_part.done", { part: { type: "summary_text", text } });
    this.#open = undefined;
    return parts + this.#done(kind === "text" ? messageItem(id, text, status) : reasoningItem(id, text));
  }

  #call(call: ToolCall): string {
    const item = callItem(call, this.#options.custom);
    const isCustom = item["type"] === "custom_tool_call";
    const field = isCustom ? "input" : "arguments";
    const kind = isCustom ? "response.custom_tool_call_input" : "response.function_call_arguments";
    const at = { item_id: item.id, output_index: this.#output.length };
    const name = isCustom ? {} : { name: call.name };
    return (
      this.#added({ ...item, [field]: "", ...(isCustom ? {} : { status: "in_progress" }) }) +
      this.#event(`${kind}.delta`, { ...at, delta: item[field] }) +
      this.#event(`${kind}.done`, { ...at, ...name, [field]: item[field] }) +
      this.#done(item)
    );
  }
}

const textPart = (text: string) => ({ type: "output_text", text, annotations: [], logprobs: [] });

type ItemStatus = "completed" | "incomplete";

function messageItem(id: string, text: string, status: ItemStatus = "completed"): Item {
  return { id, type: "message", role: "assistant", status, content: [textPart(text)] };
}

function reasoningItem(id: string, text: string): Item {
  return { id, type: "reasoning", summary: [{ type: "summary_text", text }] };
}

function callItem({ id, name, arguments: args }: ToolCall, custom: ReadonlySet<string>): Item {
  const input = args["input"];
  if (custom.has(name) && typeof input === "string") {
    return { id: newId("ctc"), type: "custom_tool_call", call_id: id, name, input };
  }
  const made = { call_id: id, name, arguments: JSON.stringify(args), status: "completed" };
  return { id: newId("fc"), type: "function_call", ...made };
}

function endOf({ finish, promptTokens, answerTokens }: Ending): object {
  return {
    incomplete_details: finish === "length" ? { reason: "max_output_tokens" } : null,
    completed_at: finish === "length" ? null : Math.floor(Date.now() / 1000),
    usage: {
      input_tokens: promptTokens,
      input_tokens_details: { cached_tokens: 0 },
      output_tokens: answerTokens,
      output_tokens_details: { reasoning_tokens: 0 },
      total_tokens: promptTokens + answerTokens,
    },
  };
}
