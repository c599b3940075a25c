// Runs a request on the best of the servers that have its model, and on another one where the first fails before
// anything of the answer was there.
import type { Backend, InstalledModel, ModelRequest } from "../core/backend.ts";
import { msg } from "../core/message.ts";
import type { ModelEvent } from "../core/model-event.ts";
import type { NodeOutcome } from "../core/node-health.ts";
import type { NodeQueue, Seat } from "../core/node-queue.ts";
import { beside, each, stream, type Take } from "../core/stream.ts";
import { isAbort, TaskError } from "../core/task-error.ts";
import { allFailed, couldElsewhere, type Failed, givenUp, noAnswer, outcomeOf } from "./node-failures.ts";
import { type Patience, Silence, usualPatience, type Watch } from "./patience.ts";

/** A server that has the model of a request, and may see it. */
export interface ModelNode {
  readonly model: InstalledModel;
  readonly backend: Backend;
  /** Instead of the backend's own. */
  readonly run?: (request: ModelRequest, signal: AbortSignal) => AsyncIterable<ModelEvent>;
}

export interface NodeParts {
  readonly queue: NodeQueue;
  /** Requests that a server works on at the same time. */
  readonly slotsOf: (backend: Backend) => number;
  readonly patience?: Patience;
}

/**
 * @returns every event of the answer; before it `waiting` and `answering`, the latter again for each server that is tried
 * @throws TaskError `no-answer` when servers, and the queue between them, were silent for as long as there is patience;
 * what the server said where only one was asked, and the kind of the last one's failure where several were
 */
export type RunOnNodes = (
  nodes: readonly ModelNode[],
  request: ModelRequest,
  signal: AbortSignal,
) => AsyncIterable<ModelEvent>;

/** One request on its way from server to server. */
interface Way extends NodeParts, Failed {
  readonly patience: Patience;
  readonly take: Take<ModelEvent>;
  readonly signal: AbortSignal;
  readonly failures: TaskError[];
  /** Silence that is still borne, ms. */
  leftMs: number;
}

/** Each server is tried once at most. */
export function createRunOnNodes(parts: NodeParts): RunOnNodes {
  const { patience = usualPatience } = parts;
  return (nodes, request, signal) =>
    stream(async (take) => {
      const totalMs = patience.totalMs(request);
      const way: Way = { ...parts, patience, request, take, signal, failures: [], totalMs, leftMs: totalMs };
      let left = nodes;
      while (left.length > 0) {
        const seat = await seatOn(left, way);
        const node = left.find(({ backend }) => backend.name === seat?.node);
        if (!node || !seat) throw way.failures[0] ?? new Error("no node was chosen");
        left = left.filter((other) => other !== node);
        const isLast = left.length === 0;
        // The only one there is may take as long as it wants while it is there: loading has no time limit.
        const limitMs = nodes.length === 1 ? undefined : isLast ? way.leftMs : way.leftMs / 2;
        const attempt: Attempt = { node, seat, isLast, limitMs, hasBegun: false };
        try {
          await tryNode(attempt, way);
          return;
        } catch (error) {
          if (attempt.hasBegun || !couldElsewhere(error)) throw error;
          way.failures.push(error);
        }
      }
      throw allFailed(way);
    });
}

/** Where one has failed already, what is waited here counts as well: before that it is the others' turn. */
async function seatOn(nodes: readonly ModelNode[], way: Way): Promise<Seat | undefined> {
  if (way.failures.length === 0) return enter(nodes, way, way.signal);
  const silence = new Silence({ limitMs: way.leftMs }, way.signal);
  try {
    return await enter(nodes, way, silence.signal);
  } catch (error) {
    if (silence.why) throw noAnswer(way, [msg("The others were busy all the time.")]);
    throw isAbort(error) ? error : allFailed(way);
  } finally {
    way.leftMs -= silence.over();
    silence.dispose();
  }
}

async function enter(
  nodes: readonly ModelNode[],
  { request, queue, slotsOf, failures, take }: Way,
  signal: AbortSignal,
): Promise<Seat | undefined> {
  const wish = {
    model: request.model,
    candidates: nodes.map(({ backend }) => ({ node: backend.name, slots: slotsOf(backend) })),
    ...(request.conversation === undefined ? {} : { conversation: request.conversation }),
    hadItsTurn: failures.length > 0,
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
  /** How long it may be silent before its answer begins, ms; undefined: as long as it wants. */
  readonly limitMs: number | undefined;
  /** Something of the answer was there. */
  hasBegun: boolean;
}

/** Gives the seat back, with how it went. */
async function tryNode(attempt: Attempt, way: Way): Promise<void> {
  const { backend, run } = attempt.node;
  const end: { outcome: NodeOutcome } = { outcome: { kind: "left" } };
  const silence = new Silence(watchOf(attempt, way.patience), way.signal);
  try {
    await way.take({ kind: "answering", backend: backend.name });
    const { signal } = silence;
    const events = run ? run(way.request, signal) : backend.run(way.request, signal);
    await beside(events, way.take, (event) => {
      if (event.kind === "loading") silence.goOn();
      else if (!attempt.hasBegun) {
        silence.over();
        attempt.hasBegun = true;
      }
      if (event.kind === "done") end.outcome = { kind: "answered", ...speedOf(event) };
      return way.take(event);
    });
  } catch (error) {
    const told = silence.why && !way.signal.aborted ? givenUp(backend.name, silence.why, silence.over()) : error;
    // Who has heard that it is done may leave: it has answered all the same.
    if (end.outcome.kind !== "answered") end.outcome = outcomeOf(told);
    throw told;
  } finally {
    way.leftMs -= silence.over();
    silence.dispose();
    attempt.seat.end(end.outcome);
  }
}

function watchOf({ node: { backend }, isLast, limitMs }: Attempt, { lookEveryMs, signMs }: Patience): Watch {
  const isThere = (signal: AbortSignal) => saysSomething(backend, signal);
  return { limitMs, look: { everyMs: lookEveryMs, signMs: isLast ? signMs.last : signMs.usual, isThere } };
}

/** Whatever it says: one that answers this is at work, and one that does not has frozen, or its machine is gone. */
function saysSomething(backend: Backend, signal: AbortSignal): Promise<boolean> {
  return backend.models(signal).then(
    () => true,
    (error: unknown) => error instanceof TaskError && error.kind !== "server-unreachable",
  );
}

function speedOf({ stats }: Extract<ModelEvent, { kind: "done" }>): { readonly tokensPerSecond?: number } {
  // Of a few tokens no speed can be told.
  if (stats.answerTokens < 8 || stats.decodeMs <= 0) return {};
  return { tokensPerSecond: (stats.answerTokens / stats.decodeMs) * 1000 };
}
