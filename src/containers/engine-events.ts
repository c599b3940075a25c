// What happens to our containers, as the engine tells it.
import { createInterface } from "node:readline";
import { Readable } from "node:stream";
import * as z from "zod/mini";
import { call, type Engine } from "./engine.ts";
import { labels } from "./stack.ts";

export interface EngineEvent {
  readonly id: string;
  /** `die`, `start`, `oom`, `pause`, `health_status: unhealthy`… */
  readonly action: string;
}

const eventSchema = z.object({ Action: z.string(), Actor: z.object({ ID: z.string() }) });

/** Nothing that happens after this resolves is missed. The events end when the engine ends. */
export async function openEvents(
  { docker }: Engine,
  stackName: string,
  signal: AbortSignal,
): Promise<AsyncGenerator<EngineEvent, void>> {
  const filters = JSON.stringify({ type: ["container"], label: [`${labels.stack}=${stackName}`] });
  const options = { filters, abortSignal: signal };
  const stream = await call(docker.getEvents(options), signal);
  return readEvents(stream, signal);
}

async function* readEvents(stream: NodeJS.ReadableStream, signal: AbortSignal): AsyncGenerator<EngineEvent, void> {
  const readable = new Readable().wrap(stream);
  stream.once("close", () => readable.destroy());
  stream.once("error", () => readable.destroy());
  try {
    for await (const line of createInterface({ input: readable, signal })) {
      const event = eventSchema.safeParse(parse(line));
      // A health check that runs is told too, several times a minute.
      if (!event.success || event.data.Action.startsWith("exec_")) continue;
      yield { id: event.data.Actor.ID, action: event.data.Action };
    }
  } finally {
    readable.destroy();
    if ("destroy" in stream && typeof stream.destroy === "function") stream.destroy();
  }
}

function parse(line: string): unknown {
  try {
    return JSON.parse(line);
  } catch {
    return undefined;
  }
}
