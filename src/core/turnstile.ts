import { leavable } from "./leavable.ts";
import { stream, through } from "./stream.ts";

/** Lets so many in at once; who waits is let in in the order of coming, and can leave. */
export interface Turnstile {
  pass<Event>(work: () => AsyncIterable<Event>, signal: AbortSignal): AsyncIterable<Event>;
}

/** @param limit looked at anew for each; 0: nobody waits */
export function createTurnstile(limit: () => number): Turnstile {
  let inside = 0;
  const waiting: (() => void)[] = [];
  const letIn = () => {
    while (waiting.length > 0 && (limit() === 0 || inside < limit())) {
      inside++;
      waiting.shift()?.();
    }
  };
  const enter = async (signal: AbortSignal): Promise<void> => {
    if (waiting.length === 0 && (limit() === 0 || inside < limit())) {
      inside++;
      return;
    }
    const turn = Promise.withResolvers<void>();
    waiting.push(turn.resolve);
    letIn();
    try {
      await leavable(turn.promise, signal);
    } catch (error) {
      const at = waiting.indexOf(turn.resolve);
      if (at >= 0) waiting.splice(at, 1);
      else inside--;
      letIn();
      throw error;
    }
  };
  return {
    pass: (work, signal) =>
      stream(async (take) => {
        await enter(signal);
        try {
          await through(work(), take);
        } finally {
          inside--;
          letIn();
        }
      }),
  };
}
