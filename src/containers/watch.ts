// Keeps what was started running. The engine tells what happens; who was stopped on purpose is left alone. Every window
// watches, and one of them heals.
import { randomUUID } from "node:crypto";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import type { RunRecord } from "../core/run-record.ts";
import type { WatchEvent } from "../core/services.ts";
import { isAbort } from "../core/task-error.ts";
import { stateOf } from "./container.ts";
import type { Engine } from "./engine.ts";
import { type EngineEvent, openEvents } from "./engine-events.ts";
import { findOurs } from "./find-ours.ts";
import { createHealer, type Healed, type Healer } from "./heal.ts";
import { healLostGpu } from "./heal-gpu.ts";
import { createIncidentNotes, type IncidentNotes } from "./incident-notes.ts";
import { applyForLease, type Lease } from "./lease.ts";
import type { Farewell } from "./let-finish.ts";
import { pause } from "./pause.ts";
import { createRestartBudget } from "./restart-budget.ts";

export interface WatchOptions {
  readonly connect: (signal: AbortSignal) => Promise<Engine>;
  readonly stackName: string;
  /** Holds the lease and the notes. */
  readonly home: string;
  readonly log: (level: "debug" | "info" | "warn" | "error", text: string) => void;
  readonly nowMs: () => number;
  /** Waits for the answers of a server that is restarted. */
  readonly farewellTo: (engine: Engine) => Farewell;
  /** What answers took, for cards that were lost; absent: not looked for. */
  readonly runs?: () => Promise<readonly RunRecord[]>;
  /** How often lost cards are looked for. */
  readonly gpuLookEveryMs?: number;
}

export const leaseFile = (home: string): string => join(home, "services-watch.lock");

export const incidentFile = (home: string): string => join(home, "incidents.ndjson");

const firstReconnectMs = 500;
const longestReconnectMs = 15_000;
const usualGpuLookEveryMs = 60_000;
/** How often what the one in charge wrote down is looked for. */
const readNotesEveryMs = 1_000;

/** Ends when aborted, and only then; an engine that goes away is waited for. */
export async function* watchStack(options: WatchOptions, signal: AbortSignal): AsyncIterable<WatchEvent> {
  const lease = applyForLease(leaseFile(options.home), signal);
  const notes = createIncidentNotes(incidentFile(options.home), randomUUID());
  await notes.others();
  try {
    yield* watchEngine(options, lease, notes, signal);
  } finally {
    await lease.end();
  }
}

async function* watchEngine(
  options: WatchOptions,
  lease: Lease,
  notes: IncidentNotes,
  signal: AbortSignal,
): AsyncIterable<WatchEvent> {
  const budget = createRestartBudget();
  void lease.taken.then(async () => budget.learn(await notes.list()));
  const running = new Set<string>();
  let wasLost = false;
  let reconnectMs = firstReconnectMs;
  while (!signal.aborted) {
    const left = new AbortController();
    const both = AbortSignal.any([signal, left.signal]);
    try {
      const engine = await options.connect(both);
      const healer = createHealer({ ...options, engine, budget, isInCharge: lease.isHeld }, both);
      const lookForGpu = gpuLook(options, engine, healer, lease, notes, both);
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
      yield* mergeWithHealing(events, healer, running, lease, notes, lookForGpu, both);
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

/** Called at each tick; looks when it is time, and in the window in charge alone. */
function gpuLook(
  options: WatchOptions,
  engine: Engine,
  healer: Healer,
  lease: Lease,
  notes: IncidentNotes,
  signal: AbortSignal,
) {
  const { runs, gpuLookEveryMs = usualGpuLookEveryMs } = options;
  let lookedAtMs = options.nowMs();
  let healedAtMs = 0;
  let isLooking = false;
  // Also by another window, or before the engine was away.
  const sinceMs = async () => {
    const healed = (await notes.list()).filter(({ what }) => what === "lost-gpu");
    return Math.max(healedAtMs, ...healed.map(({ atMs, tookMs }) => atMs + tookMs));
  };
  return () => {
    if (isLooking || !runs || !lease.isHeld() || options.nowMs() - lookedAtMs < gpuLookEveryMs) return;
    lookedAtMs = options.nowMs();
    // It takes as long as the answers that are waited for.
    isLooking = true;
    const look = sinceMs().then((atMs) => healLostGpu({ ...options, engine, runs }, atMs, signal));
    const healed = look.then((incident) => {
      if (incident) healedAtMs = options.nowMs();
      return incident;
    });
    healer.join(
      healed.finally(() => {
        isLooking = false;
      }),
    );
  };
}

type Happening =
  | { readonly kind: "event"; readonly result: IteratorResult<EngineEvent, void> }
  | { readonly kind: "healed"; readonly healed: Healed }
  | { readonly kind: "tick" };

/** Events and finished repairs, in the order in which they come; a long pause of one service holds up no other. */
async function* mergeWithHealing(
  events: AsyncIterable<EngineEvent>,
  healer: Healer,
  running: Set<string>,
  lease: Lease,
  notes: IncidentNotes,
  lookForGpu: () => void,
  signal: AbortSignal,
): AsyncIterable<WatchEvent> {
  const iterator = events[Symbol.asyncIterator]();
  const nextEvent = () => later(iterator.next().then((result): Happening => ({ kind: "event", result })));
  const nextTick = () =>
    later(sleep(readNotesEveryMs, undefined, { signal }).then((): Happening => ({ kind: "tick" })));
  let next = nextEvent();
  let tick = nextTick();
  try {
    for (;;) {
      const healing = [...healer.working].map((work) => work.then((healed): Happening => ({ kind: "healed", healed })));
      const first = await Promise.race([next, ...healing, tick]);
      if (first.kind === "tick") {
        tick = nextTick();
        // The one that was is gone, or this one has slept and another has healed meanwhile.
        if (lease.isHeld()) healer.takeCharge();
        lookForGpu();
        for (const incident of await notes.others()) yield { kind: "incident", incident };
      } else if (first.kind === "healed") {
        const { work, incident } = first.healed;
        healer.working.delete(work);
        if (!incident) continue;
        await notes.add(incident);
        yield { kind: "incident", incident };
      } else {
        if (first.result.done) return;
        const event = first.result.value;
        if (event.action === "start") running.add(event.id);
        if (event.action === "stop" || event.action === "destroy") running.delete(event.id);
        healer.notice(event);
        yield { kind: "changed" };
        next = nextEvent();
      }
    }
  } finally {
    await iterator.return?.();
  }
}

/** Waited for in turn: what fails while something else is told is no failure that nobody sees. */
function later(happening: Promise<Happening>): Promise<Happening> {
  happening.catch(() => undefined);
  return happening;
}
