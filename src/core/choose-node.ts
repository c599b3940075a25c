// Which model server is asked next, by what is known of each.
import { msg } from "./message.ts";
import { healthy, mayTryAnyway, type NodeHealth, slotsNow } from "./node-health.ts";
import { TaskError } from "./task-error.ts";

export interface Node {
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

/** So long after an answer a model is taken to be loaded: servers keep one for five minutes by themselves. */
const loadedForMs = 5 * 60_000;
/** Weight of the newest answer in a node's speed. */
const newestShare = 0.3;

export function createNode(name: string): Node {
  return { name, inFlight: 0, slots: 1, health: healthy, isDraining: false, usedAtMs: new Map(), onIdle: [] };
}

export function sawAnswer(node: Node, model: string, tokensPerSecond: number | undefined, nowMs: number): void {
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
export function bestNode(
  wish: { readonly model: string },
  candidates: readonly Node[],
  /** Name of the node that had this conversation last. */
  before: string | undefined,
  nowMs: number,
): Node | undefined {
  const free = askable(candidates, nowMs)
    .filter(({ node, slots }) => node.inFlight < slots)
    .map(({ node }) => node);
  const fastest = Math.max(1, ...free.map((node) => node.tokensPerSecond ?? 0));
  const rank = (node: Node) => ({
    conversation: node.name === before ? 1 : 0,
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

/**
 * One that is about to go is there again soon, made anew, or is known to be gone: that is waited for.
 * @throws TaskError when waiting would be for nothing: all candidates have failed, or said that they are busy
 */
export function refuseHopeless(wish: { readonly model: string }, candidates: readonly Node[], nowMs: number): void {
  if (candidates.some((node) => node.isDraining) || askable(candidates, nowMs).length > 0) return;
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
