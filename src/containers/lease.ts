// Who of many windows watches. The lease is a file that its holder touches; one that is gone is followed by another.
import { type Lock, takeLock } from "./lock.ts";

export interface Lease {
  /** Never while another may have it, such as right after this process stood still. */
  isHeld(): boolean;
  /** Resolves when it is had first; never where another keeps it. One that was lost is applied for again. */
  readonly taken: Promise<void>;
  /** Lets another have it. */
  end(): Promise<void>;
}

const askEveryMs = 1_000;
const usualStaleMs = 10_000;

/** @param staleMs how long one that stands still has it; absent: as is usual */
export function applyForLease(file: string, signal: AbortSignal, staleMs = usualStaleMs): Lease {
  const leaving = new AbortController();
  let held: Lock | undefined;
  const both = AbortSignal.any([signal, leaving.signal]);
  const apply = async (): Promise<void> => {
    held = await takeLock(file, both, { everyMs: askEveryMs, staleMs, isTakenFromSleepers: true, onLost });
  };
  let applied = apply();
  const taken = applied.catch(() => new Promise<never>(() => undefined));
  function onLost(): void {
    held = undefined;
    applied = apply();
    applied.catch(() => undefined);
  }
  return {
    isHeld: () => held?.isHeld() ?? false,
    taken,
    async end() {
      leaving.abort();
      await applied.catch(() => undefined);
      await held?.release();
      held = undefined;
    },
  };
}
