// The whole stack: up, down, remove.
import type Docker from "dockerode";
import { msg } from "../core/message.ts";
import type { UpEvent } from "../core/services.ts";
import { TaskError } from "../core/task-error.ts";
import { buildProxyImage, removeOldImages } from "./build-image.ts";
import { addressOf, publishedPort, stateOf } from "./container.ts";
import { call, callUnlessDone, type Engine, ifThere } from "./engine.ts";
import { type EnsureParts, ensureService, mustBeMade, removeContainer } from "./ensure-service.ts";
import { fetchImage } from "./fetch-image.ts";
import { findOurs, findService } from "./find-ours.ts";
import { lastLines } from "./logs.ts";
import { scarceMemory } from "./memory-now.ts";
import { pause } from "./pause.ts";
import { keepMemory } from "./places.ts";
import { type HostFacts, isModelServer, type Plan } from "./plan.ts";
import { checkRoom } from "./preflight.ts";
import { answersAt } from "./probe.ts";
import { type FileRoots, fillFiles } from "./service-files.ts";
import type { ServiceSpec, Stack } from "./service-spec.ts";
import { labels, readyPath } from "./stack.ts";
import { nodeImage } from "./stack-proxy.ts";

const askEveryMs = 150;
/** A cold start reads a large program from a slow disk. */
const readyLimitMs = 180_000;
/** Ended by itself and started again by the engine so often: waiting longer is in vain. */
const crashesToGiveUp = 3;

/** What one service is made to run with. */
export interface RunParts extends FileRoots, Omit<EnsureParts, "files"> {}

export interface BringUpParts extends RunParts {
  readonly facts: HostFacts;
  readonly imageMirrors: readonly string[];
}

/** Ends when every service answers. Done again, nothing happens twice. */
export async function* bringUp(
  engine: Engine,
  plan: Plan,
  parts: BringUpParts,
  signal: AbortSignal,
): AsyncIterable<UpEvent> {
  const { stack } = plan;
  for (const { name, why } of plan.leftOut) yield { kind: "left-out", service: name, why };
  for (const text of plan.notices) yield { kind: "notice", text };
  const there = (await findOurs(engine, stack.name, signal)).filter(({ State }) => State.Running);
  const runs = (name: string) => there.some(({ Config }) => Config.Labels[labels.service] === name);
  const scarce = scarceMemory(stack.services, runs, parts.facts.freeMemoryBytes);
  if (scarce) yield { kind: "notice", text: scarce };
  refuseAbsentCards(stack, parts.facts);
  yield* getImages(engine, stack, parts, signal);
  await ensureNetwork(engine, stack, signal);
  for (const service of stack.services) yield* makeRun(engine, stack, service, parts, signal);
  yield* removeUnwanted(engine, plan, parts.farewell, signal);
  for (const service of stack.services) yield* waitUntilReady(engine, stack, service, signal);
}

/** Its image and the network are there. */
async function* makeRun(
  engine: Engine,
  stack: Stack,
  service: ServiceSpec,
  parts: RunParts,
  signal: AbortSignal,
): AsyncIterable<UpEvent> {
  for (const volume of service.volumes) await ensureVolume(engine, stack, volume.name, signal);
  yield* ensureService(engine, stack, service, { ...parts, files: await fillFiles(service, parts) }, signal);
  if (isModelServer(service.name)) await keepMemory(parts.home, service.memoryMiB);
}

/** Everything is there before the first container is touched. */
async function* getImages(
  engine: Engine,
  stack: Stack,
  parts: BringUpParts,
  signal: AbortSignal,
): AsyncIterable<UpEvent> {
  const { facts, imageMirrors, packageRoot } = parts;
  const missing = await missingImages(engine, stack, parts, signal);
  const built = stack.services.filter(({ isBuilt, image }) => isBuilt && missing.includes(image));
  const room = await checkRoom(facts, missing);
  if (room) yield { kind: "notice", text: room };
  for (const image of missing) {
    if (!built.some((service) => service.image === image)) yield* fetchImage(engine, image, imageMirrors, signal);
  }
  for (const { image } of built) {
    yield { kind: "build", image };
    await buildProxyImage(engine, image, stack.name, packageRoot, signal);
    await removeOldImages(engine, stack.name, image, signal);
  }
}

/** What has to be fetched or made here, each once. A container that is there as it is wanted needs no image. */
export async function missingImages(
  engine: Engine,
  stack: Stack,
  parts: RunParts,
  signal: AbortSignal,
): Promise<readonly string[]> {
  const missing = new Set<string>();
  const isThere = async (image: string) =>
    (await ifThere(engine.docker.getImage(image).inspect(), signal)) !== undefined;
  for (const service of stack.services) {
    if (await isThere(service.image)) continue;
    const files = await fillFiles(service, parts);
    if (!(await mustBeMade(engine, stack, service, { ...parts, files }, signal))) continue;
    for (const image of imagesOf({ services: [service] })) if (!(await isThere(image))) missing.add(image);
  }
  return [...missing];
}

