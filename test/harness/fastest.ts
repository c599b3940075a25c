/**
 * Something is said to happen within so many milliseconds. A machine that is busy is late now and then, a product that waits
 * is late each time: so it is tried until it was fast enough once, and given up after twenty times.
 * @returns what the fastest try took, ms
 */
export async function fastest(goalMs: number, attempt: () => Promise<number>): Promise<number> {
  let bestMs = Number.POSITIVE_INFINITY;
  for (let round = 0; round < 20 && bestMs >= goalMs; round++) bestMs = Math.min(bestMs, await attempt());
  return bestMs;
}
