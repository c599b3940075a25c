// What Claude says when it does not answer, in words that help. Never with the key, nor with anything that holds it.
import { type Message, msg } from "../core/message.ts";
import { TaskError, type TaskErrorDetails, type TaskErrorKind } from "../core/task-error.ts";
import { retryWaitMs } from "./retry-wait.ts";

export interface Asked {
  readonly model: string;
  /** Taken out of every text. */
  readonly key: string;
  /** Whether an answer had begun: what is lost then is the connection, not the server. */
  readonly hasBegun: boolean;
  readonly isUnpaid: boolean;
}

/** By HTTP status, and by the error's own type where it came inside the stream. */
export function claudeError(error: unknown, asked: Asked): TaskError {
  if (error instanceof TaskError) return error;
  const told = error instanceof SyntaxError ? unreadable : read(error, asked.key);
  const make = (kind: TaskErrorKind, message: Message, details: TaskErrorDetails = {}) =>
    // Not the error itself: it holds the answer's headers, and what lies below it may hold the request's.
    new TaskError(kind, message, {
      cause: new Error(`${told.status ?? ""} ${told.type} ${told.text}`.trim()),
      details: { ...details, ...(asked.isUnpaid ? { isUnpaid: true } : {}) },
    });
  if (told === unreadable) {
    return make("bad-response", msg("{0} sent something that is not an answer: {1}", "Claude", told.text));
  }
  if (told.status !== undefined || told.type !== "") return refusal(told, asked.model, make);
  if (asked.hasBegun) {
    return make("server-lost", msg("Claude stopped in the middle of the answer. What had come is kept; ask again."));
  }
  return make(
    "server-unreachable",
    msg("Claude cannot be reached: {0}. Check the connection, or use a model on this machine.", told.text),
  );
}

/** Claude may have gone on with what it was asked. */
export function lostClaude(cause?: unknown): TaskError {
  const text = msg("The connection to Claude broke before the answer was whole. Ask again.");
  return new TaskError("server-lost", text, { cause });
}

type Make = (kind: TaskErrorKind, message: Message, details?: TaskErrorDetails) => TaskError;

function refusal(told: Told, model: string, make: Make): TaskError {
  const { status, type, text } = told;
  if (status === 401 || type === "authentication_error") {
    return make(
      "cloud-refused",
      msg("Claude does not accept the key. Set another one with “Switchyard: Set Claude API Key”."),
    );
  }
  // An empty account is told apart from a wrong question by its words alone.
  if (status === 402 || type === "billing_error" || /credit balance/i.test(text)) {
    return make(
      "cloud-refused",
      msg("The account of your Claude key has no credit left. Add some, or use a model on this machine."),
    );
  }
  if (status === 403 || type === "permission_error") {
    return make("cloud-refused", msg("Your Claude key may not do this: {0}", text));
  }
  if (type === "not_found_error") {
    return make(
      "cloud-refused",
      msg("Claude has no model “{0}”. Choose another one in “switchyard.cloudModel”.", model),
    );
  }
  const tokens = /(\d+) tokens > (\d+)/.exec(text);
  if (status === 413 || type === "request_too_large" || tokens) {
    const details = tokens ? { promptTokens: Number(tokens[1]), contextTokens: Number(tokens[2]) } : {};
    return make("context-overflow", msg("This is too large for Claude. Select less text."), details);
  }
  if (status === 429 || type === "rate_limit_error") {
    const message = told.waitMs
      ? msg(
          "Claude takes no more questions from your key for the next {0}: {1}. Ask again then, or use a model on this machine.",
          duration(told.waitMs),
          text,
        )
      : msg("Claude takes no more questions from your key for now: {0}. Wait, or use a model on this machine.", text);
    const details = told.waitMs === undefined ? {} : { retryAfterMs: told.waitMs };
    return make("server-error", message, { ...details, isBusy: true });
  }
  if (status === 529 || type === "overloaded_error") {
    const message = told.waitMs
      ? msg(
          "Claude is overloaded for the next {0}. Ask again then, or use a model on this machine.",
          duration(told.waitMs),
        )
      : msg("Claude is overloaded. Ask again later, or use a model on this machine.");
    const details = told.waitMs === undefined ? {} : { retryAfterMs: told.waitMs };
    return make("server-error", message, { ...details, isBusy: true });
  }
  const kind = type === "invalid_request_error" ? "cloud-refused" : "server-error";
  return make(kind, msg("Claude failed ({0}): {1}", status ?? type, text));
}

interface Told {
  readonly status: number | undefined;
  readonly type: string;
  readonly text: string;
  /** How long the server asks to wait. */
  readonly waitMs?: number | undefined;
}

/** Rounded up: who comes back a second too early is refused once more. */
function duration(ms: number): Message {
  return ms > 90_000 ? msg("{0} minutes", Math.ceil(ms / 60_000)) : msg("{0} seconds", Math.ceil(ms / 1_000));
}

/** Without the parser's own words, which quote what it could not read. */
const unreadable: Told = { status: undefined, type: "", text: "JSON" };

function read(error: unknown, key: string): Told {
  const outer = fields(error);
  // The client puts the body of the answer into `error`, and in it is `error` once more.
  const inner = fields(fields(outer["error"])["error"] ?? outer["error"]);
  const status = typeof outer["status"] === "number" ? outer["status"] : undefined;
  const type = typeof inner["type"] === "string" ? inner["type"] : "";
  const text = typeof inner["message"] === "string" ? inner["message"] : reasons(error);
  const waitMs = outer["headers"] instanceof Headers ? retryWaitMs(outer["headers"]) : undefined;
  return { status, type: withoutKey(type, key), text: withoutKey(text, key), waitMs };
}

function fields(value: unknown): Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null ? (value as Readonly<Record<string, unknown>>) : {};
}

/** "Connection error." says little; what lies below says more. */
function reasons(error: unknown): string {
  const texts: string[] = [];
  for (let each = error; each instanceof Error && texts.length < 4; each = each.cause) texts.push(each.message);
  return texts.findLast((text) => text !== "") ?? String(error);
}

/** A gateway may repeat the key it was given, whole or shortened. */
function withoutKey(text: string, key: string): string {
  return text
    .replaceAll(key, "…")
    .replace(/sk-[\w-]{6,}/g, "sk-…")
    .slice(0, 500);
}
