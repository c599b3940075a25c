// What the failures of model servers say: of the server, of asking another one, and to the person.
import type { ModelRequest } from "../core/backend.ts";
import { type Message, msg } from "../core/message.ts";
import { serverName } from "../core/names.ts";
import type { NodeOutcome } from "../core/node-health.ts";
import { TaskError, type TaskErrorKind } from "../core/task-error.ts";
import type { GivenUp } from "./patience.ts";

const busyMs = 1_000;

const serverFailures = new Set<TaskErrorKind>([
  "server-unreachable",
  "server-lost",
  "server-error",
  "bad-response",
  "no-answer",
]);

/** What the failure of a request says of its server. */
export function outcomeOf(error: unknown): NodeOutcome {
  if (!(error instanceof TaskError)) return { kind: "left" };
  const { isBusy, isOutOfMemory, isRefused, retryAfterMs } = error.details;
  if (isBusy) return { kind: "busy", retryAfterMs: retryAfterMs ?? busyMs };
  if (isOutOfMemory || isRefused || !serverFailures.has(error.kind)) return { kind: "left" };
  return { kind: "failed" };
}

/** Whether another server could do better: not where the question itself is at fault. */
export function couldElsewhere(error: unknown): error is TaskError {
  return error instanceof TaskError && (serverFailures.has(error.kind) || error.kind === "model-missing");
}

/** @param silentMs how long it has said nothing */
export function givenUp(server: string, why: GivenUp, silentMs: number): TaskError {
  return why === "gone"
    ? new TaskError("server-unreachable", msg("{0} does not answer. Is it running?", serverName(server)))
    : new TaskError("no-answer", msg("{0} has said nothing for {1} s.", serverName(server), seconds(silentMs)));
}

const seconds = (ms: number) => Math.round(ms / 1000);

/** A request that no server has begun to answer. */
export interface Failed {
  readonly request: ModelRequest;
  /** Of the servers that were tried, in their order. */
  readonly failures: readonly TaskError[];
  /** Silence that was borne at most, ms. */
  readonly totalMs: number;
}

/** Of one server what it said; of several what each did, as the kind of the last one. */
export function allFailed(failed: Failed): unknown {
  const { request, failures } = failed;
  const last = failures.at(-1);
  if (!last || failures.length === 1) return last;
  if (last.kind === "no-answer") return noAnswer(failed);
  const { kind, cause, details } = last;
  const text = msg("None of the servers that have {0} could answer.{1}", request.model, told(failures, []));
  return new TaskError(kind, text, { cause, details });
}

/** Patience is at its end. @param more what was waited for besides */
export function noAnswer({ request, failures, totalMs }: Failed, more: readonly Message[] = []): TaskError {
  const text = msg(
    "No server that has {0} began to answer within {1} s.{2} See what they are doing under “Services” or with “switchyard status”, and restart the one that hangs.",
    request.model,
    seconds(totalMs),
    told(failures, more),
  );
  return new TaskError("no-answer", text, { cause: failures.at(-1) });
}

function told(failures: readonly TaskError[], more: readonly Message[]): Message {
  const nothing: Message = { template: "", args: [] };
  return [...failures.map(({ text }) => text), ...more].reduce(
    (all, text, at) => msg("{0} ({1}) {2}", all, at + 1, text),
    nothing,
  );
}
