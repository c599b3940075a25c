// What the engine tells of the machine that it is on.
import { existsSync } from "node:fs";
import { call, type Engine } from "./engine.ts";
import type { HostFacts } from "./plan.ts";

export async function factsOf(engine: Engine, platform: NodeJS.Platform, signal: AbortSignal): Promise<HostFacts> {
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
