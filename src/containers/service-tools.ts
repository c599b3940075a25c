// What every call needs: the engine, the plan, the lock.
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { homedir } from "node:os";
import { join } from "node:path";
import { msg } from "../core/message.ts";
import type { ServiceProfile, UpEvent } from "../core/services.ts";
import type { Settings } from "../core/settings.ts";
import { TaskError } from "../core/task-error.ts";
import { proxyTagOf } from "./build-image.ts";
import { statusOfContainer } from "./container.ts";
import { call, type Engine, openEngine } from "./engine.ts";
import type { Surroundings } from "./engine-candidates.ts";
import { findEngine } from "./find-engine.ts";
import { findOurs, findService } from "./find-ours.ts";
import type { LockDoor, LockWork } from "./lock.ts";
import type { BringUpParts } from "./manage.ts";
import { noEngine } from "./no-engine.ts";
import { type HostFacts, isModelServer, type Plan, type PlanOptions, planStack } from "./plan.ts";
import { answersAt } from "./probe.ts";
import { defaultChoice, labels } from "./stack.ts";
import { takeTurn } from "./take-turn.ts";
import { chosenTag } from "./update-image.ts";

export type ServiceTools = ReturnType<typeof toolsOf>;

export interface ToolOptions {
  /** The product's home: holds the lock. */
  readonly home: string;
  /** What this process is to the person; told to who waits for it. */
  readonly door?: LockDoor;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly platform?: NodeJS.Platform;
  /** Ports asked for; absent: the usual ones. */
  readonly ports?: PlanOptions["ports"];
  /** Nothing may be fetched. */
  readonly isOffline: () => boolean;
  readonly nowMs?: () => number;
  /** Free memory of this machine, bytes; absent or undefined: not known. */
  readonly freeMemory?: () => number | undefined;
  /** Folder of the product: what the containers are given lies below it. */
  readonly packageRoot: string;
  readonly settings: () => Pick<
    Settings,
    "imageMirrors" | "downloadProxy" | "caFile" | "minModelContainers" | "maxModelContainers"
  >;
}

export function toolsOf({
  home,
  door,
  env,
  platform = process.platform,
  ports,
  packageRoot,
  settings,
  isOffline,
  nowMs = Date.now,
  freeMemory = () => undefined,
}: ToolOptions) {
  const around: Surroundings = {
    ...{ platform, env, readFile, listFolder },
    home: env["HOME"] ?? env["USERPROFILE"] ?? homedir(),
    userId: process.getuid?.(),
  };
  const stackName = env["SWITCHYARD_STACK"] || defaultChoice.name;
  const lockFile = join(home, "services.lock");
  const search = (signal: AbortSignal) => findEngine(env["SWITCHYARD_DOCKER_HOST"] ?? "", around, signal);
  const connect = async (signal: AbortSignal): Promise<Engine> => {
    const { engine, tried } = await search(signal);
    if (!engine) throw noEngine(tried, env);
    return openEngine(engine, tried);
  };
  const connectHere = async (signal: AbortSignal): Promise<Engine> => {
    const engine = await connect(signal);
    if (engine.found.isLocal) return engine;
    throw remoteEngine(engine);
  };
  const facts = async (engine: Engine, signal: AbortSignal): Promise<HostFacts> => {
    const said = await factsOf(engine, platform, signal);
    const freeMemoryBytes = said.sharesDevices ? freeMemory() : undefined;
    return { ...said, ...(freeMemoryBytes === undefined ? {} : { freeMemoryBytes }) };
  };
  return {
    door,
    env,
    settings,
    isOffline,
    nowMs,
    exists: existsSync,
    search,
    connect,
    /** @throws TaskError `bad-input` where the engine is one of another machine: its ports are there */
    connectHere,
    stackName,
    lockFile,
    platform,
    facts,
    roots: { packageRoot, home },
    async partsOf(engine: Engine, signal: AbortSignal): Promise<BringUpParts> {
      return { facts: await facts(engine, signal), imageMirrors: settings().imageMirrors, packageRoot, home };
    },
    /** @param wanted absent: the profile, and as many model servers, as there are */
    async plan(engine: Engine, signal: AbortSignal, wanted: Wanted = {}): Promise<Plan> {
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
    },
    /** One at a time, over all windows and shells. */
    async locked(
      { work, tell }: { readonly work: LockWork; readonly tell?: ((event: UpEvent) => void) | undefined },
      signal: AbortSignal,
      run: (engine: Engine) => Promise<void>,
    ): Promise<void> {
      const engine = await connect(signal);
      const turn = takeTurn({ file: lockFile, door, work }, signal);
      let next = await turn.next();
      for (; !next.done; next = await turn.next()) tell?.(next.value);
      await run(engine).finally(next.value.release);
    },
    /** The same for who tells events. */
    turn: (work: LockWork, signal: AbortSignal) => takeTurn({ file: lockFile, door, work }, signal),
  };
}

interface Wanted {
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

function remoteEngine({ found }: Engine): TaskError {
  return new TaskError(
    "bad-input",
    msg(
      "The Docker engine at {0} is on another machine, whose ports cannot be reached safely. Run this there.",
      found.address,
    ),
  );
}

/** Of those in it that are folders, or lead to one. */
function listFolder(path: string): readonly string[] {
  try {
    return readdirSync(path, { withFileTypes: true }).flatMap((each) => (each.isFile() ? [] : [each.name]));
  } catch {
    return [];
  }
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
