// Watches answers and remembers their numbers.
import type { AnswerEvent } from "./answer.ts";
import type { LoadedModel } from "./backend.ts";
import { createBatch } from "./batch.ts";
import type { AnswerStats } from "./model-event.ts";
import type { Route } from "./route.ts";
import type { RunRecord, Runs } from "./run-record.ts";
import { beside, stream } from "./stream.ts";
import { isAbort, TaskError } from "./task-error.ts";

export interface RecorderParts {
  readonly runs: Pick<Runs, "add">;
  /** What is in memory now; asked once behind an answer, never in its way. */
  readonly loaded: () => Promise<readonly LoadedModel[]>;
  /** The time of day, Unix ms. */
  readonly nowMs: () => number;
}

export interface Recorder {
  /** Passes the events of one answer on. */
  watch(events: AsyncIterable<AnswerEvent>): AsyncIterable<AnswerEvent>;
  /** Resolves when everything so far is written down. */
  settled(): Promise<void>;
}

/** Shorter loads are only a look at whether it is loaded. */
const realLoadMs = 300;
/** A server with a hundred answers a second is not asked a hundred times what it has loaded. */
const lookEveryMs = 10_000;
/** So long a figure may be in memory only. */
const writeAfterMs = 250;

export function createRecorder({ runs, loaded, nowMs }: RecorderParts): Recorder {
  let inFlight = 0;
  let before: readonly LoadedModel[] = [];
  let lookedAtMs = Number.NEGATIVE_INFINITY;
  const batch = createBatch<Ended>(async (ended) => {
    const atMs = Math.max(...ended.map((each) => each.atMs));
    const isDue = ended.some(({ stats }) => (stats?.loadMs ?? 0) >= realLoadMs) || atMs - lookedAtMs > lookEveryMs;
    const now = isDue ? await loaded().catch(() => []) : before;
    if (isDue) lookedAtMs = atMs;
    const records = ended.map(({ route, end, stats, atMs: each }) =>
      recordOf(route, end, stats, { before, now, atMs: each }),
    );
    before = now;
    await runs.add(records);
  }, writeAfterMs);
  const keep = ({ model, backend, task }: Route, end: Ended["end"], stats: AnswerStats | undefined) => {
    // No more of the route: it would stay in memory with all its reasons.
    batch.add({ route: { model, backend, task }, end, stats, atMs: nowMs() }).catch(() => undefined); // a figure less
  };
  return {
    settled: () => batch.flush(),
    watch: (events) =>
      stream(async (take) => {
        inFlight++;
        let most = inFlight;
        let route: Route | undefined;
        try {
          await beside(events, take, (event) => {
            most = Math.max(most, inFlight);
            if (event.kind === "routed") route = event.route;
            const isNew = event.kind === "done" && event.keptAtMs === undefined;
            if (isNew && route && route.place !== "cloud") {
              keep(route, { outcome: "done", inFlight: most }, event.stats);
            }
            return take(event);
          });
        } catch (error) {
          if (route && route.place !== "cloud" && !isAbort(error)) {
            const isMemory = error instanceof TaskError && error.details.isOutOfMemory === true;
            keep(route, { outcome: isMemory ? "out-of-memory" : "failed", inFlight: most }, undefined);
          }
          throw error;
        } finally {
          inFlight--;
        }
      }),
  };
}

interface Ended {
  readonly route: Pick<Route, "model" | "backend" | "task">;
  readonly end: Pick<RunRecord, "outcome" | "inFlight">;
  readonly stats: AnswerStats | undefined;
  readonly atMs: number;
}

interface Memory {
  readonly before: readonly LoadedModel[];
  readonly now: readonly LoadedModel[];
  readonly atMs: number;
}

function recordOf(
  { model, backend, task }: Ended["route"],
  end: Ended["end"],
  stats: AnswerStats | undefined,
  { before, now, atMs }: Memory,
): RunRecord {
  const mine = now.find((each) => each.name === model && each.backend === backend);
  const usesCard = now.some(({ vramBytes }) => vramBytes > 0);
  const wasLoaded = stats !== undefined && stats.loadMs >= realLoadMs;
  const evicted = wasLoaded ? goneFrom(before, now, { model, backend, atMs }) : [];
  return {
    atMs,
    model,
    backend,
    task,
    ...end,
    promptTokens: stats?.promptTokens ?? 0,
    answerTokens: stats?.answerTokens ?? 0,
    loadMs: wasLoaded ? stats.loadMs : 0,
    prefillMs: stats?.prefillMs ?? 0,
    decodeMs: stats?.decodeMs ?? 0,
    ...(mine?.contextTokens === undefined ? {} : { contextTokens: mine.contextTokens }),
    ...(mine && usesCard ? { processorShare: 1 - mine.vramBytes / Math.max(1, mine.sizeBytes) } : {}),
    ...(evicted.length > 0 ? { evicted } : {}),
  };
}

/** Gone before their time, from the same server. */
function goneFrom(
  before: readonly LoadedModel[],
  now: readonly LoadedModel[],
  { model, backend, atMs }: { readonly model: string; readonly backend: string; readonly atMs: number },
): readonly string[] {
  return before
    .filter((each) => each.backend === backend && each.name !== model)
    .filter((each) => each.expiresAtMs === undefined || each.expiresAtMs > atMs)
    .filter((each) => !now.some((still) => still.name === each.name && still.backend === backend))
    .map(({ name }) => name);
}
