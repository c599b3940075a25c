/** What most tasks stay under, and what a model is loaded with before anything is asked of it. Tokens. */
export const usualContextTokens = 8192;

/** Context windows that are asked for. A change reloads the model, so there are few. Tokens. */
const buckets = [usualContextTokens, 16384, 32768, 65536, 131072, 262144] as const;

/**
 * Tokens that a text surely has: a word for one, three wide characters for one. Of prose about three quarters of the real
 * count, of code a third. Digits and signs do not count: there may be many to a token.
 */
export function fewestTokens(text: string): number {
  const words = text.match(/(?<!\S)[A-Za-z]/g)?.length ?? 0;
  const wide = text.match(/[\u3040-\u30ff\u3400-\u9fff]/g)?.length ?? 0;
  return words + Math.floor(wide / 3);
}

export interface ContextNeed {
  readonly promptTokens: number;
  readonly answerTokens: number;
  /** What the model was trained for. */
  readonly modelContextTokens: number;
  /** What the person allows. */
  readonly maxContextTokens: number;
  /** Window that the asking program wants; absent: it does not say. */
  readonly wishedTokens?: number | undefined;
}

/** No server has a smaller one, and none is asked for one. */
const leastWindow = 2048;

/** The smallest window that holds prompt and answer, or the one that is wished for where it holds them; undefined when none does. */
export function chooseContext(need: ContextNeed): number | undefined {
  const wanted = need.promptTokens + need.answerTokens;
  const limit = Math.min(need.modelContextTokens, need.maxContextTokens);
  if (wanted > limit) return undefined;
  const wished = Math.max(leastWindow, need.wishedTokens ?? 0);
  if (need.wishedTokens !== undefined && wished >= wanted) return Math.min(wished, limit);
  return Math.min(buckets.find((bucket) => bucket >= wanted) ?? limit, limit);
}

/** Keeps the window of each model: it grows at once, and shrinks only after the model has not been asked for a while. */
export interface StickyWindows {
  /**
   * @param key model and server
   * @param conversation where a client names it, its window never shrinks: what was read of it stays read
   * @returns the window to ask for, at least `wanted`
   */
  choose(key: string, wanted: number, conversation?: string): number;
}

/** As long as servers keep an idle model loaded; after that it is loaded anew anyway. */
const idleMs = 5 * 60_000;
/** Conversations whose windows are kept. */
const maxConversations = 1000;

/** @param nowMs a clock that never goes back, ms */
export function createStickyWindows(nowMs: () => number): StickyWindows {
  const last = new Map<string, { readonly contextTokens: number; readonly atMs: number }>();
  /** The one that was asked longest ago comes first. */
  const conversations = new Map<string, number>();
  return {
    choose(key, wanted, conversation) {
      const before = last.get(key);
      const isIdle = !before || nowMs() - before.atMs > idleMs;
      const own = conversation === undefined ? undefined : `${key}\n${conversation}`;
      const pinned = own === undefined ? 0 : (conversations.get(own) ?? 0);
      const contextTokens = Math.max(wanted, pinned, isIdle ? 0 : before.contextTokens);
      last.set(key, { contextTokens, atMs: nowMs() });
      if (own !== undefined) {
        conversations.delete(own);
        conversations.set(own, contextTokens);
        const [oldest] = conversations.keys();
        if (conversations.size > maxConversations && oldest !== undefined) conversations.delete(oldest);
      }
      return contextTokens;
    },
  };
}
