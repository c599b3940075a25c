// What is wrong, what shows it, and what mends it.
import { existsSync } from "node:fs";
import { statfs } from "node:fs/promises";
import { formatBytes } from "../core/format-bytes.ts";
import { type Message, msg } from "../core/message.ts";
import { serviceStateName } from "../core/names.ts";
import type { DoctorFinding, TriedEngine } from "../core/services.ts";
import { statusOfContainer } from "./container.ts";
import { type Engine, openEngine } from "./engine.ts";
import { removeContainer } from "./ensure-service.ts";
import { findOurs } from "./find-ours.ts";
import { bringUp } from "./manage.ts";
import type { HostFacts, Plan } from "./plan.ts";
import { whoHoldsPort } from "./port-owner.ts";
import { isPortFree } from "./ports.ts";
import type { ServiceTools } from "./service-tools.ts";
import { configHash, labels } from "./stack.ts";

export interface Finding extends DoctorFinding {
  /** Absent: by hand. Reversible, and touches only what is ours. */
  readonly mend?: (signal: AbortSignal) => Promise<void>;
}

/** The model server's image, unpacked, and room for a model of middle size. */
const wantedDiskBytes = 15e9;

/** Looks only; nothing is changed. Problems first. */
export async function diagnose(tools: ServiceTools, signal: AbortSignal): Promise<readonly Finding[]> {
  const { engine: found, tried } = await tools.search(signal);
  if (!found) return [withoutEngine(tried)];
  const engine = await openEngine(found, tried);
  const [facts, plan] = await Promise.all([tools.facts(engine, signal), tools.plan(engine, signal)]);
  const startAll = (each: AbortSignal) =>
    tools.locked(each, async (again) => drain(bringUp(again, plan, await tools.partsOf(again, each), each)));
  const findings = [
    ...(await checkContainers(engine, plan, startAll, tools, signal)),
    ...(await checkPorts(engine, plan, startAll, signal)),
    ...(await checkDisk(facts)),
    ...plan.notices.map(
      (what): Finding => ({
        id: "memory-short",
        severity: "warning",
        what,
        evidence: [msg("The engine has {0} of memory.", formatBytes(facts.engineMemoryBytes))],
        repair: msg("Give the engine more memory (Docker Desktop: Settings, Resources), or use smaller models."),
        canRepair: false,
      }),
    ),
    ...checkCard(facts, plan),
  ];
  return findings.sort((a, b) => Number(a.severity === "warning") - Number(b.severity === "warning"));
}

async function drain(events: AsyncIterable<unknown>): Promise<void> {
  for await (const _ of events);
}

function withoutEngine(tried: readonly TriedEngine[]): Finding {
  const evidence = tried.map(({ source, address, outcome }) => msg("{0}, {1}: {2}", source, address, outcome));
  const has = (answer: TriedEngine["answer"]) => tried.some((each) => each.answer === answer);
  const common = { severity: "problem", evidence, canRepair: false } as const;
  if (has("no-permission")) {
    return {
      ...common,
      id: "engine-no-permission",
      what: msg("A Docker engine is there, and this account may not use it."),
      repair: msg("Add your account to the group “docker” and log in again: sudo usermod -aG docker $USER"),
    };
  }
  if (has("stopped")) {
    return {
      ...common,
      id: "engine-stopped",
      what: msg("The Docker engine is stopped."),
      repair: msg("Start Docker Desktop, or on Linux: sudo systemctl start docker"),
    };
  }
  return {
    ...common,
    id: "engine-missing",
    what: msg("No Docker engine was found."),
    repair: msg("Install Docker, Podman or Colima. Without them the built-in engine and a native Ollama work as well."),
  };
}

async function checkContainers(
  engine: Engine,
  plan: Plan,
  startAll: (signal: AbortSignal) => Promise<void>,
  { stackName }: ServiceTools,
  signal: AbortSignal,
): Promise<readonly Finding[]> {
  const ours = await findOurs(engine, stackName, signal);
  return ours.flatMap((container): readonly Finding[] => {
    const status = statusOfContainer(container);
    const { name } = status;
    const wanted = plan.stack.services.find((service) => service.name === name);
    const remake = async (each: AbortSignal) => {
      await removeContainer(engine, container.Id, each);
      await startAll(each);
    };
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
          mend: status.state === "unhealthy" ? remake : startAll,
        },
      ];
    }
    if (!wanted || container.Config.Labels[labels.hash] === configHash(wanted)) return [];
    return [
      {
        ...common,
        severity: "warning",
        id: `outdated-${name}`,
        what: msg("{0} runs with settings of before.", name),
        evidence: [msg("{0} is made from {1}; {2} is asked for", status.container, status.image, wanted.image)],
        repair: msg("Make its container anew; what it keeps stays."),
        mend: startAll,
      },
    ];
  });
}

async function checkPorts(
  engine: Engine,
  { stack }: Plan,
  startAll: (signal: AbortSignal) => Promise<void>,
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
      canRepair: true,
      mend: startAll,
    });
  }
  return findings;
}

async function checkDisk({ dataFolder, sharesDevices }: HostFacts): Promise<readonly Finding[]> {
  // Elsewhere the engine has a disk of its own, which cannot be seen from here.
  if (!sharesDevices || !existsSync(dataFolder)) return [];
  const { bavail, bsize } = await statfs(dataFolder);
  const freeBytes = bavail * bsize;
  if (freeBytes >= wantedDiskBytes) return [];
  const evidence: readonly Message[] = [
    msg("{0} has {1} free; {2} are wanted", dataFolder, formatBytes(freeBytes), formatBytes(wantedDiskBytes)),
  ];
  return [
    {
      id: "disk-short",
      severity: freeBytes < wantedDiskBytes / 5 ? "problem" : "warning",
      what: msg("The disk of the Docker engine is nearly full."),
      evidence,
      repair: msg("Remove images and models that nobody uses: docker image prune, switchyard models delete"),
      canRepair: false,
    },
  ];
}

function checkCard({ exists, sharesDevices }: HostFacts, { variant, leftOut }: Plan): readonly Finding[] {
  const hasCard = sharesDevices && (exists("/dev/nvidia0") || exists("/proc/driver/nvidia/version"));
  if (!hasCard || variant === "nvidia" || leftOut.some(({ name }) => name === "ollama")) return [];
  return [
    {
      id: "gpu-unused",
      severity: "warning",
      what: msg("There is an NVIDIA card, and containers cannot use it."),
      evidence: [msg("The driver is loaded, and the engine has no runtime named “nvidia”")],
      repair: msg("Install the NVIDIA Container Toolkit, then: sudo nvidia-ctk runtime configure --runtime=docker"),
      canRepair: false,
    },
  ];
}
