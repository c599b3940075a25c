// Runs a request on the best of the servers that have its model, and on another one where the first fails before
// anything of the answer was there.
import type { Backend, InstalledModel, ModelRequest } from "../core/backend.ts";
import { msg } from "../core/message.ts";
import type { ModelEvent } from "../core/model-event.ts";
import { serverName } from "../core/names.ts";
import type { NodeOutcome } from "../core/node-health.ts";
import type { NodeQueue, Seat } from "../core/node-queue.ts";
import { isAbort, TaskError } from "../core/task-error.ts";

/** A server that has the model of a request, and may see it. */
export interface ModelNode {
  readonly model: InstalledModel;
  readonly backend: Backend;
}

export interface NodeParts {
  readonly queue: NodeQueue;
  /** Requests that a server works on at the same time. */
  readonly slotsOf: (backend: Backend) => number;
  /** How long a server may be silent before its answer begins when there is another one to ask, ms. */
  readonly firstEventMs?: (request: ModelRequest) => number;
}

/** @returns every event of the answer; before it `waiting` and `answering`, the latter again for each server that is tried */
export type RunOnNodes = (
  nodes: readonly ModelNode[],
  request: ModelRequest,
  signal: AbortSignal,
) => AsyncIterable<ModelEvent>;

const busyMs = 1_000;

/** Reading a prompt on a slow processor, and loading a large model from a slow disk before that. */
function patience({ promptTokens = 0 }: ModelRequest): number {
  return 5 * 60_000 + promptTokens * 50;
}

/** Each server is tried once at most; the failure that counts is the last one's. */
export function createRunOnNodes(parts: NodeParts): RunOnNodes {
  return async function* run(nodes, request, signal) {
    let left = nodes;
    let failure: unknown;
    while (left.length > 0) {
      const entered = enter(left, request, parts, signal);
      let seat: Seat | undefined;
      try {
        for await (const standing of entered) {
          if (standing.kind === "waiting") yield standing;
          else seat = standing.seat;
        }
      } catch (error) {
        throw isAbort(error) ? error : (failure ?? error);
      }
      const node = left.find(({ backend }) => backend.name === seat?.node);
      if (!node || !seat) throw failure ?? new Error("no node was chosen");
      const attempt = { hasBegun: false };
      try {
        yield { kind: "answering", backend: node.backend.name };
        yield* tryNode(node, seat, request, { ...parts, isLast: left.length === 1 }, attempt, signal);
        return;
      } catch (error) {
        if (attempt.hasBegun || !couldElsewhere(error)) throw error;
        failure = error;
        left = left.filter((each) => each !== node);
      }
    }
    throw failure;
  };
}

function enter(nodes: readonly ModelNode[], request: ModelRequest, parts: NodeParts, signal: AbortSignal) {
  return parts.queue.enter(
    {
      model: request.model,
      candidates: nodes.map(({ backend }) => ({ node: backend.name, slots: parts.slotsOf(backend) })),
      ...(request.conversation === undefined ? {} : { conversation: request.conversation }),
    },
    signal,
  );
}

/** Gives the seat back, with how it went. */
async function* tryNode(
  { backend }: ModelNode,
  seat: Seat,
  request: ModelRequest,
  parts: NodeParts & { readonly isLast: boolean },
  attempt: { hasBegun: boolean },
  signal: AbortSignal,
): AsyncIterable<ModelEvent> {
  let outcome: NodeOutcome = { kind: "left" };
  const silence = new AbortController();
  // The only one that is left may take as long as it wants: loading has no time limit.
  const limitMs = parts.isLast ? 0 : (parts.firstEventMs ?? patience)(request);
  const timer = limitMs > 0 ? setTimeout(() => silence.abort(), limitMs) : undefined;
  try {
    for await (const event of backend.run(request, AbortSignal.any([signal, silence.signal]))) {
      if (event.kind !== "loading") {
        clearTimeout(timer);
        attempt.hasBegun = true;
      }
      if (event.kind === "done") outcome = { kind: "answered", ...speedOf(event) };
      yield event;
    }
  } catch (error) {
    const told = silence.signal.aborted && !signal.aborted ? tooSilent(backend.name) : error;
    outcome = outcomeOf(told);
    throw told;
  } finally {
    clearTimeout(timer);
    seat.end(outcome);
  }
}

function speedOf({ stats }: Extract<ModelEvent, { kind: "done" }>): { readonly tokensPerSecond?: number } {
  // Of a few tokens no speed can be told.
  if (stats.answerTokens < 8 || stats.decodeMs <= 0) return {};
  return { tokensPerSecond: (stats.answerTokens / stats.decodeMs) * 1000 };
}

function tooSilent(server: string): TaskError {
  return new TaskError("server-unreachable", msg("{0} does not answer. Is it running?", serverName(server)));
}

/** What the failure of a request says of its server. */
function outcomeOf(error: unknown): NodeOutcome {
  if (!(error instanceof TaskError)) return { kind: "left" };
  const { isBusy, isOutOfMemory, retryAfterMs } = error.details;
  if (isBusy) return { kind: "busy", retryAfterMs: retryAfterMs ?? busyMs };
  if (isOutOfMemory || !serverFailures.has(error.kind)) return { kind: "left" };
  return { kind: "failed" };
}

const serverFailures = new Set(["server-unreachable", "server-lost", "server-error", "bad-response"]);

/** Whether another server could do better: not where the question itself is at fault. */
function couldElsewhere(error: unknown): boolean {
  return error instanceof TaskError && (serverFailures.has(error.kind) || error.kind === "model-missing");
}
