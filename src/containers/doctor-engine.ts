// What is wrong with the engine itself, or with the way to it.
import { msg } from "../core/message.ts";
import type { TriedEngine } from "../core/services.ts";
import { call, type Engine } from "./engine.ts";
import type { Finding } from "./finding.ts";
import type { ServiceTools } from "./service-tools.ts";
import { type CountingFacts, noCounting } from "./usage.ts";

/** A virtual machine's clock stands still while its host sleeps. */
const clockLimitMs = 30_000;

export async function checkEngine(
  engine: Engine,
  { nowMs, search }: Pick<ServiceTools, "nowMs" | "search">,
  signal: AbortSignal,
): Promise<readonly Finding[]> {
  const { found, docker } = engine;
  const { tried } = await search(signal);
  const before = nowMs();
  const { SystemTime: said, CgroupDriver: driver }: CountingFacts & { readonly SystemTime?: string } = await call(
    docker.info(),
    signal,
  );
  const offMs = said ? Date.parse(said) - (before + nowMs()) / 2 : 0;
  return [
    ...otherContext(tried, found.source),
    ...(found.isLocal ? [] : [remote(found.address)]),
    ...(Math.abs(offMs) > clockLimitMs ? [clockOff(offMs)] : []),
    ...(driver === noCounting ? [withoutLimits(driver)] : []),
  ];
}

/** What the person chose does not answer, and another engine does: its containers are others. */
export function otherContext(tried: readonly TriedEngine[], source: string): readonly Finding[] {
  const first = tried[0];
  if (!first || first.source === source || first.answer === "engine") return [];
  const isChosen = first.source === "DOCKER_HOST" || /^context (?!default$)/.test(first.source);
  if (!isChosen) return [];
  return [
    {
      id: "other-context",
      severity: "warning",
      what: msg("The engine that you chose does not answer; another one is used: {0}.", source),
      evidence: tried.map(({ source: who, address, outcome }) => msg("{0}, {1}: {2}", who, address, outcome)),
      repair: msg("Start the chosen engine, or choose the other one: docker context use default, unset DOCKER_HOST"),
      canRepair: false,
    },
  ];
}

function remote(address: string): Finding {
  return {
    id: "engine-remote",
    severity: "problem",
    what: msg("The Docker engine is on another machine, and its ports with it."),
    evidence: [msg("The engine answers at {0}", address)],
    repair: msg("Use an engine of this machine, or run Switchyard on that one."),
    canRepair: false,
  };
}

function withoutLimits(driver: string): Finding {
  return {
    id: "limits-not-kept",
    severity: "warning",
    what: msg("The engine keeps no memory limits and counts no container by itself: a model can take all memory."),
    evidence: [msg("It says: Cgroup Driver: {0}", driver)],
    repair: msg(
      "Run the rootless engine in your systemd session with cgroup v2, and restart it: systemctl --user restart docker",
    ),
    canRepair: false,
  };
}

function clockOff(offMs: number): Finding {
  return {
    id: "clock-off",
    severity: "problem",
    what: msg("The engine's clock is wrong: certificates and tokens are taken for expired, or for not yet valid."),
    evidence: [msg("It differs from this machine's by {0} s", Math.round(offMs / 1000))],
    repair: msg("Restart the engine's machine (Docker Desktop: Restart; WSL: wsl --shutdown), or set the time there."),
    canRepair: false,
  };
}
