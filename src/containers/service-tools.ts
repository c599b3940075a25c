// What every call needs: the engine, the plan, the lock.
import { existsSync } from "node:fs";
import { join } from "node:path";
import type { UpEvent } from "../core/services.ts";
import type { Settings } from "../core/settings.ts";
import type { Engine } from "./engine.ts";
import { factsOf } from "./host-facts.ts";
import type { LockDoor, LockWork } from "./lock.ts";
import type { BringUpParts } from "./manage.ts";
import type { HostFacts, PlanOptions } from "./plan.ts";
import { type PlanParts, planWanted, type Wanted } from "./plan-wanted.ts";
import { reachEngine } from "./reach-engine.ts";
import { defaultChoice } from "./stack.ts";
import { takeTurn } from "./take-turn.ts";

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
    | "imageMirrors"
    | "downloadProxy"
    | "caFile"
    | "minModelContainers"
    | "maxModelContainers"
    | "engine"
    | "ollamaUrl"
    | "nodes"
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
  const stackName = env["SWITCHYARD_STACK"] || defaultChoice.name;
  const lockFile = join(home, "services.lock");
  const { search, connect, connectHere } = reachEngine(env, platform);
  const facts = async (engine: Engine, signal: AbortSignal): Promise<HostFacts> => {
    const said = await factsOf(engine, platform, signal);
    const freeMemoryBytes = said.sharesDevices ? freeMemory() : undefined;
    return { ...said, ...(freeMemoryBytes === undefined ? {} : { freeMemoryBytes }) };
  };
  const planParts: PlanParts = { home, env, packageRoot, settings, stackName, facts, ...(ports ? { ports } : {}) };
  return {
    door,
    env,
    settings,
    isOffline,
    nowMs,
    exists: existsSync,
    search,
    connect,
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
    plan: (engine: Engine, signal: AbortSignal, wanted: Wanted = {}) => planWanted(engine, planParts, wanted, signal),
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
