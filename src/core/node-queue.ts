// One queue for all model servers: a request is handed out when a node has a free slot. Measured against the usual ways of
// balancing it waits least, and only here can a request be refused, or leave, before anything was begun.
import { bestNode, createNode, type Node, refuseHopeless, sawAnswer } from "./choose-node.ts";
import { leavable } from "./leavable.ts";
import { healthAfter, type NodeHealth, type NodeOutcome } from "./node-health.ts";
import { stream, type Take } from "./stream.ts";

/** A server that could answer a request. */
export interface Candidate {
  readonly node: string;
  /** Requests it works on at the same time. */
  readonly slots: number;
}

export interface Wish {
  readonly model: string;
  /** Best first where nothing else tells them apart. */
  readonly candidates: readonly Candidate[];
  /** Its beginning is best read where it was read before. */
  readonly conversation?: string;
}

/** A slot of a node, to be given back once. */
export interface Seat {
  readonly node: string;
  end(outcome: NodeOutcome): void;
}

export type Standing =
  /** So many were there before, and are still waiting. */
  { readonly kind: "waiting"; readonly before: number } | { readonly kind: "seated"; readonly seat: Seat };

export interface NodeState {
  readonly node: string;
  readonly inFlight: number;
  readonly health: NodeHealth;
  readonly isDraining: boolean;
  /** Generated tokens a second, averaged over its last answers; absent before the first. */
  readonly tokensPerSecond?: number;
}

export interface NodeQueue {
  /**
   * Waits for a free slot of the best candidate; yields `seated` once, last. Leaving the loop gives the place up.
   * @throws TaskError `server-unreachable` or `server-error` when none of several may be asked now; AbortError
   */
  enter(wish: Wish, signal: AbortSignal): AsyncIterable<Standing>;
  state(): readonly NodeState[];
  /** Requests that wait, and how long the first of them has, ms. */
  waiting(): { readonly count: number; readonly longestMs: number };
  /** Asks nothing new of the node; resolves when nothing is in flight there. */
  drain(node: string): Promise<void>;
  /** Takes back `drain`. */
  admit(node: string): void;
}

interface Waiter {
  readonly wish: Wish;
  readonly sinceMs: number;
  seat?: Seat;
  /** Absent while nobody waits for it. */
  changed?: PromiseWithResolvers<void>;
}

const mostConversations = 1000;

/** @param nowMs a clock that never goes back, ms */
export function createNodeQueue(nowMs: () => number): NodeQueue {
  const nodes = new Map<string, Node>();
  const lastNodes = createLastNodes();
  let waiting: Waiter[] = [];

  const nodeOf = ({ node, slots }: Candidate): Node => {
    const known = nodes.get(node) ?? createNode(node);
    known.slots = slots;
    nodes.set(node, known);
    return known;
  };
  const seatOn = (node: Node, wish: Wish): Seat => {
    const sinceMs = nowMs();
    node.inFlight++;
    lastNodes.see(wish.conversation, node.name);
    let isOver = false;
    return {
      node: node.name,
      end(outcome) {
        if (isOver) return;
        isOver = true;
        node.inFlight--;
        node.health = healthAfter(node.health, outcome, { slots: node.slots, sinceMs, nowMs: nowMs() });
        if (outcome.kind === "answered") sawAnswer(node, wish.model, outcome.tokensPerSecond, nowMs());
        if (node.inFlight === 0) for (const tell of node.onIdle.splice(0)) tell();
        dispatch();
      },
    };
  };
  /** Hands out every free slot, to those who came first, and tells the others that something changed. */
  const dispatch = () => {
    if (waiting.length === 0) return;
    for (const waiter of waiting) {
      const { wish } = waiter;
      const node = bestNode(wish, wish.candidates.map(nodeOf), lastNodes.of(wish.conversation), nowMs());
      if (node) waiter.seat = seatOn(node, wish);
    }
    const told = waiting;
    waiting = waiting.filter((each) => !each.seat);
    for (const waiter of told) waiter.changed?.resolve();
  };
  const leave = (waiter: Waiter) => {
    waiting = waiting.filter((each) => each !== waiter);
    dispatch();
  };

  return {
    enter: (wish, signal) =>
      stream(async (take) => {
        signal.throwIfAborted();
        const waiter: Waiter = { wish, sinceMs: nowMs() };
        waiting.push(waiter);
        dispatch();
        let isHandedOver = false;
        try {
          const seat =
            waiter.seat ??
            (await wait(waiter, {
              take,
              signal,
              before: () => waiting.indexOf(waiter),
              refuse: () => refuseHopeless(wish, wish.candidates.map(nodeOf), nowMs()),
            }));
          isHandedOver = true;
          await take({ kind: "seated", seat });
        } finally {
          if (!waiter.seat) leave(waiter);
          else if (!isHandedOver) waiter.seat.end({ kind: "left" });
        }
      }),
    state: () =>
      [...nodes.values()].map(({ name, inFlight, health, isDraining, tokensPerSecond }) => ({
        node: name,
        inFlight,
        health,
        isDraining,
        ...(tokensPerSecond === undefined ? {} : { tokensPerSecond }),
      })),
    waiting: () => ({ count: waiting.length, longestMs: waiting[0] ? nowMs() - waiting[0].sinceMs : 0 }),
    async drain(name) {
      const node = nodeOf({ node: name, slots: nodes.get(name)?.slots ?? 1 });
      node.isDraining = true;
      if (node.inFlight > 0) await new Promise<void>((resolve) => node.onIdle.push(resolve));
    },
    admit(name) {
      const node = nodes.get(name);
      if (node) node.isDraining = false;
      dispatch();
    },
  };
}

interface Waiting {
  readonly take: Take<Standing>;
  readonly signal: AbortSignal;
  /** How many are before it. */
  readonly before: () => number;
  /** Throws where waiting would be for nothing. */
  readonly refuse: () => void;
}

/** Ends with its seat; tells how many are before it, each time that changes. */
async function wait(waiter: Waiter, { take, signal, before, refuse }: Waiting): Promise<Seat> {
  let told = -1;
  for (;;) {
    if (waiter.seat) return waiter.seat;
    refuse();
    const changed = Promise.withResolvers<void>();
    waiter.changed = changed;
    const now = before();
    if (now !== told) await take({ kind: "waiting", before: now });
    told = now;
    if (!waiter.seat) await leavable(changed.promise, signal);
  }
}

/** Where each conversation was last: the beginning of a prompt is best read where it was read before. */
function createLastNodes() {
  const nodes = new Map<string, string>();
  return {
    of: (conversation: string | undefined) => (conversation === undefined ? undefined : nodes.get(conversation)),
    see(conversation: string | undefined, node: string): void {
      if (conversation === undefined) return;
      nodes.delete(conversation);
      nodes.set(conversation, node);
      const [oldest] = nodes.keys();
      if (nodes.size > mostConversations && oldest !== undefined) nodes.delete(oldest);
    },
  };
}
