// A question whose model server fell is asked again, as soon as the server is there again.
import { stat } from "node:fs/promises";
import { pause } from "./pause.ts";
import { readPlaces } from "./places.ts";
import { isModelServer } from "./plan.ts";
import { answersAt } from "./probe.ts";
import { leaseFile } from "./watch.ts";

const askEveryMs = 150;
/** As long as somebody heals: settling, the first pauses, and the start of the server. */
const healedLimitMs = 20_000;
/** The engine's own policy, where nobody watches. */
const unwatchedLimitMs = 3_000;
/** The one in charge touches its file more often. */
const freshMs = 8_000;

/** Returns at once where there are no model servers in containers, or one of them answers. */
export async function untilHealed(home: string, signal: AbortSignal): Promise<void> {
  const addresses = Object.entries(readPlaces(home)).flatMap(([name, address]) =>
    isModelServer(name) ? [address] : [],
  );
  if (addresses.length === 0) return;
  const touched = await stat(leaseFile(home)).catch(() => undefined);
  const isWatched = touched !== undefined && Date.now() - touched.mtimeMs < freshMs;
  const deadlineMs = performance.now() + (isWatched ? healedLimitMs : unwatchedLimitMs);
  do {
    const answers = await Promise.all(addresses.map((address) => answersAt(address, signal)));
    if (answers.includes(true)) return;
    await pause(askEveryMs, signal);
  } while (performance.now() < deadlineMs);
}
