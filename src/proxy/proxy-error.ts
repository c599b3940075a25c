// What clients are told when a request cannot be answered. Each dialect puts it into a body of its own.
import { isAbort, TaskError, type TaskErrorKind } from "../core/task-error.ts";

export interface ProxyErrorDetails {
  /** Seconds after which asking again makes sense. */
  readonly retryAfterSeconds?: number;
  /** The dialects' word for it, such as `model_not_found`. */
  readonly code?: "model_not_found" | "context_length_exceeded";
  readonly promptTokens?: number;
  readonly contextTokens?: number;
  /** What of the request is wrong, such as `messages.0.role`. */
  readonly field?: string;
  /** How it is to be asked instead. */
  readonly allow?: string;
}

/** An error for a client: an HTTP status and a sentence without prompts, paths or keys in it. */
export class ProxyError extends Error {
  override readonly name = "ProxyError";
  readonly status: number;
  readonly details: ProxyErrorDetails;

  constructor(status: number, message: string, details: ProxyErrorDetails = {}) {
    super(message);
    this.status = status;
    this.details = details;
  }
}

const statusOf: Readonly<Record<TaskErrorKind, number>> = {
  "bad-input": 400,
  "context-overflow": 400,
  "model-missing": 404,
  "server-unreachable": 503,
  "no-answer": 504,
  "server-lost": 502,
  "server-error": 502,
  "bad-response": 502,
  network: 502,
  storage: 500,
  "local-only": 403,
  "cloud-limit": 403,
  "cloud-refused": 502,
  internal: 500,
};

/** Whatever was thrown, as an error for a client. What was not foreseen says nothing of its inside. */
export function toProxyError(error: unknown): ProxyError {
  if (error instanceof ProxyError) return error;
  if (error instanceof TaskError) return ofTask(error);
  // The client is still there, so it is the app that gave up: a person has to allow what leaves, and none is here.
  if (isAbort(error)) {
    return new ProxyError(
      403,
      "This model is not on this machine, and nothing may leave through the proxy. Name a local model, or none.",
    );
  }
  return new ProxyError(500, "Something went wrong inside the proxy. Its log says what.");
}

function ofTask({ kind, message, details }: TaskError): ProxyError {
  const { promptTokens, contextTokens, isBusy, isRefused, retryAfterMs } = details;
  const waitSeconds = retryAfterMs === undefined ? undefined : Math.max(1, Math.ceil(retryAfterMs / 1000));
  return new ProxyError(isBusy ? 429 : isRefused ? 400 : statusOf[kind], message, {
    ...(kind === "model-missing" ? { code: "model_not_found" } : {}),
    ...(kind === "context-overflow" ? { code: "context_length_exceeded" } : {}),
    ...(kind === "server-unreachable" || isBusy ? { retryAfterSeconds: waitSeconds ?? (isBusy ? 1 : 5) } : {}),
    ...(promptTokens === undefined ? {} : { promptTokens }),
    ...(contextTokens === undefined ? {} : { contextTokens }),
  });
}
