// How a model server is, in one word, for people and programs.
import type { NodeState } from "./node-queue.ts";

/** `resting`: it failed, and is asked again in a moment. `returning`: it answered again and gets more bit by bit. */
export type NodeCondition = "ready" | "busy" | "resting" | "returning" | "leaving";

/** @param nowMs of the clock that the queue goes by */
export function nodeCondition({ health, isDraining }: NodeState, nowMs: number): NodeCondition {
  if (isDraining) return "leaving";
  if (nowMs < health.closedUntilMs) return health.reason === "busy" ? "busy" : "resting";
  return health.allowance === undefined ? "ready" : "returning";
}
