// What becomes of requests while their model servers fail.
import { measureChaos } from "./faults/chaos.ts";
import { measureCuts } from "./faults/cuts.ts";
import type { Row } from "./measure.ts";

export async function measureFaults(): Promise<readonly Row[]> {
  return [...(await measureCuts()), ...(await measureChaos())];
}
