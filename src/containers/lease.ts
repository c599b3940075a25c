// Who of many windows watches. The lease is a file that its holder touches; one that is gone is followed by another.
import { takeLock } from "./lock.ts";

export interface Lease {
  isHeld(): boolean;
  /** Resolves when it is had; never where another keeps it. */
  readonly taken: Promise<void>;
  /** Lets another have it. */
  end(): Promise<void>;
}

const askEveryMs = 1_000;

export function applyForLease(file: string, signal: AbortSignal): Lease {
  const leaving = new AbortController();
  let held: { readonly isLost: () => boolean; readonly release: () => Promise<void> } | undefined;
  const both = AbortSignal.any([signal, leaving.signal]);
  const applied = takeLock(file, both, askEveryMs).then((lock) => {
    held = lock;
  });
  const taken = applied.catch(() => new Promise<never>(() => undefined));
  return {
    isHeld: () => held !== undefined && !held.isLost(),
    taken,
    async end() {
      leaving.abort();
      await applied.catch(() => undefined);
      await held?.release();
      held = undefined;
    },
  };
}
