// Sets up again what fell, one repair a container at a time, and finds out whether that helped.
import type Docker from "dockerode";
import type { Incident } from "../core/services.ts";
import { addressOf, publishedPort, stateOf } from "./container.ts";
import { callUnlessDone, type Engine, ifThere } from "./engine.ts";
import type { EngineEvent } from "./engine-events.ts";
import { pause } from "./pause.ts";
import { answersAt } from "./probe.ts";
import type { RestartBudget } from "./restart-budget.ts";
import { labels, readyPath } from "./stack.ts";

export interface HealerParts {
  readonly engine: Engine;
  readonly budget: RestartBudget;
  readonly log: (level: "debug" | "info" | "warn" | "error", text: string) => void;
  readonly nowMs: () => number;
  /** Another window may be the one that heals; then what falls is only kept in mind. */
  readonly isInCharge: () => boolean;
}

export interface Healed {
  readonly incident: Incident | undefined;
  readonly work: Promise<Healed>;
}

export type Healer = ReturnType<typeof createHealer>;

/** A stop on purpose is told right after the death it brings; so is the engine's own restart done. */
const settleMs = 700;
const helpLimitMs = 60_000;
const askEveryMs = 100;

export function createHealer(parts: HealerParts, signal: AbortSignal) {
  const working = new Set<Promise<Healed>>();
  const busy = new Set<string>();
  const stopped = new Set<string>();
  /** What fell and was not taken up: by a window that is not in charge, or while it was being mended. */
  const fallen = new Map<string, Incident["what"]>();
  const take = (id: string, what: Incident["what"]): void => {
    if (busy.has(id) || !parts.isInCharge()) {
      fallen.set(id, what);
      return;
    }
    fallen.delete(id);
    busy.add(id);
    const healing: Promise<Healed> = heal(parts, id, what, () => stopped.has(id), signal)
      .catch(() => undefined)
      .then((incident) => {
        busy.delete(id);
        const next = fallen.get(id);
        if (next && !signal.aborted) take(id, next);
        return { incident, work: healing };
      });
    working.add(healing);
  };
  const join = (work: Promise<Incident | undefined>): void => {
    const healing: Promise<Healed> = work.catch(() => undefined).then((incident) => ({ incident, work: healing }));
    working.add(healing);
  };
  return {
    working,
    /** Another repair, told like those of its own. */
    join,
    notice({ id, action }: EngineEvent): void {
      if (action === "stop" || action === "destroy") stopped.add(id);
      if (action === "start") stopped.delete(id);
      if (["start", "stop", "destroy", "unpause", "health_status: healthy"].includes(action)) fallen.delete(id);
      const what = whatHappened(action);
      if (what) take(id, what);
    },
    /** The one in charge is gone: what fell meanwhile is taken up. */
    takeCharge(): void {
      for (const [id, what] of [...fallen]) take(id, what);
    },
  };
}

function whatHappened(action: string): Incident["what"] | undefined {
  if (action === "die") return "died";
  if (action === "oom") return "out-of-memory";
  if (action === "pause") return "paused";
  return action === "health_status: unhealthy" ? "unhealthy" : undefined;
}

async function heal(
  { engine, budget, log, nowMs }: HealerParts,
  id: string,
  what: Incident["what"],
  wasStopped: () => boolean,
  signal: AbortSignal,
): Promise<Incident | undefined> {
  const atMs = nowMs();
  await pause(settleMs, signal);
  const found = await ifThere(engine.docker.getContainer(id).inspect(), signal);
  if (!found || wasStopped()) return undefined;
  const service = found.Config.Labels[labels.service] ?? "";
  const seen = { service, atMs, what: found.State.OOMKilled && what === "died" ? "out-of-memory" : what } as const;
  const turn = budget.take(service, nowMs());
  if (!turn) {
    // The engine would go on for ever.
    await callUnlessDone(engine.docker.getContainer(id).stop({ t: 5 }), signal, [304, 404]);
    return { ...seen, done: "gave-up", attempt: 6, helped: false, tookMs: nowMs() - atMs };
  }
  const done = await mend(engine, id, what, turn.pauseMs, signal, wasStopped).catch((error: unknown) => {
    signal.throwIfAborted();
    log("warn", `${service} could not be restarted: ${String(error)}`);
    return "failed" as const;
  });
  if (!done) return undefined;
  const helped = done !== "failed" && (await answersAgain(engine, id, service, signal));
  // Stopped on purpose before it answered: no repair that failed.
  if (!helped && wasStopped()) return undefined;
  return { ...seen, done, attempt: turn.attempt, helped, tookMs: nowMs() - atMs };
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

/** Until it answers, falls again, or has had its time. */
async function answersAgain({ docker }: Engine, id: string, service: string, signal: AbortSignal): Promise<boolean> {
  const deadlineMs = performance.now() + helpLimitMs;
  while (performance.now() < deadlineMs) {
    const found = await ifThere(docker.getContainer(id).inspect(), signal);
    const port = found && publishedPort(found);
    if (!found || port === undefined || ["stopped", "paused"].includes(stateOf(found))) return false;
    if (await answersAt(addressOf(service, port) + readyPath(service), signal)) return true;
    await pause(askEveryMs, signal);
  }
  return false;
}
