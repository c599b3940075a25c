import type { AnswerEvent, Badge } from "./answer.ts";
import { costUsd } from "./cost.ts";
import type { AnswerStats } from "./model-event.ts";
import type { Route } from "./route.ts";

/** Watches the events of one answer and tells its badge at any time. */
export interface Tally {
  see(event: AnswerEvent): void;
  /** Undefined before the task was routed: there is nothing to say yet. */
  badge(outcome: Badge["outcome"]): Badge | undefined;
}

/** Shorter than this, it is seen how pieces are sent rather than how they are written. */
const enoughMs = 100;

/** @param nowMs a clock that never goes back, ms */
export function createTally(nowMs: () => number): Tally {
  const startMs = nowMs();
  let route: Route | undefined;
  let firstTokenAtMs: number | undefined;
  let lastTokenAtMs = startMs;
  let pieces = 0;
  let written = 0;
  let writtenFromMs: number | undefined;
  let stats: AnswerStats | undefined;
  let wasCut = false;
  let keptAtMs: number | undefined;

  const see = (event: AnswerEvent): void => {
    if (event.kind === "routed") route = event.route;
    if (event.kind === "text" || event.kind === "thinking") {
      firstTokenAtMs ??= nowMs();
      lastTokenAtMs = nowMs();
      pieces++;
    }
    if (event.kind === "writing") {
      firstTokenAtMs ??= nowMs();
      writtenFromMs ??= nowMs();
      lastTokenAtMs = nowMs();
      written = Math.max(written, event.answerTokens);
    }
    if (event.kind === "done") {
      stats = event.stats;
      wasCut = event.finish === "length";
      keptAtMs = event.keptAtMs;
    }
  };

  const badge = (outcome: Badge["outcome"]): Badge | undefined => {
    if (!route) return undefined;
    // What a review or a translation shows is not what its model said: there, what it was writing counts.
    const seenMs = lastTokenAtMs - (writtenFromMs ?? firstTokenAtMs ?? lastTokenAtMs);
    const tokens = stats?.answerTokens ?? Math.max(written, pieces);
    // One piece alone has no speed, nor have some that came at once.
    const ownMs = tokens > 1 && seenMs >= enoughMs ? seenMs : 0;
    const decodeMs = keptAtMs === undefined ? (stats?.decodeMs ?? ownMs) : 0;
    const cost = stats?.usage && keptAtMs === undefined ? costUsd(route.model, stats.usage) : undefined;
    return {
      route,
      outcome: outcome === "done" && wasCut ? "cut" : outcome,
      totalMs: nowMs() - startMs,
      estimated: stats?.estimated ?? stats === undefined,
      answerTokens: tokens,
      ...(firstTokenAtMs === undefined ? {} : { firstTokenMs: firstTokenAtMs - startMs }),
      ...(decodeMs > 0 && tokens > 0 ? { tokensPerSecond: (tokens / decodeMs) * 1000 } : {}),
      ...(stats ? { promptTokens: stats.promptTokens } : {}),
      ...(keptAtMs === undefined ? {} : { keptAtMs }),
      ...(cost === undefined ? {} : { costUsd: cost }),
    };
  };
  return { see, badge };
}
