// How long a question waits for its answer to begin: one budget for all servers that are asked, one after the other.
import type { ModelRequest } from "../core/backend.ts";

export interface Patience {
  /** Silence before the answer begins, of all servers together and of the queue between them, ms. */
  readonly totalMs: (request: ModelRequest) => number;
  /** After so much silence a server is asked for a sign of life, again and again, ms. */
  readonly lookEveryMs: number;
  /** How long that sign may take where another server is left to ask, and where none is, ms. */
  readonly signMs: { readonly usual: number; readonly last: number };
}

/** The first server gets half of it: to load a large model from a slow disk, and to read on a slow processor. */
export const usualPatience: Patience = {
  totalMs: ({ promptTokens = 0 }) => 2 * (5 * 60_000 + promptTokens * 50),
  lookEveryMs: 2_000,
  signMs: { usual: 4_000, last: 30_000 },
};

/** What is given up for: `late` has been silent too long, `gone` does not even say that it is there. */
export type GivenUp = "late" | "gone";

export interface Watch {
  /** Longest silence, ms; undefined: any. */
  readonly limitMs: number | undefined;
  readonly look?: Look;
}

/** How it is found out whether a silent server is there at all. */
export interface Look {
  readonly everyMs: number;
  readonly signMs: number;
  readonly isThere: (signal: AbortSignal) => Promise<boolean>;
}

/** Watches for what has to begin, and ends it by its signal where it does not. */
export class Silence {
  readonly #watch: Watch;
  readonly #outer: AbortSignal;
  readonly #end = new AbortController();
  readonly #timers: { late?: ReturnType<typeof setTimeout>; look?: ReturnType<typeof setTimeout> } = {};
  #looking: AbortController | undefined;
  #sinceMs = performance.now();
  #silentMs: number | undefined;
  #why: GivenUp | undefined;

  /** @param outer ends it as well */
  constructor(watch: Watch, outer: AbortSignal) {
    this.#watch = watch;
    this.#outer = outer;
    outer.addEventListener("abort", this.#leave);
    if (outer.aborted) this.#leave();
    this.#await();
    if (watch.look) this.#lookLater(watch.look);
  }

  get signal(): AbortSignal {
    return this.#end.signal;
  }

  get why(): GivenUp | undefined {
    return this.#why;
  }

  /** It shows that it works, and has its whole time again. */
  goOn(): void {
    if (this.#silentMs !== undefined) return;
    this.#sinceMs = performance.now();
    clearTimeout(this.#timers.late);
    this.#await();
  }

  /** It has begun, or ended. @returns how long it has been silent, ms */
  over(): number {
    this.#silentMs ??= performance.now() - this.#sinceMs;
    clearTimeout(this.#timers.late);
    clearTimeout(this.#timers.look);
    this.#looking?.abort();
    return this.#silentMs;
  }

  dispose(): void {
    this.over();
    this.#outer.removeEventListener("abort", this.#leave);
  }

  readonly #leave = () => this.#end.abort();

  #await(): void {
    const { limitMs } = this.#watch;
    if (limitMs !== undefined) this.#timers.late = setTimeout(() => this.#giveUp("late"), limitMs);
  }

  #lookLater(look: Look): void {
    this.#timers.look = setTimeout(() => void this.#look(look), look.everyMs);
  }

  async #look(look: Look): Promise<void> {
    this.#looking = new AbortController();
    const isThere = await look.isThere(AbortSignal.any([this.#looking.signal, AbortSignal.timeout(look.signMs)]));
    if (this.#silentMs !== undefined) return;
    if (isThere) this.#lookLater(look);
    else this.#giveUp("gone");
  }

  #giveUp(why: GivenUp): void {
    this.#why = why;
    this.over();
    this.#end.abort();
  }
}
