// Fetches an image; bytes are added up over its layers.
import { createInterface } from "node:readline";
import { Readable } from "node:stream";
import * as z from "zod/mini";
import { msg } from "../core/message.ts";
import type { UpEvent } from "../core/services.ts";
import { isAbort, TaskError } from "../core/task-error.ts";
import { call, type Engine, engineError, saidBy, statusOf } from "./engine.ts";

const lineSchema = z.object({
  id: z.optional(z.string()),
  status: z.optional(z.string()),
  error: z.optional(z.string()),
  progressDetail: z.optional(z.object({ current: z.optional(z.number()), total: z.optional(z.number()) })),
});
type Line = z.infer<typeof lineSchema>;

const tellEveryMs = 200;
/** Nothing new for so long: the connection is dead, though nobody says so. */
const stallMs = 30_000;
const mostStalls = 4;
const pullLimitMs = 5 * 60_000;

/** Leaving the loop or aborting ends the download; layers that are complete stay with the engine. */
export async function* pullImage(
  engine: Engine,
  image: string,
  signal: AbortSignal,
  limits: { readonly stallMs: number } = { stallMs },
): AsyncIterable<UpEvent> {
  const meter = createLayerMeter();
  let [stalls, bytesAtStall] = [0, 0];
  for (;;) {
    const stall = new AbortController();
    try {
      yield* pullOnce(
        engine,
        image,
        meter,
        AbortSignal.any([signal, stall.signal]),
        createWatchdog(limits.stallMs, () => stall.abort()),
      );
      return;
    } catch (error) {
      signal.throwIfAborted();
      if (!stall.signal.aborted) throw pullError(image, error);
      const { completedBytes } = meter.sum();
      // A bad line that still brings something is given all the time it wants.
      stalls = completedBytes > bytesAtStall ? 1 : stalls + 1;
      bytesAtStall = completedBytes;
      if (stalls > mostStalls) throw pullFailed(image, `${limits.stallMs / 1000} s`);
    }
  }
}

async function* pullOnce(
  engine: Engine,
  image: string,
  meter: ReturnType<typeof createLayerMeter>,
  signal: AbortSignal,
  watchdog: Watchdog,
): AsyncIterable<UpEvent> {
  let toldAtMs = 0;
  let stream: NodeJS.ReadableStream | undefined;
  try {
    // The engine answers once the registry did, so the request itself can stall as well.
    stream = await call(engine.docker.pull(image, { abortSignal: signal }), signal, pullLimitMs);
    const readable = new Readable().wrap(stream);
    stream.once("error", (error: Error) => readable.destroy(error));
    for await (const text of createInterface({ input: readable, signal })) {
      const line = parse(text);
      if (line?.error !== undefined) throw pullFailed(image, line.error);
      if (!line || !meter.add(line)) continue;
      watchdog.feed();
      if (performance.now() - toldAtMs < tellEveryMs) continue;
      toldAtMs = performance.now();
      yield { kind: "pull", image, ...meter.sum() };
    }
    signal.throwIfAborted();
    yield { kind: "pull", image, ...meter.sum() };
  } finally {
    watchdog.end();
    if (stream && "destroy" in stream && typeof stream.destroy === "function") stream.destroy();
  }
}

type Watchdog = ReturnType<typeof createWatchdog>;

function createWatchdog(limitMs: number, onSilence: () => void) {
  let timer = setTimeout(onSilence, limitMs);
  return {
    feed() {
      clearTimeout(timer);
      timer = setTimeout(onSilence, limitMs);
    },
    end: () => clearTimeout(timer),
  };
}

/**
 * Downloading and unpacking count apart in the engine's lines; only downloading is bytes to come. What was counted once
 * stays counted, so that the sum never goes back.
 */
export function createLayerMeter() {
  const layers = new Map<string, { completed: number; total: number }>();
  return {
    /** @returns whether the sum may have changed */
    add(line: Line): boolean {
      if (line.id === undefined) return false;
      const layer = layers.get(line.id);
      if (line.status === "Downloading") {
        const total = line.progressDetail?.total ?? layer?.total ?? 0;
        const completed = Math.max(layer?.completed ?? 0, line.progressDetail?.current ?? 0);
        layers.set(line.id, { completed, total: Math.max(total, completed) });
        return true;
      }
      if (!layer || !["Download complete", "Pull complete", "Extracting"].includes(line.status ?? "")) return false;
      layer.completed = layer.total;
      return true;
    },
    sum() {
      const all = [...layers.values()];
      const add = (pick: (layer: { completed: number; total: number }) => number) =>
        all.reduce((sum, layer) => sum + pick(layer), 0);
      return { completedBytes: add((layer) => layer.completed), totalBytes: add((layer) => layer.total) };
    },
  };
}

function parse(text: string): Line | undefined {
  try {
    return lineSchema.safeParse(JSON.parse(text)).data;
  } catch {
    return undefined;
  }
}

/** The engine answers what its registry did not as a failure of its own. */
function pullError(image: string, error: unknown): unknown {
  if (error instanceof Error && isAbort(error)) return error;
  return statusOf(error) === undefined ? engineError(error) : pullFailed(image, saidBy(causeOf(error)));
}

const causeOf = (error: unknown) => (error instanceof TaskError ? error.cause : error);

function pullFailed(image: string, said: string): TaskError {
  if (/no space left on device/i.test(said)) {
    return new TaskError("storage", msg("The disk of the Docker engine is full: {0}", said));
  }
  return new TaskError("network", msg("The image {0} could not be fetched: {1}", image, said));
}
