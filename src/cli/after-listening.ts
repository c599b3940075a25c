// What a service does once it listens and nobody waits for it: gets ready what the first request needs, and gives back
// the memory that only its start needed.
import { setImmediate as nextTurn, setTimeout as sleep } from "node:timers/promises";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { classify } from "../core/classify.ts";

/** After this most starts are over, with what they do once they listen, ms. */
const afterMs = 300;

/** @param isIdle whether nobody is being answered: to give back memory holds up everything for 30 ms, once */
export async function afterListening(isIdle: () => boolean): Promise<void> {
  await sleep(afterMs, undefined, { ref: false });
  // Its weights are unpacked when it is first used.
  classify({ text: "…", sources: [], history: [] });
  await nextTurn();
  // Node reads its `fetch` when something of it is first named.
  void globalThis.Headers;
  await nextTurn();
  if (isIdle()) giveBackMemory();
}

/** V8 does so by itself only where memory gets scarce: a collection in want of memory also shrinks the young generation. */
function giveBackMemory(): void {
  setFlagsFromString("--expose-gc");
  const collect: unknown = runInNewContext("globalThis.gc");
  setFlagsFromString("--no-expose-gc");
  if (typeof collect === "function") collect({ type: "major", execution: "sync", flavor: "last-resort" });
}
