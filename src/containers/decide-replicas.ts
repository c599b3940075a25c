// How many model servers there should be. Pure: what is waited for and what fits has been found out before.
import { type Message, msg } from "../core/message.ts";
import type { ModelLoad } from "../core/services.ts";

export interface ScaleLimits {
  readonly min: number;
  readonly max: number;
  /** How many the memory of the engine can hold. */
  readonly fitting: number;
  /** Answers that one server makes at once. */
  readonly slots: number;
}

export interface ScaleState {
  readonly servers: number;
  /** Since when one server less would have done; absent: it would not. */
  readonly spareSinceMs?: number;
  readonly changedAtMs?: number;
}

export type ScaleDecision =
  | { readonly kind: "keep"; readonly spareSinceMs?: number }
  | { readonly kind: "add"; readonly why: Message }
  | { readonly kind: "remove"; readonly why: Message };

export interface ScalePace {
  /** A question that waits longer than this is worth another server, which takes seconds to start. */
  readonly waitMs: number;
  readonly spareMs: number;
  /** After a change its effect is waited for. */
  readonly settleMs: number;
}

export const usualPace: ScalePace = { waitMs: 3_000, spareMs: 120_000, settleMs: 15_000 };
/** Share of the remaining servers that may be in use while one is called spare. */
const calmShare = 0.5;

export function decideReplicas(
  load: ModelLoad,
  state: ScaleState,
  limits: ScaleLimits,
  nowMs: number,
  pace: ScalePace = usualPace,
): ScaleDecision {
  const { servers, changedAtMs, spareSinceMs } = state;
  if (servers < limits.min && servers < limits.fitting) {
    return { kind: "add", why: msg("at least {0} are asked for", limits.min) };
  }
  const isSettling = changedAtMs !== undefined && nowMs - changedAtMs < pace.settleMs;
  const isWaited = load.waiting > 0 && load.longestWaitMs >= pace.waitMs;
  if (isWaited) {
    const mayGrow = servers < Math.min(limits.max, limits.fitting);
    if (isSettling || !mayGrow) return { kind: "keep" };
    const seconds = (load.longestWaitMs / 1000).toFixed(1);
    return { kind: "add", why: msg("{0} questions wait, the first for {1} s", load.waiting, seconds) };
  }
  const isSpare =
    servers > limits.min && load.waiting === 0 && load.inFlight <= (servers - 1) * limits.slots * calmShare;
  if (!isSpare) return { kind: "keep" };
  const since = spareSinceMs ?? nowMs;
  if (isSettling || nowMs - since < pace.spareMs) return { kind: "keep", spareSinceMs: since };
  return { kind: "remove", why: msg("one less was enough for {0} s", Math.round((nowMs - since) / 1000)) };
}
