// Makes one service run as it is described: made, made anew, started, or left alone.
import type Docker from "dockerode";
import { msg } from "../core/message.ts";
import type { UpEvent } from "../core/services.ts";
import { TaskError } from "../core/task-error.ts";
import { createOptions, publishedPort } from "./container.ts";
import { call, callUnlessDone, type Engine, ifThere } from "./engine.ts";
import { findService } from "./find-ours.ts";
import type { Farewell } from "./let-finish.ts";
import { whoHoldsPort } from "./port-owner.ts";
import { isPortFree, nextFreePort } from "./ports.ts";
import { type FilledFile, hashOf, putFiles } from "./service-files.ts";
import type { ServiceSpec, Stack } from "./service-spec.ts";
import { configHash, containerName, labels } from "./stack.ts";

/** Between looking for a free port and taking it, another program may be faster. */
const startTries = 3;

export interface EnsureParts {
  readonly files: readonly FilledFile[];
  /** Id of a container that is made anew also where it is as it is wanted. */
  readonly remade?: string | undefined;
  /** Waits for answers before their server is made anew; absent: nothing is waited for. */
  readonly farewell?: Pick<Farewell, "finish"> | undefined;
}

/** Started, not yet known to answer. What a failure leaves half done is finished by the next call. */
export async function* ensureService(
  engine: Engine,
  stack: Stack,
  service: ServiceSpec,
  { files, remade, farewell }: EnsureParts,
  signal: AbortSignal,
): AsyncIterable<UpEvent> {
  const found = await findService(engine, stack, service, signal);
  if (found && found.Id !== remade && (await canStay(engine, stack, service, files, found, signal))) {
    if (found.State.Running && !found.State.Paused) return;
    await startContainer(engine, found, signal);
    yield { kind: "started", service: service.name };
    return;
  }
  if (!found) {
    await refuseForeign(engine, containerName(stack, service), signal);
    yield* makeContainer(engine, stack, service, files, signal);
    yield { kind: "created", service: service.name };
    return;
  }
  if (farewell) yield* farewell.finish([found], signal);
  try {
    // Not left half way: the engine would stop it all the same, and nobody would start it again.
    await removeContainer(engine, found.Id, new AbortController().signal);
    signal.throwIfAborted();
    yield* makeContainer(engine, stack, service, files, signal);
  } catch (error) {
    const isBack = await putBack(engine, found).catch(() => false);
    const text = msg("{0} could not be made anew; the one of before runs again.", service.name);
    if (isBack && !signal.aborted) yield { kind: "notice", text };
    throw error;
  }
  yield { kind: "recreated", service: service.name };
}

/** Whether the container that is there will do; otherwise it is made, of its image. */
export async function mustBeMade(
  engine: Engine,
  stack: Stack,
  service: ServiceSpec,
  { files, remade }: EnsureParts,
  signal: AbortSignal,
): Promise<boolean> {
  const found = await findService(engine, stack, service, signal);
  return !found || found.Id === remade || !(await canStay(engine, stack, service, files, found, signal));
}

async function canStay(
  engine: Engine,
  stack: Stack,
  service: ServiceSpec,
  files: readonly FilledFile[],
  found: Docker.ContainerInspectInfo,
  signal: AbortSignal,
): Promise<boolean> {
  if (found.Config.Labels[labels.hash] !== configHash(service, hashOf(files))) return false;
  if (!(await isInNetwork(engine, stack, found, signal))) return false;
  const port = publishedPort(found);
  return found.State.Running || (port !== undefined && (await isPortFree(port)));
}

/** The one of this name may have been removed and made again: to the engine it is another then. */
async function isInNetwork(
  { docker }: Engine,
  { network }: Stack,
  { NetworkSettings }: Docker.ContainerInspectInfo,
  signal: AbortSignal,
): Promise<boolean> {
  const joined = NetworkSettings.Networks[network];
  const there = await ifThere(docker.getNetwork(network).inspect(), signal);
  if (!joined || !there) return false;
  // Podman has the name here; one that never ran has nothing.
  return ["", network, there.Id].includes(joined.NetworkID);
}

/** Also when it was cancelled: what worked works on. @returns whether it runs */
async function putBack({ docker }: Engine, before: Docker.ContainerInspectInfo): Promise<boolean> {
  const { signal } = new AbortController();
  const { Config, HostConfig, Name, NetworkSettings, State } = before;
  const EndpointsConfig = Object.fromEntries(
    Object.entries(NetworkSettings.Networks).map(([name, { Aliases }]) => [name, { Aliases: Aliases ?? [] }]),
  );
  const options = { ...Config, name: Name.replace(/^\//, ""), HostConfig, NetworkingConfig: { EndpointsConfig } };
  const container = await call(docker.createContainer(options), signal);
  if (State.Running) await call(container.start(), signal);
  return State.Running;
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
  await callUnlessDone(container.stop(), signal, [304, 404]);
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
      if (signal.aborted || !wasTaken || round === startTries) throw withCard(service, error);
      from = port + 1;
    }
  }
}

/** The engine's words for a card that it cannot give do not say what to do. */
function withCard({ usesNvidia, devices }: ServiceSpec, error: unknown): unknown {
  if (!(error instanceof TaskError) || error.kind !== "server-error" || !(usesNvidia || devices.length > 0))
    return error;
  const text = usesNvidia
    ? msg(
        "{0}. It was to have the NVIDIA card: install the NVIDIA Container Toolkit, then: sudo nvidia-ctk runtime configure --runtime=docker. Without a card: SWITCHYARD_VARIANT=cpu",
        error.text,
      )
    : msg("{0}. It was to have {1}. Without a card: SWITCHYARD_VARIANT=cpu", error.text, devices.join(", "));
  return new TaskError(error.kind, text, { cause: error });
}
