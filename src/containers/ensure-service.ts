// Makes one service run as it is described: made, made anew, started, or left alone.
import type Docker from "dockerode";
import { msg } from "../core/message.ts";
import type { UpEvent } from "../core/services.ts";
import { TaskError } from "../core/task-error.ts";
import { createOptions, publishedPort } from "./container.ts";
import { call, callUnlessDone, type Engine, ifThere } from "./engine.ts";
import { findService } from "./find-ours.ts";
import { whoHoldsPort } from "./port-owner.ts";
import { isPortFree, nextFreePort } from "./ports.ts";
import { type FilledFile, hashOf, putFiles } from "./service-files.ts";
import type { ServiceSpec, Stack } from "./service-spec.ts";
import { configHash, containerName, labels } from "./stack.ts";

const stopSeconds = 10;
/** Between looking for a free port and taking it, another program may be faster. */
const startTries = 3;

/** Started, not yet known to answer. What a failure leaves half done is finished by the next call. */
export async function* ensureService(
  engine: Engine,
  stack: Stack,
  service: ServiceSpec,
  files: readonly FilledFile[],
  signal: AbortSignal,
): AsyncIterable<UpEvent> {
  const found = await findService(engine, stack, service, signal);
  if (found && found.Config.Labels[labels.hash] === configHash(service, hashOf(files))) {
    if (found.State.Running && !found.State.Paused) return;
    const port = publishedPort(found);
    if (found.State.Running || (port !== undefined && (await isPortFree(port)))) {
      await startContainer(engine, found, signal);
      yield { kind: "started", service: service.name };
      return;
    }
  }
  if (found) await removeContainer(engine, found.Id, signal);
  else await refuseForeign(engine, containerName(stack, service), signal);
  yield* makeContainer(engine, stack, service, files, signal);
  yield { kind: found ? "recreated" : "created", service: service.name };
}

export async function startContainer(
  { docker }: Engine,
  found: Docker.ContainerInspectInfo,
  signal: AbortSignal,
): Promise<void> {
  const container = docker.getContainer(found.Id);
  if (found.State.Paused) await callUnlessDone(container.unpause(), signal, [304, 409]);
  else await callUnlessDone(container.start(), signal);
}

/** Its volume stays. */
export async function removeContainer({ docker }: Engine, id: string, signal: AbortSignal): Promise<void> {
  const container = docker.getContainer(id);
  await callUnlessDone(container.stop({ t: stopSeconds }), signal, [304, 404]);
  // 409: it is being removed at this moment.
  await callUnlessDone(container.remove({ v: false, force: true }), signal, [404, 409]);
}

async function refuseForeign({ docker }: Engine, name: string, signal: AbortSignal): Promise<void> {
  if (!(await ifThere(docker.getContainer(name).inspect(), signal))) return;
  throw new TaskError(
    "bad-input",
    msg("A container named {0} is there and is not Switchyard’s. Rename or remove it, then start again.", name),
  );
}

async function* makeContainer(
  engine: Engine,
  stack: Stack,
  service: ServiceSpec,
  files: readonly FilledFile[],
  signal: AbortSignal,
): AsyncIterable<UpEvent> {
  let from = service.port.host;
  for (let round = 1; ; round++) {
    const port = await nextFreePort(from);
    if (port === undefined) throw new TaskError("bad-input", msg("No port from {0} on is free.", from));
    const container = await call(
      engine.docker.createContainer(createOptions(stack, service, port, hashOf(files))),
      signal,
    );
    try {
      await putFiles(engine, container.id, service, files, signal);
      await call(container.start(), signal);
      if (port === service.port.host) return;
      const owner = await whoHoldsPort(engine, service.port.host, signal);
      const text = msg(
        "Port {0} is taken by {1}; {2} is at {3} instead.",
        service.port.host,
        owner,
        service.name,
        port,
      );
      yield { kind: "notice", text };
      return;
    } catch (error) {
      const wasTaken = !(await isPortFree(port));
      // Also when it was cancelled: a container that never ran is worth nothing.
      await container.remove({ force: true }).catch(() => undefined);
      if (signal.aborted || !wasTaken || round === startTries) throw error;
      from = port + 1;
    }
  }
}
