// One queue for all model servers: a request is handed out when a node has a free slot. Measured against the usual ways of
// balancing it waits least, and only here can a request be refused, or leave, before anything was begun.
import { leavable } from "./leavable.ts";
import { msg } from "./message.ts";
import { healthAfter, healthy, mayTryAnyway, type NodeHealth, type NodeOutcome, slotsNow } from "./node-health.ts";
import { stream } from "./stream.ts";
import { TaskError } from "./task-error.ts";

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

interface Node {
  readonly name: string;
  inFlight: number;
  slots: number;
  health: NodeHealth;
  isDraining: boolean;
  tokensPerSecond?: number;
  /** Model to when it last answered there. */
  readonly usedAtMs: Map<string, number>;
  readonly onIdle: (() => void)[];
}

interface Waiter {
  readonly wish: Wish;
  readonly sinceMs: number;
  seat?: Seat;
  /** Absent while nobody waits for it. */
  changed?: PromiseWithResolvers<void>;
}

/** So long after an answer a model is taken to be loaded: servers keep one for five minutes by themselves. */
const loadedForMs = 5 * 60_000;
/** Weight of the newest answer in a node's speed. */
const newestShare = 0.3;
const mostConversations = 1000;

/** @param nowMs a clock that never goes back, ms */
export function createNodeQueue(nowMs: () => number): NodeQueue {
  const nodes = new Map<string, Node>();
  const conversations = new Map<string, string>();
  let waiting: Waiter[] = [];

  const nodeOf = ({ node, slots }: Candidate): Node => {
    const known = nodes.get(node) ?? createNode(node);
    known.slots = slots;
    nodes.set(node, known);
    return known;
  };
  const remember = ({ conversation }: Wish, node: string) => {
    if (conversation === undefined) return;
    conversations.delete(conversation);
    conversations.set(conversation, node);
    const [oldest] = conversations.keys();
    if (conversations.size > mostConversations && oldest !== undefined) conversations.delete(oldest);
  };
  const seatOn = (node: Node, wish: Wish): Seat => {
    const sinceMs = nowMs();
    node.inFlight++;
    remember(wish, node.name);
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
      const node = bestNode(waiter.wish, waiter.wish.candidates.map(nodeOf), conversations, nowMs());
      if (node) waiter.seat = seatOn(node, waiter.wish);
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
        let toldBefore = -1;
        try {
          while (!waiter.seat) {
            refuseHopeless(wish, wish.candidates.map(nodeOf), nowMs());
            const changed = Promise.withResolvers<void>();
            waiter.changed = changed;
            const before = waiting.indexOf(waiter);
            if (before !== toldBefore) await take({ kind: "waiting", before });
            toldBefore = before;
            if (!waiter.seat) await leavable(changed.promise, signal);
          }
          isHandedOver = true;
          await take({ kind: "seated", seat: waiter.seat });
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

function createNode(name: string): Node {
  return { name, inFlight: 0, slots: 1, health: healthy, isDraining: false, usedAtMs: new Map(), onIdle: [] };
}

function sawAnswer(node: Node, model: string, tokensPerSecond: number | undefined, nowMs: number): void {
  node.usedAtMs.set(model, nowMs);
  if (tokensPerSecond === undefined || !Number.isFinite(tokensPerSecond)) return;
  const before = node.tokensPerSecond ?? tokensPerSecond;
  node.tokensPerSecond = before + (tokensPerSecond - before) * newestShare;
}

interface Free {
  readonly node: Node;
  /** Requests it may have at once. */
  readonly slots: number;
}

/**
 * Who may be asked at all, busy or not. The only one there is is always asked: its own answer says more than ours. Where
 * all are in their pause, one request each finds out whether they are back.
 */
function askable(nodes: readonly Node[], nowMs: number): readonly Free[] {
  const staying = nodes.filter((node) => !node.isDraining);
  const [only] = staying;
  if (staying.length === 1 && only) return [{ node: only, slots: only.slots }];
  const well = staying
    .map((node) => ({ node, slots: slotsNow(node.health, node.slots, nowMs) }))
    .filter(({ slots }) => slots > 0);
  if (well.length > 0) return well;
  return staying
    .filter((node) => node.inFlight > 0 || mayTryAnyway(node.health, nowMs))
    .map((node) => ({ node, slots: 1 }));
}

/** Where the conversation was, else where the model is loaded, else who is fastest with what it has to do already. */
function bestNode(
  wish: Wish,
  candidates: readonly Node[],
  conversations: ReadonlyMap<string, string>,
  nowMs: number,
): Node | undefined {
  const free = askable(candidates, nowMs)
    .filter(({ node, slots }) => node.inFlight < slots)
    .map(({ node }) => node);
  const known = wish.conversation === undefined ? undefined : conversations.get(wish.conversation);
  const fastest = Math.max(1, ...free.map((node) => node.tokensPerSecond ?? 0));
  const rank = (node: Node) => ({
    conversation: node.name === known ? 1 : 0,
    loaded: nowMs - (node.usedAtMs.get(wish.model) ?? Number.NEGATIVE_INFINITY) < loadedForMs ? 1 : 0,
    // One that nobody knows yet gets its chance.
    speed: (node.tokensPerSecond ?? fastest) / (node.inFlight + 1),
  });
  let best: { readonly node: Node; readonly rank: ReturnType<typeof rank> } | undefined;
  for (const node of free) {
    const mine = rank(node);
    const difference = best
      ? mine.conversation - best.rank.conversation || mine.loaded - best.rank.loaded || mine.speed - best.rank.speed
      : 1;
    if (difference > 0) best = { node, rank: mine };
  }
  return best?.node;
}

/** @throws TaskError when waiting would be for nothing: all candidates have failed, or said that they are busy */
function refuseHopeless(wish: Wish, candidates: readonly Node[], nowMs: number): void {
  if (askable(candidates, nowMs).length > 0) return;
  const retryAfterMs = Math.max(0, Math.min(...candidates.map((node) => node.health.closedUntilMs)) - nowMs);
  const details = { retryAfterMs: Number.isFinite(retryAfterMs) ? retryAfterMs : 1_000 };
  const names = candidates.map((node) => node.name).join(", ");
  throw candidates.some((node) => node.health.reason === "busy")
    ? new TaskError(
        "server-error",
        msg("All servers that have {0} are busy: {1}. Try again in a moment.", wish.model, names),
        {
          details: { ...details, isBusy: true },
        },
      )
    : new TaskError(
        "server-unreachable",
        msg("None of the servers that have {0} answers: {1}. They are asked again in a moment.", wish.model, names),
        { details },
      );
}
