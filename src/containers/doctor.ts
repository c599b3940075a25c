// What is wrong, what shows it, and what mends it.

import type { ServerStatus } from "../core/app.ts";
import { formatBytes } from "../core/format-bytes.ts";
import { msg } from "../core/message.ts";
import { checkContainers, checkPorts } from "./doctor-containers.ts";
import { checkEngine } from "./doctor-engine.ts";
import { checkCard, checkDisk, checkLostCard, checkModels } from "./doctor-machine.ts";
import { checkCertificates, checkExposed, checkLocalhost, checkProxy } from "./doctor-network.ts";
import { checkServers } from "./doctor-servers.ts";
import type { DoctorTools } from "./doctor-tools.ts";
import { openEngine } from "./engine.ts";
import type { Finding } from "./finding.ts";
import { withoutEngine } from "./no-engine.ts";

/** Looks only; nothing is changed. Problems first. */
export async function diagnose(tools: DoctorTools, signal: AbortSignal): Promise<readonly Finding[]> {
  const [{ engine: found, tried }, servers] = await Promise.all([tools.search(signal), tools.servers(signal)]);
  const anyway = [
    ...checkServers(servers, tools.settings()),
    ...(await checkLocalhost(tools.env)),
    ...(await checkCertificates(tools.settings().caFile)),
  ];
  if (!found) return problemsFirst([missingEngine(withoutEngine(tried, tools.env, tools.exists), servers), ...anyway]);
  const engine = await openEngine(found, tried);
  const [facts, plan] = await Promise.all([tools.facts(engine, signal), tools.plan(engine, signal)]);
  const groups = await Promise.all([
    checkEngine(engine, tools, signal),
    checkContainers(engine, plan, tools, signal),
    checkPorts(engine, plan, tools, signal),
    checkExposed(engine, tools.stackName, signal),
    checkDisk(facts),
    plan.isMemoryShort ? [shortMemory(plan.notices[0] ?? msg("The engine has little memory."), facts)] : [],
    checkCard(facts, plan),
    checkLostCard(engine, tools, signal),
    checkModels(engine, tools, signal),
    checkProxy(engine, tools, signal),
  ]);
  return problemsFirst([...groups.flat(), ...anyway]);
}

const problemsFirst = (findings: readonly Finding[]) =>
  findings.toSorted((a, b) => Number(a.severity === "warning") - Number(b.severity === "warning"));

/** Models answer without an engine as well. */
function missingEngine(finding: Finding, servers: readonly ServerStatus[]): Finding {
  return servers.some(({ models }) => models.length > 0) ? { ...finding, severity: "warning" } : finding;
}

function shortMemory(what: Finding["what"], { engineMemoryBytes }: { readonly engineMemoryBytes: number }): Finding {
  return {
    id: "memory-short",
    severity: "warning",
    what,
    evidence: [msg("The engine has {0} of memory.", formatBytes(engineMemoryBytes))],
    repair: msg("Give the engine more memory (Docker Desktop: Settings, Resources), or use smaller models."),
    canRepair: false,
  };
}
