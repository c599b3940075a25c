// Disk, graphics card, and whether the models can run on what is there.
import * as z from "zod/mini";
import { knownModel } from "../core/catalogue.ts";
import { isOlder } from "../core/fit.ts";
import { formatBytes } from "../core/format-bytes.ts";
import { type Message, msg } from "../core/message.ts";
import { statusOfContainer } from "./container.ts";
import type { DoctorTools } from "./doctor-tools.ts";
import type { Engine } from "./engine.ts";
import { findOurs, findService } from "./find-ours.ts";
import { type Finding, tellAll } from "./finding.ts";
import { type HostFacts, isModelServer, type Plan } from "./plan.ts";
import { engineDiskFree } from "./preflight.ts";
import { restartService } from "./restart-service.ts";
import { labels } from "./stack.ts";
import { ollamaTag } from "./stack-core.ts";
import { updateServer } from "./update-server.ts";

/** The model server's image, unpacked, and room for a model of middle size. */
const wantedDiskBytes = 15e9;
const askLimitMs = 3_000;

export async function checkDisk(facts: HostFacts): Promise<readonly Finding[]> {
  const freeBytes = await engineDiskFree(facts);
  if (freeBytes === undefined || freeBytes >= wantedDiskBytes) return [];
  const evidence: readonly Message[] = [
    msg("{0} has {1} free; {2} are wanted", facts.dataFolder, formatBytes(freeBytes), formatBytes(wantedDiskBytes)),
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

export function checkCard({ exists, sharesDevices }: HostFacts, { variant, leftOut }: Plan): readonly Finding[] {
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

const runningSchema = z.object({
  models: z.array(z.object({ name: z.string(), size: z.number(), size_vram: z.optional(z.number()) })),
});

/** A container that was given a card computes on the processor: after hours, or a reload of the system's services, it loses it. */
export async function checkLostCard(
  engine: Engine,
  { stackName, roots, farewellTo }: Pick<DoctorTools, "stackName" | "roots" | "farewellTo">,
  signal: AbortSignal,
): Promise<readonly Finding[]> {
  const servers = (await findOurs(engine, stackName, signal)).filter(
    ({ State, Config }) => State.Running && isModelServer(Config.Labels[labels.service] ?? ""),
  );
  const findings: Finding[] = [];
  for (const server of servers) {
    const { name, address } = statusOfContainer(server);
    const { DeviceRequests: requests, Devices: devices } = server.HostConfig;
    if (!address || ((requests ?? []).length === 0 && (devices ?? []).length === 0)) continue;
    const running = runningSchema.safeParse(await askJson(`${address}/api/ps`, signal)).data?.models ?? [];
    const lost = running.filter(({ size, size_vram: onCard = 0 }) => size > 0 && onCard === 0);
    if (lost.length === 0 || lost.length < running.length) continue;
    findings.push({
      id: `gpu-lost-${name}`,
      severity: "problem",
      what: msg("{0} was given a graphics card and computes on the processor.", name),
      evidence: lost.map((model) =>
        msg("{0}: {1} in memory, nothing on the card", model.name, formatBytes(model.size)),
      ),
      repair: msg("Restart its container; models are loaded anew with the next question."),
      canRepair: true,
      mend(leaving, each) {
        const parts = { engine, stackName, home: roots.home, farewell: farewellTo(engine, leaving) };
        return restartService(parts, server, leaving, each);
      },
    });
  }
  return findings;
}

const versionSchema = z.object({ version: z.string() });
const tagsSchema = z.object({ models: z.array(z.object({ name: z.string() })) });

/** Models that are installed and that this version of the server cannot run. */
export async function checkModels(
  engine: Engine,
  { farewellTo, ...tools }: DoctorTools,
  signal: AbortSignal,
): Promise<readonly Finding[]> {
  const server = await findService(engine, { name: tools.stackName }, { name: "ollama" }, signal);
  const address = server?.State.Running ? statusOfContainer(server).address : undefined;
  if (!server || !address) return [];
  const version = versionSchema.safeParse(await askJson(`${address}/api/version`, signal)).data?.version;
  const models = tagsSchema.safeParse(await askJson(`${address}/api/tags`, signal)).data?.models ?? [];
  if (version === undefined) return [];
  const tooNew = models.flatMap(({ name }) => {
    const requires = knownModel(name)?.requires;
    return requires && isOlder(version, requires) ? [{ name, requires }] : [];
  });
  if (tooNew.length === 0) return [];
  // The product's own version, as long as it is new enough for all of them.
  const wanted = tooNew.reduce((best, { requires }) => (isOlder(best, requires) ? requires : best), ollamaTag);
  return [
    {
      id: "image-too-old",
      severity: "warning",
      what: msg("The model server in its container is too old for a model that is installed."),
      evidence: tooNew.map(({ name, requires }) => msg("{0} wants Ollama {1}, this is {2}", name, requires, version)),
      repair: msg(
        "Get Ollama {0} and run it in the container; models stay, and what does not come up is gone back from.",
        wanted,
      ),
      canRepair: true,
      mend(leaving, each) {
        const tag = wanted === ollamaTag ? "" : wanted;
        return tellAll(
          updateServer(tools, tag, (again) => farewellTo(again, leaving), each),
          leaving,
        );
      },
    },
  ];
}

async function askJson(address: string, signal: AbortSignal): Promise<unknown> {
  const both = AbortSignal.any([signal, AbortSignal.timeout(askLimitMs)]);
  const answer = await fetch(address, { signal: both, redirect: "error" }).catch(() => undefined);
  signal.throwIfAborted();
  return answer?.json().catch(() => undefined);
}
