// How many threads a busy machine leaves us. Threads that compute one token together wait for each other: where another
// program holds a processor they need, all of them stand still, and one thread alone is many times faster.

export interface ThreadPace {
  /** Call once for each token, with the time since the token before it, ms. */
  saw(gapMs: number): void;
}

export interface Threads {
  readonly most: number;
  get(): number;
  set(count: number): void;
}

/** Tokens that are looked at together. */
const windowTokens = 3;
/** Slower than this, or than `slowFactor` times the best known, is worth a try with other threads. */
const slowMs = 200;
const slowFactor = 3;
/** A try is kept when it is at least this much faster. */
const gain = 0.75;
/** More than this much slower with fewer threads: the model is slow by itself. */
const loss = 1.3;
const firstRestMs = 20_000;
const longestRestMs = 300_000;

interface Trial {
  readonly from: number;
  readonly oldMs: number;
  /** The first gap still belongs to the old number. */
  isFresh: boolean;
}

/** Tries fewer threads when tokens come slowly, keeps what helps, and goes back up when the machine may be free again. */
export function createThreadPace(threads: Threads, nowMs: () => number): ThreadPace {
  let gaps: number[] = [];
  let bestMs = Number.POSITIVE_INFINITY;
  let trial: Trial | undefined;
  let restMs = firstRestMs;
  let restUntilMs = 0;

  function move(to: number, from: number, oldMs: number): void {
    trial = { from, oldMs, isFresh: true };
    threads.set(to);
    gaps = [];
  }

  function rest(ms: number): void {
    restMs = Math.min(ms, longestRestMs);
    restUntilMs = nowMs() + restMs;
  }

  function judge({ from, oldMs }: Trial, gapMs: number): void {
    const count = threads.get();
    trial = undefined;
    if (count > from ? gapMs <= oldMs : gapMs <= oldMs * gain) return rest(isSlow(gapMs) ? 0 : firstRestMs);
    // As slow as before: still waiting for somebody.
    if (count < from && count > 1 && gapMs < oldMs * loss) return move(count >> 1, from, oldMs);
    threads.set(from);
    rest(Math.max(restMs, firstRestMs) * 2);
  }

  const isSlow = (gapMs: number) => gapMs > slowMs || gapMs > bestMs * slowFactor;

  return {
    saw(gapMs) {
      if (trial?.isFresh) {
        trial.isFresh = false;
        return;
      }
      gaps.push(gapMs);
      // A try that stands still is over at once.
      if (gaps.length < windowTokens && !(trial && gapMs > trial.oldMs * slowFactor)) return;
      const typicalMs = median(gaps);
      gaps = [];
      bestMs = Math.min(bestMs, typicalMs);
      if (trial) judge(trial, typicalMs);
      else if (nowMs() >= restUntilMs) {
        const count = threads.get();
        if (isSlow(typicalMs) && count > 1) move(count >> 1, count, typicalMs);
        else if (!isSlow(typicalMs) && count < threads.most) move(Math.min(threads.most, count * 2), count, typicalMs);
      }
    },
  };
}

function median(values: readonly number[]): number {
  return [...values].sort((a, b) => a - b)[values.length >> 1] ?? 0;
}
