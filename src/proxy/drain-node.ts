// Asks nothing new of a model server that is about to be removed.
import type * as z from "zod/mini";
import type { App } from "../core/app.ts";
import type { drainedSchema, drainSchema } from "../core/drain.ts";

/** @returns at once, with how much is still to be waited for */
export async function drainNode(
  { status, nodes }: Pick<App, "status" | "nodes">,
  { address, isOver }: z.infer<typeof drainSchema>,
  signal: AbortSignal,
): Promise<z.infer<typeof drainedSchema>> {
  const own = `Ollama at ${new URL(address).host}`;
  // One of several of a name has that name behind its address.
  const isMeant = (name: string) => name === own || name.startsWith(`${own} (`);
  const found = (await status(signal)).map(({ name }) => name).filter(isMeant);
  for (const name of found) {
    if (isOver) nodes.admit(name);
    else void nodes.drain(name);
  }
  const meant = nodes.state().filter(({ node }) => isMeant(node));
  return { inFlight: meant.reduce((sum, { inFlight }) => sum + inFlight, 0) };
}
