// The whole stack: up, down, remove.
import type Docker from "dockerode";
import { msg } from "../core/message.ts";
import type { UpEvent } from "../core/services.ts";
import { TaskError } from "../core/task-error.ts";
import { addressOf, publishedPort, stateOf } from "./container.ts";
import { call, callUnlessDone, type Engine, ifThere } from "./engine.ts";
import { ensureService, removeContainer } from "./ensure-service.ts";
import { findOurs, findService } from "./find-ours.ts";
import { lastLines } from "./logs.ts";
import { pause } from "./pause.ts";
import type { Plan } from "./plan.ts";
import { answersAt } from "./probe.ts";
import { pullImage } from "./pull-image.ts";
import { labels, type ServiceSpec, type Stack } from "./stack.ts";

const askEveryMs = 150;
/** A cold start reads a large program from a slow disk. */
const readyLimitMs = 180_000;
const stopSeconds = 10;
/** Ended by itself and started again by the engine so often: waiting longer is in vain. */
const crashesToGiveUp = 3;

/** Ends when every service answers. Done again, nothing happens twice. */
export async function* bringUp(engine: Engine, plan: Plan, signal: AbortSignal): AsyncIterable<UpEvent> {
  const { stack } = plan;
  for (const { name, why } of plan.leftOut) yield { kind: "left-out", service: name, why };
  for (const text of plan.notices) yield { kind: "notice", text };
  for (const image of new Set(stack.services.map((service) => service.image))) {
    if (!(await ifThere(engine.docker.getImage(image).inspect(), signal))) yield* pullImage(engine, image, signal);
  }
  await ensureNetwork(engine, stack, signal);
  for (const service of stack.services) {
    await ensureVolume(engine, stack, service, signal);
    yield* ensureService(engine, stack, service, signal);
  }
  for (const service of stack.services) yield* waitUntilReady(engine, stack, service, signal);
}

async function ensureNetwork({ docker }: Engine, { network, name }: Stack, signal: AbortSignal): Promise<void> {
  if (await ifThere(docker.getNetwork(network).inspect(), signal)) return;
  const options = { Name: network, Driver: "bridge", CheckDuplicate: true, Labels: { [labels.stack]: name } };
  await callUnlessDone(docker.createNetwork(options), signal, [409]);
}

/** One that is there is kept as it is, with what is in it. */
async function ensureVolume({ docker }: Engine, stack: Stack, service: ServiceSpec, signal: AbortSignal) {
  const { name } = service.volume;
  if (await ifThere(docker.getVolume(name).inspect(), signal)) return;
  await call(docker.createVolume({ Name: name, Labels: { [labels.stack]: stack.name } }), signal);
}

async function* waitUntilReady(
  engine: Engine,
  stack: Stack,
  service: ServiceSpec,
  signal: AbortSignal,
): AsyncIterable<UpEvent> {
  const deadlineMs = performance.now() + readyLimitMs;
  let hasTold = false;
  let restartsBefore: number | undefined;
  for (;;) {
    const found = await findService(engine, stack, service, signal);
    const port = found && publishedPort(found);
    restartsBefore ??= found?.RestartCount ?? 0;
    const hasGivenUp =
      found && (stateOf(found) === "stopped" || found.RestartCount - restartsBefore >= crashesToGiveUp);
    if (!found || port === undefined || hasGivenUp) throw await notReady(engine, service, found, signal);
    const address = addressOf(service.name, port);
    if (stateOf(found) === "healthy" || (await answersAt(address, signal))) {
      yield { kind: "ready", service: service.name, address };
      return;
    }
    if (performance.now() > deadlineMs) throw await notReady(engine, service, found, signal);
    if (!hasTold) yield { kind: "waiting", service: service.name };
    hasTold = true;
    await pause(askEveryMs, signal);
  }
}

async function notReady(
  engine: Engine,
  service: ServiceSpec,
  found: Docker.ContainerInspectInfo | undefined,
  signal: AbortSignal,
): Promise<TaskError> {
  if (!found)
    return new TaskError("server-error", msg("The container of {0} was removed while it started.", service.name));
  const said = await lastLines(engine, found.Id, 5, signal).catch(() => "");
  const text = found.State.OOMKilled
    ? msg("{0} ran out of memory while it started ({1} MiB).", service.name, service.memoryMiB)
    : msg("{0} does not come up. Its last words: {1}", service.name, said || found.State.Error || found.State.ExitCode);
  return new TaskError("server-error", text);
}

/** Containers stay, stopped; they do not come back with the engine. */
export async function bringDown(engine: Engine, stackName: string, signal: AbortSignal): Promise<void> {
  const ours = await findOurs(engine, stackName, signal);
  await Promise.all(ours.map(({ Id }) => stopContainer(engine, Id, signal)));
}

export async function stopContainer({ docker }: Engine, id: string, signal: AbortSignal): Promise<void> {
  await callUnlessDone(docker.getContainer(id).stop({ t: stopSeconds }), signal, [304, 404]);
}

/** @param withVolumes also what was downloaded and kept; only what carries our label */
export async function removeStack(
  engine: Engine,
  stackName: string,
  withVolumes: boolean,
  signal: AbortSignal,
): Promise<void> {
  const { docker } = engine;
  const ours = await findOurs(engine, stackName, signal);
  await Promise.all(ours.map(({ Id }) => removeContainer(engine, Id, signal)));
  const filters = { label: [`${labels.stack}=${stackName}`] };
  const networks = await call(docker.listNetworks({ filters: JSON.stringify(filters) }), signal);
  for (const { Id } of networks) await callUnlessDone(docker.getNetwork(Id).remove(), signal, [404]);
  if (!withVolumes) return;
  const { Volumes: volumes } = await call(docker.listVolumes({ filters: JSON.stringify(filters) }), signal);
  for (const { Name } of volumes ?? []) await callUnlessDone(docker.getVolume(Name).remove(), signal, [404]);
}
