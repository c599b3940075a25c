// What model servers say when they do not answer, in words that help.
import { msg } from "../core/message.ts";
import { serverName } from "../core/names.ts";
import { reasonOf } from "../core/reason-of.ts";
import { isAbort, TaskError } from "../core/task-error.ts";

/** What aborted signals throw, whatever the reason they were given. */
export function abortError(): Error {
  return new DOMException("The operation was cancelled", "AbortError");
}

export function unreachable(server: string, cause: unknown): TaskError {
  return new TaskError("server-unreachable", msg("{0} does not answer. Is it running?", serverName(server)), { cause });
}

/** What goes wrong before there is a connection: of the network, of its names, of a proxy, of certificates. */
const beforeIt =
  /^(?:ECONNREFUSED|ENOTFOUND|EAI_\w+|EHOSTUNREACH|ENETUNREACH|EPROTO|UND_ERR_(?:CONNECT_TIMEOUT|ABORTED|PRX_TLS)|.*CERT.*|UNABLE_TO_\w+|ERR_(?:TLS|SSL)_\w+)$/;

/** Whether it is not certain that nothing was sent. */
export function wasConnected(error: unknown): boolean {
  for (let each = error; each instanceof Error; each = each.cause)
    if ("code" in each && beforeIt.test(String(each.code))) return false;
  return true;
}

export function notJson(server: string, type: string): TaskError {
  return new TaskError(
    "bad-response",
    msg(
      "{0} answered with “{1}” instead of JSON. Is something else listening at this address?",
      serverName(server),
      type,
    ),
  );
}

export interface Refused {
  readonly status: number;
  readonly statusText: string;
  /** How long the server asks to wait, ms. */
  readonly retryAfterMs?: number | undefined;
}

/** Maps an error status with Ollama's `{"error": …}` body. */
export function refusal(refused: Refused, answer: string, server: string): TaskError {
  const { status, statusText, retryAfterMs } = refused;
  const body = readBody(answer);
  const text = body.error ?? `${status} ${statusText}`.trim();
  const cause = new Error(`${status}: ${text}`);
  if (body.promptTokens !== undefined && body.contextTokens !== undefined) {
    return new TaskError(
      "context-overflow",
      msg(
        "The prompt has {0} tokens; the model’s context holds {1}. Nothing was answered. Select less text or choose a model with a larger context.",
        body.promptTokens,
        body.contextTokens,
      ),
      { cause, details: { promptTokens: body.promptTokens, contextTokens: body.contextTokens } },
    );
  }
  // Ollama tells no numbers where a text is to become a vector.
  if (status === 400 && /input length exceeds/i.test(text)) {
    const tooLong = msg("{0} cannot read so long a text: {1}. Nothing was answered. Send less at once.", server, text);
    return new TaskError("context-overflow", tooLong, { cause });
  }
  if (status === 404) {
    return new TaskError("model-missing", msg("{0} does not have this model: {1}", serverName(server), text), {
      cause,
    });
  }
  if (status === 503 || status === 429) {
    return new TaskError("server-error", msg("{0} is busy: {1}. Try again in a moment.", serverName(server), text), {
      cause,
      details: { isBusy: true, ...(retryAfterMs === undefined ? {} : { retryAfterMs }) },
    });
  }
  return (
    memoryError(server, text, cause) ??
    new TaskError("server-error", msg("{0} reports an error: {1}", serverName(server), text), {
      cause,
      ...refusedDetails(status),
    })
  );
}

/** What a status says of the question. */
export function refusedDetails(status: number): { readonly details?: { readonly isRefused: true } } {
  return status === 400 || status === 422 ? { details: { isRefused: true } } : {};
}

/** Servers say in words only that a model does not go into memory. */
export function memoryError(server: string, text: string, cause: unknown): TaskError | undefined {
  const isMemory =
    /requires more system memory|out of memory|cudaMalloc failed|unable to allocate|insufficient memory/i;
  if (!isMemory.test(text)) return undefined;
  return new TaskError(
    "server-error",
    msg(
      "{0} has not enough memory for this model: {1}. “Switchyard: Advice…” names a smaller one.",
      serverName(server),
      text,
    ),
    { cause, details: { isOutOfMemory: true } },
  );
}

interface ErrorBody {
  readonly error?: string;
  readonly promptTokens?: number;
  readonly contextTokens?: number;
}

function readBody(text: string): ErrorBody {
  try {
    return findErrorFields(JSON.parse(text.slice(0, 10_000)));
  } catch {
    return {};
  }
}

/** Ollama has the numbers beside `error`, llama.cpp inside it, and some builds send them as JSON within a string. */
function findErrorFields(value: unknown): ErrorBody {
  if (typeof value === "string") {
    try {
      return findErrorFields(JSON.parse(value));
    } catch {
      return { error: value };
    }
  }
  if (typeof value !== "object" || value === null) return {};
  const inner = "error" in value ? findErrorFields(value.error) : {};
  const message = "message" in value && typeof value.message === "string" ? { error: value.message } : {};
  const numbers =
    "n_prompt_tokens" in value &&
    typeof value.n_prompt_tokens === "number" &&
    "n_ctx" in value &&
    typeof value.n_ctx === "number"
      ? { promptTokens: value.n_prompt_tokens, contextTokens: value.n_ctx }
      : {};
  return { ...message, ...inner, ...numbers };
}

/** The connection ended before the answer did. */
export function lostServer(server: string, cause?: unknown): TaskError {
  return new TaskError(
    "server-lost",
    msg(
      "{0} stopped in the middle of the answer. What arrived is kept; ask again to get the rest.",
      serverName(server),
    ),
    { cause },
  );
}

/** What a call to a server threw, as what crosses rooms. */
export function asTaskError(
  error: unknown,
  server: string,
  signal: AbortSignal,
  otherwise: "server-error" | "network" = "server-error",
): Error {
  if (isAbort(error) || signal.aborted) return abortError();
  if (error instanceof TaskError) return error;
  if (error instanceof SyntaxError) {
    return new TaskError(
      "bad-response",
      msg("{0} sent something that is not an answer: {1}", serverName(server), error.message),
      {
        cause: error,
      },
    );
  }
  const text = reasonOf(error);
  return (
    memoryError(server, text, error) ??
    new TaskError(otherwise, msg("{0} reports an error: {1}", serverName(server), text), { cause: error })
  );
}

/** For a server whose models are chosen when it is started. */
export const changedElsewhere = (server: string) =>
  new TaskError("bad-input", msg("The models of {0} are changed where it runs.", server));
