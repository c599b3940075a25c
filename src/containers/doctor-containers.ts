// What is wrong with our own containers, and with the ports they want.
import { msg } from "../core/message.ts";
import { serviceStateName } from "../core/names.ts";
import { statusOfContainer } from "./container.ts";
import type { DoctorTools } from "./doctor-tools.ts";
import type { Engine } from "./engine.ts";
import { findOurs } from "./find-ours.ts";
import { type Finding, type Mend, tellAll } from "./finding.ts";
import type { Plan } from "./plan.ts";
import { whoHoldsPort } from "./port-owner.ts";
import { isPortFree } from "./ports.ts";
import { fillFiles, hashOf } from "./service-files.ts";
import type { ServiceTools } from "./service-tools.ts";
import { configHash, labels } from "./stack.ts";

export async function checkContainers(
  engine: Engine,
  plan: Plan,
  { stackName, roots, startAll }: DoctorTools,
  signal: AbortSignal,
): Promise<readonly Finding[]> {
  const ours = await findOurs(engine, stackName, signal);
  const hashes = await hashesOf(plan, roots);
  const start: Mend = (leaving, each) => tellAll(startAll(leaving, each), leaving);
  return ours.flatMap((container): readonly Finding[] => {
    const status = statusOfContainer(container);
    const { name } = status;
    const wanted = plan.stack.services.find((service) => service.name === name);
    const remake: Mend = (leaving, each) => tellAll(startAll({ ...leaving, remade: container.Id }, each), leaving);
    const common = { severity: "problem", canRepair: true } as const;
    if (status.exposedOn.length > 0) {
      return [
        {
          ...common,
          id: `exposed-${name}`,
          what: msg("Other machines can reach {0}, which asks for no password.", name),
          evidence: status.exposedOn.map((address) => msg("{0} is published on {1}", status.container, address)),
          repair: msg("Make its container anew, for this machine only; what it keeps stays."),
          mend: remake,
        },
      ];
    }
    if (["stopped", "unhealthy", "paused"].includes(status.state)) {
      return [
        {
          ...common,
          id: `not-running-${name}`,
          what: status.wasOutOfMemory ? msg("{0} ran out of memory.", name) : msg("{0} does not run.", name),
          evidence: [
            msg("{0} is {1}, exit code {2}", status.container, serviceStateName(status.state), status.exitCode ?? "–"),
          ],
          repair: msg("Start it."),
          mend: status.state === "unhealthy" ? remake : start,
        },
      ];
    }
    const hash = hashes.get(name);
    if (!wanted || hash === undefined || container.Config.Labels[labels.hash] === hash) return [];
    return [
      {
        ...common,
        severity: "warning",
        id: `outdated-${name}`,
        what: msg("{0} runs with settings of before.", name),
        evidence: [msg("{0} is made from {1}; {2} is asked for", status.container, status.image, wanted.image)],
        repair: msg("Make its container anew; what it keeps stays."),
        mend: start,
      },
    ];
  });
}

/** What the container of each service would be made of now. */
async function hashesOf({ stack }: Plan, roots: ServiceTools["roots"]): Promise<ReadonlyMap<string, string>> {
  const hashes = new Map<string, string>();
  for (const service of stack.services) {
    // A file that cannot be read is a finding of its own.
    const files = await fillFiles(service, roots).catch(() => undefined);
    if (files) hashes.set(service.name, configHash(service, hashOf(files)));
  }
  return hashes;
}

export async function checkPorts(
  engine: Engine,
  { stack }: Plan,
  { startAll }: Pick<DoctorTools, "startAll">,
  signal: AbortSignal,
): Promise<readonly Finding[]> {
  const ours = await findOurs(engine, stack.name, signal);
  // One that runs has its port, wherever it is.
  const open = stack.services.filter(
    ({ name }) => !ours.some((each) => each.State.Running && each.Config.Labels[labels.service] === name),
  );
  const findings: Finding[] = [];
  for (const { name, port } of open) {
    if (await isPortFree(port.host)) continue;
    const owner = await whoHoldsPort(engine, port.host, signal);
    findings.push({
      id: `port-taken-${name}`,
      severity: "warning",
      what: msg("The port of {0} is taken.", name),
      evidence: [msg("Port {0} is held by {1}", port.host, owner)],
      repair: msg("Start the services: the next free port is used. Nobody’s program is ended."),
      // Where nothing is set up, a person decides whether gigabytes are fetched.
      canRepair: ours.length > 0,
      mend: (leaving, each) => tellAll(startAll(leaving, each), leaving),
    });
  }
  return findings;
}
