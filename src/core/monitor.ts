import type { AnswerEvent } from "./answer.ts";
import type { LoadedModel } from "./backend.ts";
import { cloudCostUsd } from "./cost.ts";
import type { Loading } from "./names.ts";
import type { MonitorPoint } from "./page-protocol.ts";
import { stream, watch } from "./stream.ts";
import { isAbort } from "./task-error.ts";

export interface Totals {
  readonly answers: number;
  readonly errors: number;
  readonly answerTokens: number;
  /** What the answers that were given on this machine would have cost in the cloud, its cache reckoned in, US dollars. */
  readonly cloudUsd: number;
}

/** What a cloud would have made of an answer. */
export interface CloudPeer {
  readonly model: string;
  /** Tokens that came along from earlier questions: a cloud would have read them from its cache. */
  readonly sharedTokens: number;
}

/** Counts what answers do and keeps the last ten minutes of it. */
export interface Monitor {
  /** Passes the events of one answer on, counting them. */
  watch(events: AsyncIterable<AnswerEvent>, peer?: CloudPeer): AsyncIterable<AnswerEvent>;
  /** Takes one point from what was counted since the last one. */
  sample(outside: { readonly loaded: readonly LoadedModel[]; readonly cpu: number }): readonly MonitorPoint[];
  totals(): Totals;
}

const keepMs = 10 * 60_000;

/** @param nowMs a clock that never goes back, ms; @param dateMs the time of day, Unix ms */
export function createMonitor(nowMs: () => number, dateMs: () => number): Monitor {
  let points: readonly MonitorPoint[] = [];
  let totals: Totals = { answers: 0, errors: 0, answerTokens: 0, cloudUsd: 0 };
  let piecesSince = 0;
  let sinceMs = nowMs();
  let firstTokenMs: number | undefined;
  let loading: Loading | undefined;

  return {
    watch: (events, peer) =>
      stream(async (take) => {
        const startMs = nowMs();
        let begun = false;
        let pieces = 0;
        let written = 0;
        let counted = false;
        let isLocal = false;
        try {
          await watch(events, take, (event) => {
            if (event.kind === "loading") {
              const { kind: _, ...how } = event;
              loading = how;
            } else if (event.kind !== "notice" && event.kind !== "routed") loading = undefined;
            const isWord = event.kind === "text" || event.kind === "thinking" || event.kind === "writing";
            if (isWord && !begun) firstTokenMs = nowMs() - startMs;
            begun ||= isWord;
            if (event.kind === "text" || event.kind === "thinking") {
              pieces++;
              // What was held back has been counted when it was written.
              if (pieces > written) piecesSince++;
            } else if (event.kind === "writing") {
              piecesSince += Math.max(0, event.answerTokens - written);
              written = event.answerTokens;
            } else if (event.kind === "routed") isLocal = event.route.place !== "cloud";
            else if (event.kind === "done") {
              totals = withAnswer(totals, event, isLocal ? peer : undefined);
              counted = true;
            }
          });
        } catch (error) {
          if (!isAbort(error)) totals = { ...totals, errors: totals.errors + 1 };
          throw error;
        } finally {
          loading = undefined;
          if (!counted) totals = { ...totals, answerTokens: totals.answerTokens + pieces };
        }
      }),
    sample({ loaded, cpu }) {
      const seconds = Math.max(0.001, (nowMs() - sinceMs) / 1000);
      const point: MonitorPoint = {
        atMs: dateMs(),
        tokensPerSecond: piecesSince / seconds,
        modelBytes: loaded.reduce((sum, model) => sum + model.sizeBytes, 0),
        cpu,
        errors: totals.errors,
        ...(loading ? { loading } : {}),
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

/** @param peer absent for an answer of a cloud itself */
function withAnswer(
  totals: Totals,
  { stats, keptAtMs }: Extract<AnswerEvent, { kind: "done" }>,
  peer: CloudPeer | undefined,
): Totals {
  const { promptTokens, answerTokens } = stats;
  const isPriced = peer !== undefined && keptAtMs === undefined;
  const { model = "", sharedTokens = 0 } = peer ?? {};
  const usd = isPriced ? cloudCostUsd(model, [{ promptTokens, answerTokens, sharedTokens }]) : 0;
  return {
    ...totals,
    cloudUsd: totals.cloudUsd + usd,
    answers: totals.answers + 1,
    answerTokens: totals.answerTokens + answerTokens,
  };
}
