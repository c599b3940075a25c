// Another version of the model server, with everything around it: the lock, what may be fetched, where it answers then.
import { msg } from "../core/message.ts";
import type { UpEvent } from "../core/services.ts";
import { TaskError } from "../core/task-error.ts";
import type { Engine } from "./engine.ts";
import type { Farewell } from "./let-finish.ts";
import { keepPlace } from "./places.ts";
import type { ServiceTools } from "./service-tools.ts";
import { checkTag, updateOllama } from "./update-image.ts";

/** @param tag empty: the product's own */
export async function* updateServer(
  tools: ServiceTools,
  tag: string,
  farewellTo: (engine: Engine) => Farewell,
  signal: AbortSignal,
): AsyncIterable<UpEvent> {
  checkTag(tag);
  if (tools.isOffline()) throw new TaskError("local-only", msg("Offline is on: nothing is fetched."));
  const engine = await tools.connectHere(signal);
  const lock = yield* tools.turn("update", signal);
  const farewell = farewellTo(engine);
  try {
    const planFor = (ollamaTag: string) => tools.plan(engine, signal, { ollamaTag });
    const parts = { ...(await tools.partsOf(engine, signal)), farewell };
    for await (const event of updateOllama(engine, tag, planFor, parts, signal)) {
      if (event.kind === "ready") {
        await keepPlace(tools.roots.home, event.service, event.address);
        await farewell.admit(event.service);
      }
      yield event;
      if (event.kind !== "pull") await lock.mustBeHeld();
    }
  } finally {
    await farewell.admitAll();
    await lock.release();
  }
}
