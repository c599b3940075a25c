import type { AnswerEvent, Badge } from "./answer.ts";
import type { AnswerStats } from "./model-event.ts";
import type { Route } from "./route.ts";

/** Watches the events of one answer and tells its badge at any time. */
export interface Tally {
  see(event: AnswerEvent): void;
  /** Undefined before the task was routed: there is nothing to say yet. */
  badge(outcome: Badge["outcome"]): Badge | undefined;
}

/** @param nowMs a clock that never goes back, ms */
export function createTally(nowMs: () => number): Tally {
  const startMs = nowMs();
  let route: Route | undefined;
  let firstTokenAtMs: number | undefined;
  let lastTokenAtMs = startMs;
  let pieces = 0;
  let stats: AnswerStats | undefined;
  let wasCut = false;

  const see = (event: AnswerEvent): void => {
    if (event.kind === "routed") route = event.route;
    if (event.kind === "text" || event.kind === "thinking") {
      firstTokenAtMs ??= nowMs();
      lastTokenAtMs = nowMs();
      pieces++;
    }
    if (event.kind === "done") {
      stats = event.stats;
      wasCut = event.finish === "length";
    }
  };

  const badge = (outcome: Badge["outcome"]): Badge | undefined => {
    if (!route) return undefined;
    const seenMs = lastTokenAtMs - (firstTokenAtMs ?? lastTokenAtMs);
    // What a review or a translation shows is not what its model said: until it told its figures there are none.
    const isCounted = stats !== undefined || !["review", "translate"].includes(route.task);
    const tokens = stats?.answerTokens ?? pieces;
    const decodeMs = stats?.decodeMs ?? seenMs;
    return {
      route,
      outcome: outcome === "done" && wasCut ? "cut" : outcome,
      totalMs: nowMs() - startMs,
      estimated: stats?.estimated ?? stats === undefined,
      ...(isCounted ? { answerTokens: tokens } : {}),
      ...(firstTokenAtMs === undefined ? {} : { firstTokenMs: firstTokenAtMs - startMs }),
      ...(isCounted && decodeMs > 0 && tokens > 0 ? { tokensPerSecond: (tokens / decodeMs) * 1000 } : {}),
      ...(stats ? { promptTokens: stats.promptTokens } : {}),
    };
  };
  return { see, badge };
}
