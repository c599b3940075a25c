/** How fast bytes come, over the last seconds: what came before a pause says nothing of what comes now. */
export interface Speedometer {
  /** @returns bytes a second; undefined until there is enough to say so */
  saw(completedBytes: number): number | undefined;
}

const windowMs = 10_000;
const enoughMs = 500;
const stepMs = 100;

/** @param nowMs a clock that never goes back, ms */
export function createSpeedometer(nowMs: () => number): Speedometer {
  let seen: readonly { readonly bytes: number; readonly atMs: number }[] = [];
  return {
    saw(bytes) {
      const atMs = nowMs();
      const recent = seen.filter((each) => atMs - each.atMs <= windowMs);
      const last = recent.at(-1);
      seen = last && atMs - last.atMs < stepMs ? recent : [...recent, { bytes, atMs }];
      const first = seen[0];
      const passedMs = first ? atMs - first.atMs : 0;
      return first && passedMs >= enoughMs ? Math.max(0, ((bytes - first.bytes) / passedMs) * 1000) : undefined;
    },
  };
}
