// Runs a request on the best of the servers that have its model, and on another one where the first fails before
// anything of the answer was there.
import type { Backend, InstalledModel, ModelRequest } from "../core/backend.ts";
import { msg } from "../core/message.ts";
import type { ModelEvent } from "../core/model-event.ts";
import { serverName } from "../core/names.ts";
import type { NodeOutcome } from "../core/node-health.ts";
import type { NodeQueue, Seat } from "../core/node-queue.ts";
import { each, stream, type Take } from "../core/stream.ts";
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
  return (nodes, request, signal) =>
    stream(async (take) => {
      let left = nodes;
      let failure: unknown;
      while (left.length > 0) {
        const seat = await enter(left, request, parts, take, signal).catch((error: unknown) => {
          throw isAbort(error) ? error : (failure ?? error);
        });
        const node = left.find(({ backend }) => backend.name === seat?.node);
        if (!node || !seat) throw failure ?? new Error("no node was chosen");
        const attempt: Attempt = { node, seat, isLast: left.length === 1, hasBegun: false };
        try {
          await tryNode(attempt, request, parts, take, signal);
          return;
        } catch (error) {
          if (attempt.hasBegun || !couldElsewhere(error)) throw error;
          failure = error;
          left = left.filter((other) => other !== node);
        }
      }
      throw failure;
    });
}

async function enter(
  nodes: readonly ModelNode[],
  request: ModelRequest,
  { queue, slotsOf }: NodeParts,
  take: Take<ModelEvent>,
  signal: AbortSignal,
): Promise<Seat | undefined> {
  const wish = {
    model: request.model,
    candidates: nodes.map(({ backend }) => ({ node: backend.name, slots: slotsOf(backend) })),
    ...(request.conversation === undefined ? {} : { conversation: request.conversation }),
  };
  const got: { seat?: Seat } = {};
  try {
    await each(queue.enter(wish, signal), (standing) => {
      if (standing.kind === "waiting") return take(standing);
      got.seat = standing.seat;
      return undefined;
    });
  } catch (error) {
    got.seat?.end({ kind: "left" });
    throw error;
  }
  return got.seat;
}

interface Attempt {
  readonly node: ModelNode;
  readonly seat: Seat;
  /** No other server is left to ask. */
  readonly isLast: boolean;
  /** Something of the answer was there. */
  hasBegun: boolean;
}

/** Gives the seat back, with how it went. */
async function tryNode(
  attempt: Attempt,
  request: ModelRequest,
  { firstEventMs = patience }: NodeParts,
  take: Take<ModelEvent>,
  signal: AbortSignal,
): Promise<void> {
  const { backend } = attempt.node;
  const end: { outcome: NodeOutcome } = { outcome: { kind: "left" } };
  // The only one that is left may take as long as it wants: loading has no time limit.
  const silence = attempt.isLast ? undefined : createSilence(firstEventMs(request), signal);
  try {
    await take({ kind: "answering", backend: backend.name });
    await each(backend.run(request, silence?.signal ?? signal), (event) => {
      if (event.kind !== "loading" && !attempt.hasBegun) {
        silence?.end();
        attempt.hasBegun = true;
      }
      if (event.kind === "done") end.outcome = { kind: "answered", ...speedOf(event) };
      return take(event);
    });
  } catch (error) {
    const told = silence?.hasBeen() && !signal.aborted ? tooSilent(backend.name) : error;
    // Who has heard that it is done may leave: it has answered all the same.
    if (end.outcome.kind !== "answered") end.outcome = outcomeOf(told);
    throw told;
  } finally {
    silence?.end();
    attempt.seat.end(end.outcome);
  }
}

/** Aborts what has not begun in time, or when `signal` does. */
function createSilence(limitMs: number, signal: AbortSignal) {
  const silence = new AbortController();
  const timer = setTimeout(() => silence.abort(), limitMs);
  return {
    signal: AbortSignal.any([signal, silence.signal]),
    hasBeen: () => silence.signal.aborted,
    end: () => clearTimeout(timer),
  };
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
