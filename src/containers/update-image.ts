// Another version of the model server. What it keeps stays; one that does not come up is gone back from.
import { readFileSync } from "node:fs";
import { mkdir, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { msg } from "../core/message.ts";
import type { UpEvent } from "../core/services.ts";
import { TaskError } from "../core/task-error.ts";
import { type Engine, ifThere } from "./engine.ts";
import { fetchImage } from "./fetch-image.ts";
import { type BringUpParts, bringOneUp, ensureNetwork } from "./manage.ts";
import { isModelServer, type Plan } from "./plan.ts";
import { checkRoom } from "./preflight.ts";

const fileIn = (home: string) => join(home, "ollama-version");
/** As registries allow tags. */
const tagForm = /^[\w][\w.-]{0,127}$/;

/** The version that was updated to; empty: the product's own choice. */
export function chosenTag(home: string): string {
  try {
    const tag = readFileSync(fileIn(home), "utf8").trim();
    return tagForm.test(tag) ? tag : "";
  } catch {
    return "";
  }
}

async function keepTag(home: string, tag: string): Promise<void> {
  if (tag === "") return rm(fileIn(home), { force: true });
  await mkdir(home, { recursive: true, mode: 0o700 });
  await writeFile(fileIn(home), `${tag}\n`);
}

export function checkTag(tag: string): void {
  if (tag === "" || tagForm.test(tag)) return;
  throw new TaskError("bad-input", msg("{0} is not a version, such as 0.31.1.", tag));
}

/**
 * @param planFor what would run with a version; empty: the product's own
 * @throws TaskError where the new one does not come up; the one of before runs again then
 */
export async function* updateOllama(
  engine: Engine,
  tag: string,
  planFor: (tag: string) => Promise<Plan>,
  parts: BringUpParts,
  signal: AbortSignal,
): AsyncIterable<UpEvent> {
  const before = await planFor(chosenTag(parts.home));
  const after = await planFor(tag);
  const serversOf = ({ stack }: Plan) => stack.services.filter(({ name }) => isModelServer(name));
  // The first one first: the others have its models and its image.
  const [servers, olds] = [serversOf(after), serversOf(before)];
  const [[service], [old]] = [servers, olds];
  if (!service || !old)
    throw new TaskError("bad-input", msg("No model server runs in a container here: there is none to update."));
  if (!(await ifThere(engine.docker.getImage(service.image).inspect(), signal))) {
    const room = await checkRoom(parts.facts, [service.image]);
    if (room) yield { kind: "notice", text: room };
    yield* fetchImage(engine, service.image, parts.imageMirrors, signal);
  }
  await ensureNetwork(engine, after.stack, signal);
  try {
    for (const each of servers) {
      yield* bringOneUp(engine, after.stack, each, parts, signal);
    }
    await keepTag(parts.home, tag);
  } catch (cause) {
    // Also when it was cancelled: half an update is none.
    const { farewell: _, ...hurried } = parts;
    for (const each of olds) yield* bringOneUp(engine, before.stack, each, hurried, new AbortController().signal);
    signal.throwIfAborted();
    const text = msg("{0} does not come up; {1} runs again, with all its models.", service.image, old.image);
    throw new TaskError("server-error", text, { cause });
  }
}
