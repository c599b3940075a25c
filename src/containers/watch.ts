// Keeps what was started running. The engine tells what happens; who was stopped on purpose is left alone.
import type Docker from "dockerode";
import type { Incident, WatchEvent } from "../core/services.ts";
import { isAbort } from "../core/task-error.ts";
import { stateOf } from "./container.ts";
import { callUnlessDone, type Engine, ifThere } from "./engine.ts";
import { type EngineEvent, openEvents } from "./engine-events.ts";
import { findOurs } from "./find-ours.ts";
import { pause } from "./pause.ts";
import { createRestartBudget, type RestartBudget } from "./restart-budget.ts";
import { labels } from "./stack.ts";

export interface WatchOptions {
  readonly connect: (signal: AbortSignal) => Promise<Engine>;
  readonly stackName: string;
  readonly log: (level: "debug" | "info" | "warn" | "error", text: string) => void;
  readonly nowMs: () => number;
}

const firstReconnectMs = 500;
const longestReconnectMs = 15_000;
/** A stop on purpose is told right after the death it brings; so is the engine's own restart done. */
const settleMs = 700;

/** Ends when aborted, and only then; an engine that goes away is waited for. */
export async function* watchStack(options: WatchOptions, signal: AbortSignal): AsyncIterable<WatchEvent> {
  const budget = createRestartBudget();
  const running = new Set<string>();
  let wasLost = false;
  let reconnectMs = firstReconnectMs;
  while (!signal.aborted) {
    const left = new AbortController();
    const both = AbortSignal.any([signal, left.signal]);
    try {
      const engine = await options.connect(both);
      const healer = createHealer(engine, options, budget, both);
      const events = await openEvents(engine, options.stackName, both);
      if (wasLost) yield { kind: "engine-back" };
      reconnectMs = firstReconnectMs;
      // Those that were running when the engine went away and did not come back with it.
      const ours = await findOurs(engine, options.stackName, both);
      for (const each of ours) {
        if (wasLost && running.has(each.Id) && stateOf(each) === "stopped")
          healer.notice({ id: each.Id, action: "die" });
        if (each.State.Running) running.add(each.Id);
      }
      yield { kind: "changed" };
      wasLost = false;
      yield* mergeWithHealing(events, healer, running);
    } catch (error) {
      if (signal.aborted) return;
      if (!(error instanceof Error && isAbort(error))) options.log("debug", `watching: ${String(error)}`);
    } finally {
      left.abort();
    }
    if (!wasLost && !signal.aborted) yield { kind: "engine-lost" };
    wasLost = true;
    await pause(reconnectMs, signal).catch(() => undefined);
    reconnectMs = Math.min(reconnectMs * 2, longestReconnectMs);
  }
}

type Healer = ReturnType<typeof createHealer>;

/** Events and finished repairs, in the order in which they come; a long pause of one service holds up no other. */
async function* mergeWithHealing(
  events: AsyncIterable<EngineEvent>,
  healer: Healer,
  running: Set<string>,
): AsyncIterable<WatchEvent> {
  const iterator = events[Symbol.asyncIterator]();
  try {
    let next = iterator.next();
    for (;;) {
      const first = await Promise.race([next, ...healer.working]);
      if ("incident" in first) {
        healer.working.delete(first.work);
        if (first.incident) yield { kind: "incident", incident: first.incident };
        continue;
      }
      if (first.done) return;
      const event = first.value;
      if (event.action === "start") running.add(event.id);
      if (event.action === "stop" || event.action === "destroy") running.delete(event.id);
      healer.notice(event);
      yield { kind: "changed" };
      next = iterator.next();
    }
  } finally {
    await iterator.return?.();
  }
}

interface Healed {
  readonly incident: Incident | undefined;
  readonly work: Promise<Healed>;
}

function createHealer(engine: Engine, options: WatchOptions, budget: RestartBudget, signal: AbortSignal) {
  const working = new Set<Promise<Healed>>();
  const busy = new Set<string>();
  const stopped = new Set<string>();
  const heal = async (id: string, what: Incident["what"]): Promise<Incident | undefined> => {
    await pause(settleMs, signal);
    const found = await ifThere(engine.docker.getContainer(id).inspect(), signal);
    if (!found || stopped.has(id)) return undefined;
    const service = found.Config.Labels[labels.service] ?? "";
    const seen = {
      service,
      atMs: options.nowMs(),
      what: found.State.OOMKilled && what === "died" ? "out-of-memory" : what,
    } as const;
    const turn = budget.take(service, options.nowMs());
    if (!turn) {
      // The engine would go on for ever.
      await callUnlessDone(engine.docker.getContainer(id).stop({ t: 5 }), signal, [304, 404]);
      return { ...seen, done: "gave-up", attempt: 6 };
    }
    const done = await mend(engine, id, what, turn.pauseMs, signal, () => stopped.has(id)).catch((error: unknown) => {
      signal.throwIfAborted();
      options.log("warn", `${service} could not be restarted: ${String(error)}`);
      return "failed" as const;
    });
    return done && { ...seen, done, attempt: turn.attempt };
  };
  return {
    working,
    notice({ id, action }: EngineEvent): void {
      if (action === "stop" || action === "destroy") stopped.add(id);
      if (action === "start") stopped.delete(id);
      const what = whatHappened(action);
      if (!what || busy.has(id)) return;
      busy.add(id);
      const healing: Promise<Healed> = heal(id, what)
        .catch(() => undefined)
        .then((incident) => {
          busy.delete(id);
          return { incident, work: healing };
        });
      working.add(healing);
    },
  };
}

function whatHappened(action: string): Incident["what"] | undefined {
  if (action === "die") return "died";
  if (action === "oom") return "out-of-memory";
  if (action === "pause") return "paused";
  return action === "health_status: unhealthy" ? "unhealthy" : undefined;
}

/** @returns undefined where nothing was left to do because it was stopped on purpose */
async function mend(
  { docker }: Engine,
  id: string,
  what: Incident["what"],
  pauseMs: number,
  signal: AbortSignal,
  wasStopped: () => boolean,
): Promise<Incident["done"] | undefined> {
  const container = docker.getContainer(id);
  const before = await ifThere(container.inspect(), signal);
  // The engine's own policy was faster.
  if (before && isRunning(before) && (what === "died" || what === "out-of-memory")) return "restarted";
  await pause(pauseMs, signal);
  const found = await ifThere(container.inspect(), signal);
  if (!found || wasStopped()) return undefined;
  if (found.State.Paused) {
    await callUnlessDone(container.unpause(), signal, [304, 409]);
    return "unpaused";
  }
  if (what === "unhealthy") await callUnlessDone(container.restart({ t: 5 }), signal);
  else await callUnlessDone(container.start(), signal);
  return "restarted";
}

const isRunning = ({ State: state }: Docker.ContainerInspectInfo) =>
  state.Running && !state.Restarting && !state.Paused;
