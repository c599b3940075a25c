// Memory and processor of our containers, as the engine counts them.
import type Docker from "dockerode";
import type { ServiceUsage } from "../core/services.ts";
import { call, type Engine, openEngine } from "./engine.ts";
import { findOurs } from "./find-ours.ts";
import type { ServiceTools } from "./service-tools.ts";
import { labels } from "./stack.ts";

/** A rootless engine without a group of its own: what it counts is all processes together, and it keeps no limits. */
export const noCounting = "none";

export interface CountingFacts {
  readonly CgroupDriver?: string;
}

interface Seen {
  readonly cpuNanoseconds: number;
  readonly atMs: number;
}

/** One look is quick and tells no speed; so the last look at each container is kept. @param nowMs a clock that never goes back, ms */
export function createUsage(tools: Pick<ServiceTools, "search" | "stackName">, nowMs: () => number) {
  const before = new Map<string, Seen>();
  const counting = new Map<string, boolean>();
  const countsEach = async ({ found, docker }: Engine, signal: AbortSignal) => {
    const known = counting.get(found.address);
    if (known !== undefined) return known;
    const { CgroupDriver: driver }: CountingFacts = await call(docker.info(), signal);
    counting.set(found.address, driver !== noCounting);
    return driver !== noCounting;
  };
  const look = async ({ docker }: Engine, container: Docker.ContainerInspectInfo, signal: AbortSignal) => {
    const stats = await call(docker.getContainer(container.Id).stats({ stream: false, "one-shot": true }), signal);
    const now: Seen = { cpuNanoseconds: stats.cpu_stats?.cpu_usage?.total_usage ?? 0, atMs: nowMs() };
    const last = before.get(container.Id);
    before.set(container.Id, now);
    return usageOf(container, stats, last, now);
  };
  return async (signal: AbortSignal): Promise<readonly ServiceUsage[]> => {
    const { engine: found, tried } = await tools.search(signal);
    if (!found) return [];
    const engine = await openEngine(found, tried);
    if (!(await countsEach(engine, signal))) return [];
    const running = (await findOurs(engine, tools.stackName, signal)).filter(({ State }) => State.Running);
    for (const id of before.keys()) if (!running.some(({ Id }) => Id === id)) before.delete(id);
    // One that ends while it is looked at has no figures.
    const looks = await Promise.allSettled(running.map((container) => look(engine, container, signal)));
    signal.throwIfAborted();
    return looks.flatMap((each) => (each.status === "fulfilled" && each.value ? [each.value] : []));
  };
}

function usageOf(
  container: Docker.ContainerInspectInfo,
  { memory_stats: memory }: Docker.ContainerStats,
  last: Seen | undefined,
  now: Seen,
): ServiceUsage | undefined {
  if (memory?.usage === undefined) return undefined;
  const { inactive_file: files, total_inactive_file: filesOfOld } = memory.stats ?? {};
  const limitBytes = container.HostConfig.Memory ?? 0;
  const passedMs = last ? now.atMs - last.atMs : 0;
  return {
    name: container.Config.Labels[labels.service] ?? "",
    memoryBytes: Math.max(0, memory.usage - (files ?? filesOfOld ?? 0)),
    ...(limitBytes > 0 ? { memoryLimitBytes: limitBytes } : {}),
    ...(last && passedMs > 0
      ? { cpus: Math.max(0, (now.cpuNanoseconds - last.cpuNanoseconds) / (passedMs * 1e6)) }
      : {}),
  };
}
