// What every call needs: the engine, the plan, the lock.
import { existsSync, readFileSync } from "node:fs";
import { homedir } from "node:os";
import { join } from "node:path";
import { statusOfContainer } from "./container.ts";
import { call, type Engine, noEngine, openEngine } from "./engine.ts";
import type { Surroundings } from "./engine-candidates.ts";
import { findEngine } from "./find-engine.ts";
import { findService } from "./find-ours.ts";
import { takeLock } from "./lock.ts";
import { type HostFacts, type Plan, type PlanOptions, planStack } from "./plan.ts";
import { answersAt } from "./probe.ts";
import { defaultChoice } from "./stack.ts";

export type ServiceTools = ReturnType<typeof toolsOf>;

export interface ToolOptions {
  /** The product's home: holds the lock. */
  readonly home: string;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly platform?: NodeJS.Platform;
  /** Ports asked for; absent: the usual ones. */
  readonly ports?: PlanOptions["ports"];
}

export function toolsOf({ home, env, platform = process.platform, ports }: ToolOptions) {
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
    async plan(engine: Engine, signal: AbortSignal): Promise<Plan> {
      const nativeOllama = await findNative(engine, stackName, ports?.ollama ?? defaultChoice.ports.ollama, signal);
      return planStack(await factsOf(engine, platform, signal), {
        name: stackName,
        ...(ports ? { ports } : {}),
        modelMemory: env["MAX_MODEL_MEMORY"] ?? "",
        variant: env["SWITCHYARD_VARIANT"] ?? "",
        ...(nativeOllama ? { nativeOllama } : {}),
      });
    },
    /** One at a time, over all windows and shells. */
    async locked(signal: AbortSignal, work: (engine: Engine) => Promise<void>): Promise<void> {
      const engine = await connect(signal);
      const release = await takeLock(lockFile, signal);
      await work(engine).finally(release);
    },
  };
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
