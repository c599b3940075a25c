// When to try again, and when to stop trying.

const windowMs = 10 * 60_000;
const mostAttempts = 5;
const firstPauseMs = 500;

export interface RestartBudget {
  /** Counts an attempt. Undefined: there were 5 in 10 minutes already. */
  take(service: string, nowMs: number): { readonly attempt: number; readonly pauseMs: number } | undefined;
  /** What another tried before counts as well. */
  learn(attempts: readonly { readonly service: string; readonly atMs: number }[]): void;
}

/** Pauses double: 0.5 s, 1 s, 2 s, 4 s, 8 s. Each service has its own. */
export function createRestartBudget(): RestartBudget {
  const taken = new Map<string, readonly number[]>();
  return {
    take(service, nowMs) {
      const recent = (taken.get(service) ?? []).filter((atMs) => nowMs - atMs < windowMs);
      if (recent.length >= mostAttempts) return undefined;
      taken.set(service, [...recent, nowMs]);
      return { attempt: recent.length + 1, pauseMs: firstPauseMs * 2 ** recent.length };
    },
    learn(attempts) {
      for (const { service, atMs } of attempts) {
        const known = taken.get(service) ?? [];
        if (!known.includes(atMs)) taken.set(service, [...known, atMs]);
      }
    },
  };
}
