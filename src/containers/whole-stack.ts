// What is done to all services together.
import { msg } from "../core/message.ts";
import type { Leaving, Services } from "../core/services.ts";
import { TaskError } from "../core/task-error.ts";
import { otherContext } from "./doctor-engine.ts";
import type { Engine } from "./engine.ts";
import { findOurs } from "./find-ours.ts";
import { type Farewell, finishTelling } from "./let-finish.ts";
import type { LockWork } from "./lock.ts";
import { bringDown, bringUp, missingImages, type RunParts, removeStack } from "./manage.ts";
import { forgetPlace, forgetPlaces, keepPlace, putPlacesBack, readPlaces } from "./places.ts";
import { isModelServer, type Plan } from "./plan.ts";
import type { ServiceTools } from "./service-tools.ts";
import { updateServer } from "./update-server.ts";

export interface WholeStackParts {
  readonly home: string;
  readonly tools: ServiceTools;
  readonly isOffline: () => boolean;
  /** What was known of servers is out of date. */
  readonly onChange: () => void;
  readonly farewellTo: (engine: Engine, leaving: Leaving) => Farewell;
}

export function wholeStack(parts: WholeStackParts): Pick<Services, "up" | "update" | "down" | "remove"> {
  const { tools, onChange, farewellTo } = parts;
  const { stackName } = tools;
  return {
    up: (options, signal) => startAll(parts, options, signal),
    async *update(tag, leaving, signal) {
      try {
        yield* updateServer(tools, tag, (engine) => farewellTo(engine, leaving), signal);
      } finally {
        onChange();
      }
    },
    down: (leaving, signal) =>
      takeAway(parts, { leaving, areKept: true }, signal, (engine) => bringDown(engine, stackName, signal)),
    remove: ({ withVolumes, ...leaving }, signal) =>
      takeAway(parts, { leaving, areKept: false }, signal, (engine) =>
        removeStack(engine, stackName, withVolumes, signal),
      ),
  };
}

type UpWish = Parameters<Services["up"]>[0] & {
  /** What it is to who waits; absent: `up`. */
  readonly work?: LockWork;
  /** Id of a container that is made anew also where it is as it is wanted. */
  readonly remade?: string;
};

export async function* startAll(
  { home, tools, isOffline, onChange, farewellTo }: WholeStackParts,
  { profile, work = "up", remade, ...leaving }: UpWish,
  signal: AbortSignal,
): ReturnType<Services["up"]> {
  const engine = await tools.connectHere(signal);
  yield { kind: "engine", address: engine.found.address, source: engine.found.source };
  for (const { what } of otherContext(engine.tried, engine.found.source)) yield { kind: "notice", text: what };
  const lock = yield* tools.turn(work, signal);
  const farewell = farewellTo(engine, leaving);
  try {
    const planned = await tools.plan(engine, signal, profile ? { profile } : {});
    const all = { ...(await tools.partsOf(engine, signal)), farewell, remade };
    if (isOffline()) await refuseDownloads(engine, planned, all, signal);
    for await (const event of bringUp(engine, planned, all, signal)) {
      if (event.kind === "ready") {
        await keepPlace(home, event.service, event.address);
        await farewell.admit(event.service);
      }
      if (event.kind === "removed") await forgetPlace(home, event.service);
      yield event;
      if (event.kind !== "pull") await lock.mustBeHeld();
    }
  } finally {
    await farewell.admitAll();
    await lock.release();
    onChange();
  }
}

/** Who cancels it while answers are waited for finds everything as it was. */
function takeAway(
  { home, tools, onChange, farewellTo }: WholeStackParts,
  { leaving, areKept }: { readonly leaving: Leaving; readonly areKept: boolean },
  signal: AbortSignal,
  end: (engine: Engine) => Promise<void>,
): Promise<void> {
  const work = areKept ? "down" : "remove";
  return tools.locked({ work, tell: leaving.tell }, signal, async (engine) => {
    const farewell = farewellTo(engine, leaving);
    const before = readPlaces(home);
    try {
      // Forgotten first, so that no question goes there.
      await forgetPlaces(home, areKept);
      onChange();
      const all = await findOurs(engine, tools.stackName, signal);
      await finishTelling(farewell, all, leaving, signal);
    } catch (error) {
      await putPlacesBack(home, before);
      onChange();
      await farewell.admitAll();
      throw error;
    }
    // The service in its container after them: what waits there for a model server is told that there is none.
    await bringDown(engine, tools.stackName, signal, isModelServer).finally(farewell.admitAll);
    await end(engine);
  });
}

async function refuseDownloads(engine: Engine, { stack }: Plan, parts: RunParts, signal: AbortSignal): Promise<void> {
  const all = await missingImages(engine, stack, parts, signal);
  // What is made here is not fetched.
  const missing = all.find((image) => !image.startsWith("switchyard/"));
  if (!missing) return;
  throw new TaskError("local-only", msg("Offline is on: nothing is fetched. Turn it off to get {0}.", missing));
}
