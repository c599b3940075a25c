// When to try again, and when to stop trying.

const windowMs = 10 * 60_000;
const mostAttempts = 5;
const firstPauseMs = 500;

export interface RestartBudget {
  /** Counts an attempt. Undefined: there were 5 in 10 minutes already. */
  take(service: string, nowMs: number): { readonly attempt: number; readonly pauseMs: number } | undefined;
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
  };
}
