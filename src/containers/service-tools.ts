// What every call needs: the engine, the plan, the lock.
import { existsSync, readFileSync } from "node:fs";
import { homedir } from "node:os";
import { join } from "node:path";
import type { ServiceProfile } from "../core/services.ts";
import type { Settings } from "../core/settings.ts";
import { proxyTagOf } from "./build-image.ts";
import { statusOfContainer } from "./container.ts";
import { call, type Engine, noEngine, openEngine } from "./engine.ts";
import type { Surroundings } from "./engine-candidates.ts";
import { findEngine } from "./find-engine.ts";
import { findOurs, findService } from "./find-ours.ts";
import { takeLock } from "./lock.ts";
import type { BringUpParts } from "./manage.ts";
import { type HostFacts, type Plan, type PlanOptions, planStack } from "./plan.ts";
import { answersAt } from "./probe.ts";
import { defaultChoice, labels } from "./stack.ts";

export type ServiceTools = ReturnType<typeof toolsOf>;

export interface ToolOptions {
  /** The product's home: holds the lock. */
  readonly home: string;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly platform?: NodeJS.Platform;
  /** Ports asked for; absent: the usual ones. */
  readonly ports?: PlanOptions["ports"];
  /** Folder of the product: what the containers are given lies below it. */
  readonly packageRoot: string;
  readonly settings: () => Pick<Settings, "imageMirrors" | "downloadProxy" | "caFile">;
}

export function toolsOf({ home, env, platform = process.platform, ports, packageRoot, settings }: ToolOptions) {
  const around: Surroundings = { platform, env, home: env["HOME"] ?? env["USERPROFILE"] ?? homedir(), readFile };
  const stackName = env["SWITCHYARD_STACK"] || defaultChoice.name;
  const lockFile = join(home, "services.lock");
  const search = (signal: AbortSignal) => findEngine(env["SWITCHYARD_DOCKER_HOST"] ?? "", around, signal);
  const connect = async (signal: AbortSignal): Promise<Engine> => {
    const { engine, tried } = await search(signal);
    if (!engine) throw noEngine(tried);
    return openEngine(engine, tried);
  };
  return {
    search,
    connect,
    stackName,
    lockFile,
    platform,
    facts: (engine: Engine, signal: AbortSignal) => factsOf(engine, platform, signal),
    roots: { packageRoot, home },
    async partsOf(engine: Engine, signal: AbortSignal): Promise<BringUpParts> {
      const facts = await factsOf(engine, platform, signal);
      return { facts, imageMirrors: settings().imageMirrors, packageRoot, home };
    },
    /** @param wanted absent: the profile of before */
    async plan(engine: Engine, signal: AbortSignal, wanted?: ServiceProfile): Promise<Plan> {
      const nativeOllama = await findNative(engine, stackName, ports?.ollama ?? defaultChoice.ports.ollama, signal);
      const profile = wanted ?? (await profileOf(engine, stackName, signal));
      // Told by who builds the image; for a look it is no matter.
      const proxyTag = profile === "core" ? undefined : await proxyTagOf(packageRoot).catch(() => undefined);
      const { downloadProxy, caFile } = settings();
      return planStack(await factsOf(engine, platform, signal), {
        name: stackName,
        profile,
        downloadProxy,
        caFile,
        ...(proxyTag ? { proxyTag } : {}),
        ...(ports ? { ports } : {}),
        modelMemory: env["MAX_MODEL_MEMORY"] ?? "",
        variant: env["SWITCHYARD_VARIANT"] ?? "",
        ...(nativeOllama ? { nativeOllama } : {}),
      });
    },
    /** One at a time, over all windows and shells. */
    async locked(signal: AbortSignal, work: (engine: Engine) => Promise<void>): Promise<void> {
      const engine = await connect(signal);
      const lock = await takeLock(lockFile, signal);
      await work(engine).finally(lock.release);
    },
  };
}

/** The largest that a container of ours belongs to. */
async function profileOf(engine: Engine, stackName: string, signal: AbortSignal): Promise<ServiceProfile> {
  const ours = await findOurs(engine, stackName, signal);
  const has = (name: string) => ours.some(({ Config }) => Config.Labels[labels.service] === name);
  if (has("grafana") || has("prometheus")) return has("local-llm-proxy") ? "team" : "monitoring";
  return has("local-llm-proxy") ? "team" : "core";
}

function readFile(path: string): string | undefined {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return undefined;
  }
}

async function factsOf(engine: Engine, platform: NodeJS.Platform, signal: AbortSignal): Promise<HostFacts> {
  const facts: EngineFacts = await call(engine.docker.info(), signal);
  return {
    platform,
    engineMemoryBytes: facts.MemTotal,
    runtimes: Object.keys(facts.Runtimes ?? {}),
    dataFolder: facts.DockerRootDir ?? "",
    sharesDevices: platform === "linux" && engine.found.isLocal && !/desktop/i.test(facts.OperatingSystem ?? ""),
    exists: existsSync,
  };
}

/** What is read of `docker info`. */
interface EngineFacts {
  readonly MemTotal: number;
  readonly Runtimes?: Readonly<Record<string, unknown>>;
  readonly OperatingSystem?: string;
  readonly DockerRootDir?: string;
}

/** An Ollama at the usual port that is no container of ours is the person's own: it is used, not fought. */
async function findNative(engine: Engine, stackName: string, port: number, signal: AbortSignal) {
  const ours = await findService(engine, { name: stackName }, { name: "ollama" }, signal);
  const ourAddress = ours && statusOfContainer(ours).address;
  const address = `http://127.0.0.1:${port}`;
  if (ourAddress === address || !(await answersAt(`${address}/api/version`, signal))) return undefined;
  return address;
}
