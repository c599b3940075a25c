// The service beside a bare pipe and Portkey's gateway, in one run and in turns: ratios, since absolute figures change
// from hour to hour. Model server and client have one core, what is measured the other.
import { measureEnds } from "./gateway/ends.ts";
import { ensureLitellm, ensurePortkey, ensureRouter } from "./gateway/peers.ts";
import { runJob } from "./gateway/programs.ts";
import { buildService, startRig } from "./gateway/rig.ts";
import { measureRounds } from "./gateway/rounds.ts";
import { measureStreams } from "./gateway/streams.ts";
import type { Row } from "./measure.ts";

export async function measureGateway(): Promise<readonly Row[]> {
  const service = await buildService();
  const told = (error: unknown) => void console.log(String(error));
  const portkey = await ensurePortkey().catch(told);
  const beside = { router: await ensureRouter().catch(told), litellm: await ensureLitellm().catch(told) };
  const before = await calibrate();
  const rig = await startRig(service, portkey, beside);
  try {
    const rows = [...(await measureRounds(rig)), ...(await measureStreams(rig)), ...(await measureEnds(rig))];
    const after = await calibrate();
    const drift = Math.abs(after / before - 1);
    if (drift > 0.3) console.log(`The machine changed by ${Math.round(drift * 100)} % meanwhile: measure again.`);
    return rows;
  } finally {
    for (const program of [rig.upstream, ...rig.programs.values()]) program.child.kill("SIGKILL");
  }
}

/** Always the same work, ms. */
const calibrate = async () => (await runJob({ kind: "calibrate" })).ms;
