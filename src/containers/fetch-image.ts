// Gets an image from the first place that has it: the person's mirrors, then where its name says.
import { msg } from "../core/message.ts";
import type { UpEvent } from "../core/services.ts";
import { isAbort, TaskError } from "../core/task-error.ts";
import { call, type Engine } from "./engine.ts";
import { pullImage } from "./pull-image.ts";

/** Under its own name afterwards, wherever it came from. A mirror that fails is told, and the next is asked. */
export async function* fetchImage(
  engine: Engine,
  image: string,
  mirrors: readonly string[],
  signal: AbortSignal,
): AsyncIterable<UpEvent> {
  for (const mirror of mirrors) {
    const from = mirrored(image, mirror);
    try {
      yield* pullImage(engine, from, signal);
      await rename(engine, from, image, signal);
      return;
    } catch (error) {
      // A full disk is full for every mirror.
      const isHopeless = isAbort(error) || !(error instanceof TaskError) || error.kind === "storage";
      if (signal.aborted || isHopeless) throw error;
      yield { kind: "notice", text: msg("The mirror {0} did not give {1}; the next place is asked.", mirror, image) };
    }
  }
  yield* pullImage(engine, image, signal);
}

/** Mirrors have Docker's own images under their full name. */
export function mirrored(image: string, mirror: string): string {
  const prefix = mirror.replace(/^https?:\/\//, "").replace(/\/+$/, "");
  return `${prefix}/${image.includes("/") ? image : `library/${image}`}`;
}

async function rename({ docker }: Engine, from: string, image: string, signal: AbortSignal): Promise<void> {
  const colon = image.lastIndexOf(":");
  const name = { repo: image.slice(0, colon), tag: image.slice(colon + 1) };
  await call(docker.getImage(from).tag(name), signal);
  await call(docker.getImage(from).remove(), signal);
}
