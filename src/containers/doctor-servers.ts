// What is wrong with model servers that the person has set, wherever they run.
import type { ServerStatus } from "../core/app.ts";
import { msg } from "../core/message.ts";
import type { Settings } from "../core/settings.ts";
import type { Finding } from "./finding.ts";

/** An address that was set and does not answer: another server answers in its place, or none. */
export function checkServers(
  servers: readonly ServerStatus[],
  { engine, ollamaUrl, nodes }: Pick<Settings, "engine" | "ollamaUrl" | "nodes">,
): readonly Finding[] {
  // Nobody else is asked then.
  if (engine === "embedded") return [];
  const tried = servers[0]?.tried ?? [];
  return [ollamaUrl, ...nodes.map(({ url }) => url)].flatMap((address): readonly Finding[] => {
    const host = hostOf(address);
    if (host === undefined || servers.some(({ name }) => name.includes(host))) return [];
    const failed = tried.find((each) => each.address.includes(host));
    return failed ? [silent(failed)] : [];
  });
}

const hostOf = (address: string) => URL.parse(address.includes("://") ? address : `http://${address}`)?.host;

function silent({ address, outcome }: ServerStatus["tried"][number]): Finding {
  return {
    id: "server-silent",
    severity: "problem",
    what: msg("The model server that you set does not answer: {0}.", address),
    evidence: [msg("{0}: {1}", address, outcome)],
    repair: msg("Start it, or change its address in “switchyard.ollamaUrl” or “switchyard.nodes”."),
    canRepair: false,
  };
}
