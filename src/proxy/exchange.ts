// What a dialect makes of a request, and how it puts the answer.
import type { Route } from "../core/route.ts";
import type { Ask } from "../core/task.ts";
import type { ToolCall } from "../core/tool.ts";
import type { ProxyError } from "./proxy-error.ts";

/** The end of an answer and its figures, ms and tokens. */
export interface Ending {
  readonly finish: "stop" | "length" | "stop-sequence" | "tool-calls";
  readonly stopSequence?: string;
  readonly promptTokens: number;
  readonly answerTokens: number;
  readonly loadMs: number;
  readonly prefillMs: number;
  readonly decodeMs: number;
  readonly totalMs: number;
}

export type Piece =
  | { readonly kind: "text" | "thinking"; readonly text: string }
  | { readonly kind: "tool-call"; readonly call: ToolCall };

export interface WholeAnswer {
  readonly text: string;
  readonly thinking: string;
  readonly calls: readonly ToolCall[];
  readonly ending: Ending;
  readonly route: Route | undefined;
}

/** How one dialect writes one answer. Made anew for each request. */
export interface AnswerForm {
  /** Content type of a streamed answer. */
  readonly streamType: string;
  /** First of all, perhaps before it is known who answers. */
  open(route: Route | undefined): string;
  piece(piece: Piece): string;
  /** Shows that something is still going on. */
  beat(): string;
  close(ending: Ending): string;
  /** After this nothing comes; nobody can take it for a whole answer. */
  failure(error: ProxyError): string;
  whole(answer: WholeAnswer): object;
}

export type Outcome =
  | { readonly kind: "json"; readonly value: object; readonly status?: number }
  | { readonly kind: "text"; readonly text: string; readonly type: string }
  /** Whoever was asked has sent the answer itself. */
  | { readonly kind: "sent" }
  | {
      readonly kind: "answer";
      readonly ask: Ask;
      readonly streams: boolean;
      readonly stops: readonly string[];
      readonly form: AnswerForm;
    };

export type DialectName = "own" | "ollama" | "openai" | "anthropic";

export interface Dialect {
  readonly name: DialectName;
  errorBody(error: ProxyError): object;
}

/** Answers one kind of request. `body`: of a GET what stands behind the `?` of its address. `name` is what the last part of the path held, where the route has a place for it. */
export type Endpoint = (body: unknown, signal: AbortSignal, name: string) => Promise<Outcome>;

export const json = (value: object): Outcome => ({ kind: "json", value });