/** Before anything is fetched: the image for a card is the largest. */
function refuseAbsentCards({ services }: Stack, { sharesDevices, exists }: HostFacts): void {
  const absent = services.flatMap(({ devices }) => devices).find((device) => sharesDevices && !exists(device));
  if (absent === undefined) return;
  throw new TaskError(
    "bad-input",
    msg(
      "{0} is not there, so containers get no graphics card. Install its driver, or set SWITCHYARD_VARIANT=cpu.",
      absent,
    ),
  );
}

/** What services are made of, each once: images, and what ours is made from. */
export function imagesOf({ services }: Pick<Stack, "services">): readonly string[] {
  return [...new Set(services.flatMap(({ image, isBuilt }) => (isBuilt ? [nodeImage, image] : [image])))];
}

/** Of a larger profile, or a model server too many. What they keep stays. */
async function* removeUnwanted(
  engine: Engine,
  { stack, leftOut }: Plan,
  farewell: RunParts["farewell"],
  signal: AbortSignal,
): AsyncIterable<UpEvent> {
  for (const each of await findOurs(engine, stack.name, signal)) {
    const name = each.Config.Labels[labels.service] ?? "";
    const isWanted = [...stack.services, ...leftOut].some((service) => service.name === name);
    if (isWanted) continue;
    if (farewell) yield* farewell.finish([each], signal);
    await removeContainer(engine, each.Id, signal);
    yield { kind: "removed", service: name };
  }
}

export async function ensureNetwork({ docker }: Engine, { network, name }: Stack, signal: AbortSignal): Promise<void> {
  if (await ifThere(docker.getNetwork(network).inspect(), signal)) return;
  const options = { Name: network, Driver: "bridge", CheckDuplicate: true, Labels: { [labels.stack]: name } };
  await callUnlessDone(docker.createNetwork(options), signal, [409]);
}

/** One that is there is kept as it is, with what is in it. */
async function ensureVolume({ docker }: Engine, stack: Stack, name: string, signal: AbortSignal) {
  if (await ifThere(docker.getVolume(name).inspect(), signal)) return;
  await call(docker.createVolume({ Name: name, Labels: { [labels.stack]: stack.name } }), signal);
}

/** One alone, until it answers; its image and the network are there. */
export async function* bringOneUp(
  engine: Engine,
  stack: Stack,
  service: ServiceSpec,
  parts: RunParts,
  signal: AbortSignal,
): AsyncIterable<UpEvent> {
  yield* makeRun(engine, stack, service, parts, signal);
  yield* waitUntilReady(engine, stack, service, signal);
}

/** As `bringOneUp`, for who tells no events. @returns where it answers */
export async function startService(
  engine: Engine,
  stack: Stack,
  service: ServiceSpec,
  parts: RunParts,
  signal: AbortSignal,
): Promise<string> {
  for await (const _ of makeRun(engine, stack, service, parts, signal));
  return untilReady(engine, stack, service, signal);
}

type WaitedFor = Pick<ServiceSpec, "name" | "memoryMiB">;

/** @returns where it answers @throws TaskError with its last words where it does not */
export async function untilReady(
  engine: Engine,
  stack: Pick<Stack, "name">,
  service: WaitedFor,
  signal: AbortSignal,
): Promise<string> {
  for await (const event of waitUntilReady(engine, stack, service, signal)) {
    if (event.kind === "ready") return event.address;
  }
  throw await notReady(engine, service, undefined, signal);
}

async function* waitUntilReady(
  engine: Engine,
  stack: Pick<Stack, "name">,
  service: WaitedFor,
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
    if (stateOf(found) === "healthy" || (await answersAt(address + readyPath(service.name), signal))) {
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
  service: WaitedFor,
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

/** Containers stay, stopped; they do not come back with the engine. @param isMeant by the name of its service; absent: all */
export async function bringDown(
  engine: Engine,
  stackName: string,
  signal: AbortSignal,
  isMeant: (service: string) => boolean = () => true,
): Promise<void> {
  const ours = await findOurs(engine, stackName, signal);
  const meant = ours.filter(({ Config }) => isMeant(Config.Labels[labels.service] ?? ""));
  await Promise.all(meant.map(({ Id }) => stopContainer(engine, Id, signal)));
}

export async function stopContainer({ docker }: Engine, id: string, signal: AbortSignal): Promise<void> {
  await callUnlessDone(docker.getContainer(id).stop(), signal, [304, 404]);
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
