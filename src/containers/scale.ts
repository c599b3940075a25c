// More model servers while questions wait, fewer when they do not. A new one is published when its models are loaded;
// one that goes is taken off the list first, and ends when nothing of it is in use.
import { formatBytes } from "../core/format-bytes.ts";
import { type Message, msg } from "../core/message.ts";
import type { ModelLoad, ScaleEvent } from "../core/services.ts";
import { isAbort } from "../core/task-error.ts";
import { addressOf, publishedPort } from "./container.ts";
import { decideReplicas, type ScaleLimits, type ScalePace, usualPace } from "./decide-replicas.ts";
import { admitAgain, leadProxy } from "./drain-proxy.ts";
import type { Engine } from "./engine.ts";
import { removeContainer } from "./ensure-service.ts";
import { findOurs, findService } from "./find-ours.ts";
import type { Balancer } from "./let-finish.ts";
import { takeLock } from "./lock.ts";
import { startService } from "./manage.ts";
import { noMemoryFor } from "./memory-now.ts";
import { pause } from "./pause.ts";
import { forgetPlace, keepPlace, readPlaces } from "./places.ts";
import { isModelServer, type Plan } from "./plan.ts";
import { loadSameModels, memoryOfModels } from "./same-models.ts";
import type { ServiceSpec } from "./service-spec.ts";
import type { ServiceTools } from "./service-tools.ts";
import { labels } from "./stack.ts";
import { modelSlots } from "./stack-core.ts";

export interface ScaleParts {
  readonly tools: ServiceTools;
  readonly home: string;
  /** Undefined: nobody tells what is asked, so nothing is changed. */
  readonly balancer: (Balancer & { readonly load: () => ModelLoad }) | undefined;
  readonly limits: () => { readonly min: number; readonly max: number };
  /** What was known of servers is out of date. */
  readonly onChange: () => void;
  /** Whether a container computes for anybody, such as another window. */
  readonly isBusy: (service: string, signal: AbortSignal) => Promise<boolean>;
  readonly log: (level: "debug" | "info" | "warn" | "error", text: string) => void;
  readonly pace?: ScalePace;
  readonly lookEveryMs?: number;
}

const usualLookEveryMs = 1_000;
const quietEveryMs = 1_000;
/** They look at the list twice a second. */
const noticedAfterMs = 1_500;
const takeInLimitMs = 5_000;
/** It is stopped first. */
const takeBackLimitMs = 20_000;
/** After a failure: the engine may be gone, or the disk full. */
const afterFailureMs = 30_000;

/** Ends when aborted, and only then. */
export async function* scaleServers(parts: ScaleParts, signal: AbortSignal): AsyncIterable<ScaleEvent> {
  let spareSinceMs: number | undefined;
  let changedAtMs: number | undefined;
  let isHeld = false;
  while (!signal.aborted) {
    await pause(parts.lookEveryMs ?? usualLookEveryMs, signal).catch(() => undefined);
    const { min, max } = parts.limits();
    // Nobody asked for more than one: the engine is not even looked at.
    if (signal.aborted || max < 2 || !parts.balancer) continue;
    try {
      const now = performance.now();
      const { engine, plan, servers, limits } = await lookAround(parts, { min, max }, signal);
      // What was never started is not started by being busy.
      if (servers.length === 0) continue;
      const state = {
        servers: servers.length,
        ...(spareSinceMs === undefined ? {} : { spareSinceMs }),
        ...(changedAtMs === undefined ? {} : { changedAtMs }),
      };
      const load = parts.balancer.load();
      const decision = decideReplicas(load, state, limits, now, parts.pace ?? usualPace);
      spareSinceMs = decision.kind === "keep" ? decision.spareSinceMs : undefined;
      const service = decision.kind === "add" ? nextOf(plan, servers) : undefined;
      const held = service && (await whyHeld(parts, engine, servers, signal));
      if (service && held && !isHeld) yield { kind: "held", service: service.name, why: held };
      isHeld = held !== undefined || (isHeld && decision.kind === "keep" && load.waiting > 0);
      if (decision.kind === "add" && service && !held)
        yield* addServer(parts, { engine, plan, servers, service, why: decision.why }, signal);
      if (decision.kind === "remove") yield* removeServer(parts, engine, servers, decision.why, signal);
      if (decision.kind !== "keep") changedAtMs = performance.now();
    } catch (error) {
      if (signal.aborted) return;
      if (!(error instanceof Error && isAbort(error))) parts.log("warn", `scaling: ${String(error)}`);
      await pause(afterFailureMs, signal).catch(() => undefined);
    }
  }
}

interface Server {
  readonly name: string;
  readonly id: string;
  readonly address: string;
}

interface Surroundings {
  readonly engine: Engine;
  readonly plan: Plan;
  /** The first one first. */
  readonly servers: readonly Server[];
  readonly limits: ScaleLimits;
}

