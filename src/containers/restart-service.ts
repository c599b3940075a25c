// Another start of a container that runs: its answers are waited for, and then the service until it answers again.
import type Docker from "dockerode";
import type { Leaving } from "../core/services.ts";
import { callUnlessDone, type Engine } from "./engine.ts";
import { type Farewell, finishTelling } from "./let-finish.ts";
import { untilReady } from "./manage.ts";
import { keepPlace } from "./places.ts";
import { labels } from "./stack.ts";

export interface RestartParts {
  readonly engine: Engine;
  readonly stackName: string;
  readonly home: string;
  readonly farewell: Farewell;
}

/** @throws TaskError with its last words where it does not answer again */
export async function restartService(
  { engine, stackName, home, farewell }: RestartParts,
  found: Docker.ContainerInspectInfo,
  leaving: Pick<Leaving, "tell">,
  signal: AbortSignal,
): Promise<void> {
  const name = found.Config.Labels[labels.service] ?? "";
  const service = { name, memoryMiB: Math.round((found.HostConfig.Memory ?? 0) / 2 ** 20) };
  try {
    await finishTelling(farewell, [found], leaving, signal);
    await callUnlessDone(engine.docker.getContainer(found.Id).restart(), signal);
    await keepPlace(home, name, await untilReady(engine, { name: stackName }, service, signal));
  } finally {
    await farewell.admitAll();
  }
}
