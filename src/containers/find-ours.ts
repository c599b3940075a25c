// Our containers, by their labels; nothing else is ever listed or touched.
import type Docker from "dockerode";
import { call, type Engine, ifThere } from "./engine.ts";
import type { Stack } from "./service-spec.ts";
import { labels } from "./stack.ts";

/** All of the stack, running or not. */
export async function findOurs(
  { docker }: Engine,
  stackName: string,
  signal: AbortSignal,
): Promise<readonly Docker.ContainerInspectInfo[]> {
  const filters = { label: [`${labels.stack}=${stackName}`] };
  const listed = await call(docker.listContainers({ all: true, filters }), signal);
  const found = await Promise.all(listed.map(({ Id }) => ifThere(docker.getContainer(Id).inspect(), signal)));
  return found.filter((each) => each !== undefined);
}

export async function findService(
  engine: Engine,
  stack: Pick<Stack, "name">,
  service: { readonly name: string },
  signal: AbortSignal,
): Promise<Docker.ContainerInspectInfo | undefined> {
  const ours = await findOurs(engine, stack.name, signal);
  return ours.find((each) => each.Config.Labels[labels.service] === service.name);
}
