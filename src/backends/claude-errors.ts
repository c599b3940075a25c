// What Claude says when it does not answer, in words that help. Never with the key, nor with anything that holds it.
import { type Message, msg } from "../core/message.ts";
import { TaskError, type TaskErrorKind } from "../core/task-error.ts";

/** By HTTP status, and by the error's own type where it came inside the stream. */
export function claudeError(error: unknown, model: string): Error {
  if (error instanceof TaskError) return error;
  const { status, type, text } = read(error);
  const make = (kind: TaskErrorKind, message: Message) =>
    new TaskError(kind, message, { cause: `${status ?? ""} ${type} ${text}`.trim() });
  if (status === 401 || type === "authentication_error") {
    return make(
      "cloud-refused",
      msg("Claude does not accept the key. Set another one with “Switchyard: Set Claude API Key”."),
    );
  }
  if (/credit balance/i.test(text) || type === "billing_error" || status === 402) {
    return make(
      "cloud-refused",
      msg("The account of your Claude key has no credit left. Add some, or use a model on this machine."),
    );
  }
  if (status === 403 || type === "permission_error") {
    return make("cloud-refused", msg("Your Claude key may not do this: {0}", text));
  }
  if (status === 404 || type === "not_found_error") {
    return make(
      "cloud-refused",
      msg("Claude has no model “{0}”. Choose another one in “switchyard.cloudModel”.", model),
    );
  }
  if (status === 413 || type === "request_too_large") {
    return make("context-overflow", msg("This is too large for Claude. Select less text."));
  }
  if (status === 429 || type === "rate_limit_error") {
    return make(
      "server-error",
      msg("Claude takes no more questions from your key for now: {0}. Wait, or use a model on this machine.", text),
    );
  }
  if (status === 529 || type === "overloaded_error") {
    return make("server-error", msg("Claude is overloaded. Ask again later, or use a model on this machine."));
  }
  if (status !== undefined) return make("server-error", msg("Claude failed ({0}): {1}", status, text));
  if (type !== "") return make("server-error", msg("Claude failed ({0}): {1}", type, text));
  return make(
    "server-unreachable",
    msg("Claude cannot be reached: {0}. Check the connection, or use a model on this machine.", text),
  );
}

interface Told {
  readonly status: number | undefined;
  readonly type: string;
  readonly text: string;
}

function read(error: unknown): Told {
  const outer = fields(error);
  // The client puts the body of the answer into `error`, and in it is `error` once more.
  const inner = fields(fields(outer["error"])["error"] ?? outer["error"]);
  const status = typeof outer["status"] === "number" ? outer["status"] : undefined;
  const type = typeof inner["type"] === "string" ? inner["type"] : "";
  const told = typeof inner["message"] === "string" ? inner["message"] : undefined;
  return { status, type, text: withoutKeys(told ?? reasons(error)) };
}

function fields(value: unknown): Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null ? (value as Readonly<Record<string, unknown>>) : {};
}

/** "Connection error." says little; what lies below says more. */
function reasons(error: unknown): string {
  const texts: string[] = [];
  for (let each = error; each instanceof Error && texts.length < 4; each = each.cause) texts.push(each.message);
  return texts.at(-1) || String(error);
}

function withoutKeys(text: string): string {
  return text.replace(/sk-[\w-]{6,}/g, "sk-…").slice(0, 500);
}
