import { type Message, msg } from "../core/message.ts";
import { call, type Engine } from "./engine.ts";
import { ownerOfPort } from "./ports.ts";

/** A container by its name: the process that holds its port is the engine's own and says nothing. */
export async function whoHoldsPort({ docker }: Engine, port: number, signal: AbortSignal): Promise<Message> {
  const running = await call(docker.listContainers(), signal);
  const holder = running.find((each) => each.Ports.some(({ PublicPort: on }) => on === port));
  const name = holder?.Names[0]?.replace(/^\//, "");
  return name ? msg("the container {0}", name) : ownerOfPort(port);
}
