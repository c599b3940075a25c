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
  /** Its turn had come, on a node that failed: it was there before all that wait. */
  readonly hadItsTurn?: boolean;
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
  return new Queue(nowMs);
}

class Queue implements NodeQueue {
  readonly #nowMs: () => number;
  readonly #nodes = new Map<string, Node>();
  readonly #lastNodes = createLastNodes();
  #waiting: Waiter[] = [];

  constructor(nowMs: () => number) {
    this.#nowMs = nowMs;
  }

  enter(wish: Wish, signal: AbortSignal): AsyncIterable<Standing> {
    return stream(async (take) => {
      signal.throwIfAborted();
      const waiter: Waiter = { wish, sinceMs: this.#nowMs() };
      if (wish.hadItsTurn) this.#waiting.unshift(waiter);
      else this.#waiting.push(waiter);
      this.#dispatch();
      let isHandedOver = false;
      try {
        const seat =
          waiter.seat ??
          (await wait(waiter, {
            take,
            signal,
            before: () => this.#waiting.indexOf(waiter),
            refuse: () => refuseHopeless(wish, this.#nodesOf(wish), this.#nowMs()),
          }));
        isHandedOver = true;
        await take({ kind: "seated", seat });
      } finally {
        if (!waiter.seat) this.#leave(waiter);
        else if (!isHandedOver) waiter.seat.end({ kind: "left" });
      }
    });
  }

  state(): readonly NodeState[] {
    return [...this.#nodes.values()].map(({ name, inFlight, health, isDraining, tokensPerSecond }) => ({
      node: name,
      inFlight,
      health,
      isDraining,
      ...(tokensPerSecond === undefined ? {} : { tokensPerSecond }),
    }));
  }

  waiting() {
    const nowMs = this.#nowMs();
    const sinceMs = Math.min(nowMs, ...this.#waiting.map((waiter) => waiter.sinceMs));
    return { count: this.#waiting.length, longestMs: nowMs - sinceMs };
  }

  async drain(name: string): Promise<void> {
    const node = this.#nodeOf({ node: name, slots: this.#nodes.get(name)?.slots ?? 1 });
    node.isDraining = true;
    if (node.inFlight > 0) await new Promise<void>((resolve) => node.onIdle.push(resolve));
  }

  admit(name: string): void {
    const node = this.#nodes.get(name);
    if (node) node.isDraining = false;
    this.#dispatch();
  }

  #nodeOf({ node, slots }: Candidate): Node {
    const known = this.#nodes.get(node) ?? createNode(node);
    known.slots = slots;
    this.#nodes.set(node, known);
    return known;
  }

  #nodesOf({ candidates }: Wish): readonly Node[] {
    return candidates.map((candidate) => this.#nodeOf(candidate));
  }

  /** Hands out every free slot, to those who came first, and tells the others that something changed. */
  #dispatch(): void {
    if (this.#waiting.length === 0) return;
    const told = this.#waiting;
    for (const waiter of told) {
      const { wish } = waiter;
      const node = bestNode(wish, this.#nodesOf(wish), this.#lastNodes.of(wish.conversation), this.#nowMs());
      if (node) waiter.seat = this.#seatOn(node, wish);
    }
    this.#waiting = told.filter((each) => !each.seat);
    for (const waiter of told) waiter.changed?.resolve();
  }

  #seatOn(node: Node, { model, conversation }: Wish): Seat {
    const sinceMs = this.#nowMs();
    node.inFlight++;
    this.#lastNodes.see(conversation, node.name);
    let isOver = false;
    return {
      node: node.name,
      end: (outcome) => {
        if (isOver) return;
        isOver = true;
        const nowMs = this.#nowMs();
        node.inFlight--;
        node.health = healthAfter(node.health, outcome, { slots: node.slots, sinceMs, nowMs });
        if (outcome.kind === "answered") sawAnswer(node, model, outcome.tokensPerSecond, nowMs);
        if (node.inFlight === 0) for (const tell of node.onIdle.splice(0)) tell();
        this.#dispatch();
      },
    };
  }

  #leave(waiter: Waiter): void {
    this.#waiting = this.#waiting.filter((each) => each !== waiter);
    this.#dispatch();
  }
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
