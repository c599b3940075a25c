// Whether a model server may be asked now: a circuit breaker with a slow start. Pure; the caller brings the clock.

/** How a request to a node ended. `left`: neither good nor bad for the node. */
export type NodeOutcome =
  | { readonly kind: "answered"; readonly tokensPerSecond?: number }
  | { readonly kind: "failed" }
  | { readonly kind: "busy"; readonly retryAfterMs: number }
  | { readonly kind: "left" };

export interface NodeHealth {
  /** Failures since the last answer. */
  readonly failures: number;
  /** Nothing is asked before this, ms of the caller's clock. */
  readonly closedUntilMs: number;
  /** Why it is not asked: it failed, or it said itself that it is busy. */
  readonly reason: "none" | "failed" | "busy";
  /** When it was last closed. */
  readonly closedAtMs: number;
  /** Requests it may have at once while it is coming back; undefined: all it takes. */
  readonly allowance?: number;
}

export const healthy: NodeHealth = {
  failures: 0,
  closedUntilMs: 0,
  reason: "none",
  closedAtMs: Number.NEGATIVE_INFINITY,
};

/** The first failure may be chance. */
const failuresToOpen = 2;
const firstPauseMs = 1_000;
const longestPauseMs = 60_000;
const restMs = 100;

/**
 * How many requests the node may have at once. After a pause exactly one goes through; each answer lets one more in,
 * until it takes all its slots again.
 */
export function slotsNow(health: NodeHealth, slots: number, nowMs: number): number {
  if (nowMs < health.closedUntilMs) return 0;
  return health.allowance === undefined ? slots : Math.min(slots, health.allowance);
}

/**
 * Whether one request may be tried although the node is in its pause, because there is no other: it may be back, and
 * a question that could have been answered must not be refused. Not at once after it failed, or it would never rest.
 */
export function mayTryAnyway(health: NodeHealth, nowMs: number): boolean {
  return health.reason === "failed" && nowMs - health.closedAtMs >= restMs;
}

/** A request that ended: when it began, and when it ended, ms of a clock that never goes back. */
export interface NodeUse {
  readonly slots: number;
  readonly sinceMs: number;
  readonly nowMs: number;
}

/** The health after a request ended. */
export function healthAfter(health: NodeHealth, outcome: NodeOutcome, { slots, sinceMs, nowMs }: NodeUse): NodeHealth {
  // What was under way when the node fell falls with it: one failure and not many. Nor does it show that it is back.
  const isOfBefore = health.allowance !== undefined && sinceMs < health.closedAtMs;
  switch (outcome.kind) {
    case "left":
      return health;
    case "busy": {
      const closedUntilMs = Math.max(health.closedUntilMs, nowMs + outcome.retryAfterMs);
      return { ...health, closedUntilMs, closedAtMs: nowMs, reason: "busy", allowance: 1 };
    }
    case "failed": {
      if (isOfBefore) return health;
      const failures = health.failures + 1;
      if (failures < failuresToOpen) return { ...health, failures };
      const pauseMs = Math.min(longestPauseMs, firstPauseMs * 2 ** (failures - failuresToOpen));
      return { failures, closedUntilMs: nowMs + pauseMs, reason: "failed", closedAtMs: nowMs, allowance: 1 };
    }
    case "answered": {
      if (isOfBefore) return health;
      if (health.allowance === undefined) return healthy;
      const allowance = health.allowance + 1;
      return allowance >= slots ? healthy : { ...healthy, allowance, closedAtMs: health.closedAtMs };
    }
  }
}
