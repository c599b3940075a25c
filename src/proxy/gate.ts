// How many may be at work at once, and who is next. Kept here rather than in the model servers: only here can one be
// refused, or leave, before anything was begun.
import type { TaskKind } from "../core/task.ts";
import { ProxyError } from "./proxy-error.ts";

/** Requests of a kind that are answered at the same time. */
export const defaultLimits: Readonly<Record<TaskKind, number>> = {
  review: 4,
  translate: 8,
  document: 2,
  create: 2,
  explain: 4,
  analyze: 4,
  code: 4,
  chat: 4,
};

export interface Gate {
  /**
   * Waits for a place; call what it returns to give the place back.
   * @param client clients take turns, so that one with many requests does not keep the others out
   * @throws ProxyError 429 when the queue is full; AbortError when the client leaves
   */
  enter(kind: TaskKind, client: string, signal: AbortSignal): Promise<() => void>;
  state(kind: TaskKind): { readonly working: number; readonly waiting: number };
}

interface Waiting {
  readonly client: string;
  readonly start: () => void;
}

interface Lane {
  working: number;
  waiting: Waiting[];
  /** Who was let in last, the latest at the end. */
  served: string[];
  meanMs: number;
}

/** @param nowMs a clock that never goes back, ms */
export function createGate(limits: Readonly<Record<TaskKind, number>>, maxWaiting: number, nowMs: () => number): Gate {
  const lanes = new Map<TaskKind, Lane>();
  const laneOf = (kind: TaskKind): Lane => {
    const lane = lanes.get(kind) ?? { working: 0, waiting: [], served: [], meanMs: 2_000 };
    lanes.set(kind, lane);
    return lane;
  };
  const begin = (lane: Lane, client: string): (() => void) => {
    lane.served = [...lane.served.filter((each) => each !== client), client].slice(-maxWaiting);
    const startMs = nowMs();
    let isOver = false;
    return () => {
      if (isOver) return;
      isOver = true;
      lane.meanMs += (nowMs() - startMs - lane.meanMs) * 0.2;
      const next = takeNext(lane);
      if (next) next.start();
      else lane.working--;
    };
  };
  return {
    async enter(kind, client, signal) {
      signal.throwIfAborted();
      const lane = laneOf(kind);
      if (lane.working < limits[kind]) {
        lane.working++;
        return begin(lane, client);
      }
      if (lane.waiting.length >= maxWaiting) throw full(lane, limits[kind]);
      await waitIn(lane, client, signal);
      return begin(lane, client);
    },
    state(kind) {
      const lane = laneOf(kind);
      return { working: lane.working, waiting: lane.waiting.length };
    },
  };
}

/** Resolves when it is this one's turn; the place it takes is the one that became free. */
function waitIn(lane: Lane, client: string, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const leave = () => {
      lane.waiting = lane.waiting.filter((each) => each !== entry);
      reject(new DOMException("The client left", "AbortError"));
    };
    const entry: Waiting = {
      client,
      start: () => {
        signal.removeEventListener("abort", leave);
        resolve();
      },
    };
    lane.waiting.push(entry);
    signal.addEventListener("abort", leave, { once: true });
  });
}

/** The first one of the client that was served longest ago. */
function takeNext(lane: Lane): Waiting | undefined {
  let next: Waiting | undefined;
  let since = Number.POSITIVE_INFINITY;
  for (const each of lane.waiting) {
    const at = lane.served.indexOf(each.client);
    if (at >= since) continue;
    next = each;
    since = at;
  }
  lane.waiting = lane.waiting.filter((each) => each !== next);
  return next;
}

function full(lane: Lane, limit: number): ProxyError {
  const seconds = Math.ceil((lane.meanMs * (lane.waiting.length + 1)) / limit / 1000);
  return new ProxyError(429, "Too many requests of this kind are waiting already. Ask again later.", {
    retryAfterSeconds: Math.min(60, Math.max(1, seconds)),
  });
}
