// How many tasks of a kind may be at work at once, and who is next. Before the model servers: only here can one be refused,
// or leave, before anything was begun.
import { leavable } from "./leavable.ts";
import { msg } from "./message.ts";
import { stream, type Take, through } from "./stream.ts";
import type { TaskKind } from "./task.ts";
import { TaskError } from "./task-error.ts";

/** Tasks of a kind that are answered at the same time. */
export const usualLimits: Readonly<Record<TaskKind, number>> = {
  review: 4,
  translate: 8,
  document: 2,
  create: 2,
  explain: 4,
  analyze: 4,
  code: 4,
  chat: 4,
};

export interface Turn {
  readonly kind: TaskKind;
  /** Clients take turns, so that one with many tasks does not keep the others out. */
  readonly client: string;
  /** Servers that can do it: so many times as many may be at work. */
  readonly servers?: number;
}

export interface Turns {
  /**
   * Begins the work when its turn has come; before that tells how many are before it, each time that changes. The turn
   * ends with the loop.
   * @throws TaskError `server-error`, busy, when too many wait already; AbortError
   */
  take<Event>(turn: Turn, work: () => AsyncIterable<Event>, signal: AbortSignal): AsyncIterable<Event | Waiting>;
  state(kind: TaskKind): { readonly working: number; readonly waiting: number };
  /** Tasks of all kinds that wait, and how long the first of them has, ms. */
  waiting(): { readonly count: number; readonly longestMs: number };
}

export interface Waiting {
  readonly kind: "waiting";
  readonly before: number;
}

interface Waiter {
  readonly client: string;
  readonly sinceMs: number;
  before: number;
  isNext: boolean;
  /** Absent while nobody waits for it. */
  changed: PromiseWithResolvers<void> | undefined;
}

interface Lane {
  /** Tasks at the same time. */
  limit: number;
  working: number;
  /** In the order in which they came. */
  waiting: Waiter[];
  /** Who was let in last, the latest at the end. */
  served: string[];
  meanMs: number;
}

export interface TurnLimits {
  readonly limits: Readonly<Record<TaskKind, number>>;
  /** Tasks of a kind that may wait. */
  readonly maxWaiting: number;
}

/** @param nowMs a clock that never goes back, ms */
export function createTurns({ limits, maxWaiting }: TurnLimits, nowMs: () => number): Turns {
  const lanes = new Map<TaskKind, Lane>();
  const laneOf = (kind: TaskKind): Lane => {
    const lane = lanes.get(kind) ?? { limit: limits[kind], working: 0, waiting: [], served: [], meanMs: 2_000 };
    lanes.set(kind, lane);
    return lane;
  };
  return {
    take: <Event>({ kind, client, servers = 1 }: Turn, work: () => AsyncIterable<Event>, signal: AbortSignal) =>
      stream<Event | Waiting>(async (take) => {
        signal.throwIfAborted();
        const lane = laneOf(kind);
        lane.limit = limits[kind] * servers;
        if (lane.working >= lane.limit && lane.waiting.length >= maxWaiting) throw tooMany(lane);
        const waiter: Waiter = { client, sinceMs: nowMs(), before: -1, isNext: false, changed: undefined };
        lane.waiting.push(waiter);
        letIn(lane);
        let startMs: number | undefined;
        try {
          if (!waiter.isNext) await wait(waiter, take, signal);
          startMs = nowMs();
          await through(work(), take);
        } finally {
          if (waiter.isNext) lane.working--;
          else lane.waiting = lane.waiting.filter((other) => other !== waiter);
          if (startMs !== undefined) lane.meanMs += (nowMs() - startMs - lane.meanMs) * 0.2;
          letIn(lane);
        }
      }),
    state(kind) {
      const { working, waiting } = laneOf(kind);
      return { working, waiting: waiting.length };
    },
    waiting() {
      const all = [...lanes.values()].flatMap(({ waiting }) => waiting);
      const sinceMs = Math.min(nowMs(), ...all.map((waiter) => waiter.sinceMs));
      return { count: all.length, longestMs: nowMs() - sinceMs };
    },
  };
}

/** Ends when it is this one's turn. */
async function wait(waiter: Waiter, take: Take<Waiting>, signal: AbortSignal): Promise<void> {
  let told = -1;
  while (!waiter.isNext) {
    const changed = Promise.withResolvers<void>();
    waiter.changed = changed;
    const { before } = waiter;
    if (before !== told) await take({ kind: "waiting", before });
    told = before;
    if (!waiter.isNext) await leavable(changed.promise, signal);
  }
}

/** Lets in as many as may, and tells those who go on waiting. */
function letIn(lane: Lane): void {
  if (lane.waiting.length === 0) return;
  const inOrder = orderOf(lane);
  while (lane.working < lane.limit) {
    const next = inOrder.shift();
    if (!next) break;
    lane.working++;
    next.isNext = true;
    lane.waiting = lane.waiting.filter((each) => each !== next);
    if (lane.served.at(-1) !== next.client)
      lane.served = [...lane.served.filter((each) => each !== next.client), next.client].slice(-1000);
    next.changed?.resolve();
  }
  for (const [before, waiter] of inOrder.entries()) {
    if (waiter.before === before) continue;
    waiter.before = before;
    waiter.changed?.resolve();
  }
}

/** Everybody's first task before anybody's second; the client that was served longest ago comes first. */
function orderOf({ waiting, served }: Lane): Waiter[] {
  if (waiting.length < 2) return [...waiting];
  const lastServed = new Map(served.map((client, index) => [client, index]));
  const counts = new Map<string, number>();
  return waiting
    .map((waiter) => {
      const round = counts.get(waiter.client) ?? 0;
      counts.set(waiter.client, round + 1);
      return { waiter, round, since: lastServed.get(waiter.client) ?? -1 };
    })
    .sort((a, b) => a.round - b.round || a.since - b.since)
    .map(({ waiter }) => waiter);
}

function tooMany(lane: Lane): TaskError {
  const ms = (lane.meanMs * (lane.waiting.length + 1)) / lane.limit;
  return new TaskError("server-error", msg("Too many tasks of this kind are waiting already. Ask again later."), {
    details: { isBusy: true, retryAfterMs: Math.min(60_000, Math.max(1_000, ms)) },
  });
}
