// A card that a container loses after hours shows in the speed alone: the server may go on saying that it uses it.
import type { RunRecord } from "./run-record.ts";

export interface SlowedModel {
  readonly model: string;
  readonly backend: string;
  /** Its usual speed here, tokens a second. */
  readonly baseline: number;
  readonly latest: number;
}

/** Below this share of its own baseline no load of other programs explains it. */
const lostShare = 0.25;
/** A few tokens say nothing of the speed. */
const fewTokens = 12;
/** So many answers make a baseline, and so many in a row a loss. */
const baselineRuns = 5;
const slowRuns = 2;
const recentMs = 15 * 60_000;

/**
 * Models that answer much more slowly than they did.
 * @param sinceMs runs before it count for the baseline alone: what was slow then has been seen to
 */
export function slowedModels(runs: readonly RunRecord[], nowMs: number, sinceMs = 0): readonly SlowedModel[] {
  const measured = runs.filter(
    ({ outcome, answerTokens, decodeMs }) => outcome === "done" && answerTokens >= fewTokens && decodeMs > 0,
  );
  const keys = new Map(measured.map(({ model, backend }) => [`${backend} ${model}`, { model, backend }]));
  return [...keys.values()].flatMap(({ model, backend }) => {
    const own = measured.filter((run) => run.model === model && run.backend === backend);
    const latest = own.slice(-slowRuns);
    const earlier = own.slice(0, -slowRuns);
    const isNew = latest.every(({ atMs }) => atMs > sinceMs && nowMs - atMs < recentMs);
    if (latest.length < slowRuns || earlier.length < baselineRuns || !isNew) return [];
    const baseline = median(earlier.map(speedOf));
    const fastest = Math.max(...latest.map(speedOf));
    return fastest < baseline * lostShare ? [{ model, backend, baseline, latest: fastest }] : [];
  });
}

/** With several answers at once each is slower, and all together are not. */
const speedOf = ({ answerTokens, decodeMs, inFlight }: RunRecord) =>
  (answerTokens / decodeMs) * 1000 * Math.max(1, inFlight);

function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)] ?? 0;
}
