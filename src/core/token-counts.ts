// Tokens are estimated before sending; what servers count afterwards says how far off the estimate is for each model.
import { estimateTokens } from "./estimate-tokens.ts";

/** Counts tokens as a model does, as well as is known. */
export interface TokenCounts {
  /**
   * @param key model and server
   * @param estimate as `estimateTokens`, or the same with what it knows already
   * @returns how to count for it, for as long as one task lasts
   */
  of(key: string, estimate?: (text: string) => number): (text: string) => number;
  /** What a server counted for a text of this estimate. */
  saw(key: string, estimated: number, counted: number): void;
}

/** Answers that are looked back on. */
const remembered = 12;
/** Shorter prompts are mostly template. */
const shortest = 300;
/** Counting too little is worse than counting too much. */
const margin = 1.08;
const bounds = { least: 0.6, most: 1.5 };

export function createTokenCounts(): TokenCounts {
  const ratios = new Map<string, readonly number[]>();
  return {
    of(key, estimate = estimateTokens) {
      const known = ratios.get(key);
      // The highest of what was seen: the next text may be as dense.
      const scale = known ? Math.min(bounds.most, Math.max(bounds.least, Math.max(...known) * margin)) : 1;
      return scale === 1 ? estimate : (text) => Math.ceil(estimate(text) * scale);
    },
    saw(key, estimated, counted) {
      if (estimated < shortest || counted <= 0) return;
      const ratio = counted / estimated;
      // Older servers leave out what they had read before: no whole prompt counts so little.
      if (ratio < bounds.least) return;
      ratios.set(key, [...(ratios.get(key) ?? []), ratio].slice(-remembered));
    },
  };
}