async function lookAround(
  { tools }: ScaleParts,
  { min, max }: { readonly min: number; readonly max: number },
  signal: AbortSignal,
): Promise<Surroundings> {
  const engine = await tools.connect(signal);
  const running = (await findOurs(engine, tools.stackName, signal)).filter(({ State }) => State.Running);
  const servers = running.flatMap((each): Server[] => {
    const name = each.Config.Labels[labels.service] ?? "";
    const port = publishedPort(each);
    return isModelServer(name) && port !== undefined ? [{ name, id: each.Id, address: addressOf(name, port) }] : [];
  });
  servers.sort((a, b) => numberOf(a.name) - numberOf(b.name));
  const plan = await tools.plan(engine, signal, { replicas: servers.length });
  return { engine, plan, servers, limits: { min, max, fitting: plan.fittingServers, slots: modelSlots } };
}

const numberOf = (name: string) => Number(name.split("-")[1] ?? 1);

function nextOf({ stack }: Plan, servers: readonly Server[]): ServiceSpec | undefined {
  const isTaken = (name: string) => servers.some((server) => server.name === name);
  return stack.services.find(({ name }) => isModelServer(name) && !isTaken(name));
}

/** The plan goes by all the memory there is; other programs may have it now. */
async function whyHeld(
  { tools }: ScaleParts,
  engine: Engine,
  servers: readonly Server[],
  signal: AbortSignal,
): Promise<Message | undefined> {
  const { freeMemoryBytes } = await tools.facts(engine, signal);
  return noMemoryFor(await memoryOfModels(servers[0]?.address ?? "", signal), freeMemoryBytes);
}

interface Addition {
  readonly engine: Engine;
  readonly plan: Plan;
  readonly servers: readonly Server[];
  readonly service: ServiceSpec;
  readonly why: Message;
}

async function* addServer(
  parts: ScaleParts,
  { engine, plan, servers, service, why }: Addition,
  signal: AbortSignal,
): AsyncIterable<ScaleEvent> {
  const { tools } = parts;
  const lock = await takeLock(tools.lockFile, signal, { work: "scale", door: tools.door });
  let isIn = false;
  try {
    // Who had the lock may have stopped them all.
    const first = await findService(engine, plan.stack, { name: servers[0]?.name ?? "" }, signal);
    if (!first?.State.Running) return;
    yield { kind: "adding", service: service.name, why };
    const address = await startService(engine, plan.stack, service, tools.roots, signal);
    const loaded = await loadSameModels(servers[0]?.address ?? "", address, signal);
    await takeIn(parts, engine, { name: service.name, address }, signal);
    isIn = true;
    const memory = formatBytes(service.memoryMiB * 2 ** 20);
    const text = msg(
      "{0} takes part now, with {1} models loaded and at most {2} of memory.",
      service.name,
      loaded,
      memory,
    );
    yield { kind: "added", service: service.name, address, text };
  } finally {
    if (!isIn) await takeBack(parts, engine, service, AbortSignal.timeout(takeBackLimitMs)).catch(() => undefined);
    await lock.release();
  }
}

/** One that nobody asks would take memory, and count as one that is asked. */
async function takeBack(
  { home, tools }: ScaleParts,
  engine: Engine,
  { name }: ServiceSpec,
  signal: AbortSignal,
): Promise<void> {
  const found = await findService(engine, { name: tools.stackName }, { name }, signal);
  if (found && readPlaces(home)[name] === undefined) await removeContainer(engine, found.Id, signal);
}

async function* removeServer(
  parts: ScaleParts,
  engine: Engine,
  servers: readonly Server[],
  why: Message,
  signal: AbortSignal,
): AsyncIterable<ScaleEvent> {
  const last = servers.at(-1);
  // The first one stays: it is the one that the person started.
  if (!last || servers.length < 2) return;
  // Another window may be asking it.
  if (await parts.isBusy(last.name, signal)) return;
  yield { kind: "removing", service: last.name, why };
  const proxy = leadProxy(engine, parts.tools.stackName, parts.home, last.id);
  let isGone = false;
  try {
    await forgetPlace(parts.home, last.name);
    parts.onChange();
    await Promise.all([
      parts.balancer?.drain(last.address, signal),
      proxy.drain(signal),
      // Until other windows and services have read the list.
      pause(noticedAfterMs, signal),
    ]);
    while (await parts.isBusy(last.name, signal)) await pause(quietEveryMs, signal);
    const lock = await takeLock(parts.tools.lockFile, signal, { work: "scale", door: parts.tools.door });
    await removeContainer(engine, last.id, signal).finally(lock.release);
    isGone = true;
  } finally {
    proxy.end();
    // Whoever waited for it is closed: it is there, and may be asked.
    if (!isGone) await takeIn(parts, engine, last, AbortSignal.timeout(takeInLimitMs)).catch(() => undefined);
  }
  yield { kind: "removed", service: last.name };
}

/** On the list, and asked by everybody, also where it is one that was drained before. */
async function takeIn(
  { home, tools, balancer, onChange }: ScaleParts,
  engine: Engine,
  { name, address }: Pick<Server, "name" | "address">,
  signal: AbortSignal,
): Promise<void> {
  await keepPlace(home, name, address);
  balancer?.admit(address);
  onChange();
  await admitAgain(engine, { stackName: tools.stackName, home, name }, signal);
}
