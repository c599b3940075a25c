// The stack that is wanted: what is there already, what the machine can do, what the settings say.
import type { ServiceProfile } from "../core/services.ts";
import type { Settings } from "../core/settings.ts";
import { proxyTagOf } from "./build-image.ts";
import { statusOfContainer } from "./container.ts";
import type { Engine } from "./engine.ts";
import { findOurs, findService } from "./find-ours.ts";
import { type HostFacts, isModelServer, type Plan, type PlanOptions, planStack } from "./plan.ts";
import { answersAt } from "./probe.ts";
import { defaultChoice, labels } from "./stack.ts";
import { chosenTag } from "./update-image.ts";

export interface PlanParts {
  readonly home: string;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly ports?: PlanOptions["ports"];
  readonly packageRoot: string;
  readonly settings: () => Pick<Settings, "downloadProxy" | "caFile" | "minModelContainers">;
  readonly stackName: string;
  readonly facts: (engine: Engine, signal: AbortSignal) => Promise<HostFacts>;
}

/** @param wanted absent: the profile, and as many model servers, as there are */
export async function planWanted(
  engine: Engine,
  { home, env, ports, packageRoot, settings, stackName, facts }: PlanParts,
  wanted: Wanted,
  signal: AbortSignal,
): Promise<Plan> {
  const nativeOllama = await findNative(engine, stackName, ports?.ollama ?? defaultChoice.ports.ollama, signal);
  const found = await whatIsThere(engine, stackName, signal);
  const { profile, replicas, ollamaTag } = { ...found, ollamaTag: chosenTag(home), ...wanted };
  // Told by who builds the image; for a look it is no matter.
  const proxyTag = profile === "core" ? undefined : await proxyTagOf(packageRoot).catch(() => undefined);
  const { downloadProxy, caFile } = settings();
  return planStack(await facts(engine, signal), {
    name: stackName,
    profile,
    ollamaTag,
    replicas: Math.max(replicas, settings().minModelContainers - 1),
    downloadProxy,
    caFile,
    ...(proxyTag ? { proxyTag } : {}),
    ...(ports ? { ports } : {}),
    modelMemory: env["MAX_MODEL_MEMORY"] ?? "",
    variant: env["SWITCHYARD_VARIANT"] ?? "",
    ...(nativeOllama ? { nativeOllama } : {}),
  });
}

export interface Wanted {
  readonly profile?: ServiceProfile;
  /** Model servers beside the first. */
  readonly replicas?: number;
  /** Version of the model server; empty: the product's own choice. */
  readonly ollamaTag?: string;
}

/** The largest profile that a container of ours belongs to, and the model servers beside the first. */
async function whatIsThere(
  engine: Engine,
  stackName: string,
  signal: AbortSignal,
): Promise<Required<Pick<Wanted, "profile" | "replicas">>> {
  const names = (await findOurs(engine, stackName, signal)).map(({ Config }) => Config.Labels[labels.service] ?? "");
  const replicas = Math.max(0, ...names.filter(isModelServer).map((name) => Number(name.split("-")[1] ?? 1) - 1));
  const hasFigures = names.includes("grafana") || names.includes("prometheus");
  if (names.includes("local-llm-proxy")) return { profile: "team", replicas };
  return { profile: hasFigures ? "monitoring" : "core", replicas };
}

/** An Ollama at the usual port that is no container of ours is the person's own: it is used, not fought. */
async function findNative(engine: Engine, stackName: string, port: number, signal: AbortSignal) {
  const ours = await findService(engine, { name: stackName }, { name: "ollama" }, signal);
  const ourAddress = ours && statusOfContainer(ours).address;
  const address = `http://127.0.0.1:${port}`;
  if (ourAddress === address || !(await answersAt(`${address}/api/version`, signal))) return undefined;
  return address;
}
