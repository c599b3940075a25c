import type { AnswerEvent } from "./answer.ts";
import type { LoadedModel } from "./backend.ts";
import type { MonitorPoint } from "./page-protocol.ts";

export interface Totals {
  readonly answers: number;
  readonly errors: number;
  readonly answerTokens: number;
}

/** Counts what answers do and keeps the last ten minutes of it. */
export interface Monitor {
  /** Passes the events of one answer on, counting them. */
  watch(events: AsyncIterable<AnswerEvent>): AsyncIterable<AnswerEvent>;
  /** Takes one point from what was counted since the last one. */
  sample(outside: { readonly loaded: readonly LoadedModel[]; readonly cpu: number }): readonly MonitorPoint[];
  totals(): Totals;
}

const keepMs = 10 * 60_000;

/** @param nowMs a clock that never goes back, ms; @param dateMs the time of day, Unix ms */
export function createMonitor(nowMs: () => number, dateMs: () => number): Monitor {
  let points: readonly MonitorPoint[] = [];
  let totals: Totals = { answers: 0, errors: 0, answerTokens: 0 };
  let piecesSince = 0;
  let sinceMs = nowMs();
  let firstTokenMs: number | undefined;

  return {
    async *watch(events) {
      const startMs = nowMs();
      let begun = false;
      let pieces = 0;
      let written = 0;
      let counted = false;
      try {
        for await (const event of events) {
          if (event.kind === "text" || event.kind === "thinking") {
            if (!begun) firstTokenMs = nowMs() - startMs;
            begun = true;
            pieces++;
            piecesSince++;
          }
          if (event.kind === "writing") {
            begun = true;
            piecesSince += Math.max(0, event.answerTokens - written);
            written = event.answerTokens;
          }
          if (event.kind === "done") {
            totals = {
              ...totals,
              answers: totals.answers + 1,
              answerTokens: totals.answerTokens + event.stats.answerTokens,
            };
            counted = true;
          }
          yield event;
        }
      } catch (error) {
        if (!(error instanceof Error && error.name === "AbortError")) totals = { ...totals, errors: totals.errors + 1 };
        throw error;
      } finally {
        if (!counted) totals = { ...totals, answerTokens: totals.answerTokens + pieces };
      }
    },
    sample({ loaded, cpu }) {
      const seconds = Math.max(0.001, (nowMs() - sinceMs) / 1000);
      const point: MonitorPoint = {
        atMs: dateMs(),
        tokensPerSecond: piecesSince / seconds,
        modelBytes: loaded.reduce((sum, model) => sum + model.sizeBytes, 0),
        cpu,
        errors: totals.errors,
        ...(firstTokenMs === undefined ? {} : { firstTokenMs }),
      };
      piecesSince = 0;
      sinceMs = nowMs();
      points = [...points.filter((each) => each.atMs > point.atMs - keepMs), point];
      return points;
    },
    totals: () => totals,
  };
}
