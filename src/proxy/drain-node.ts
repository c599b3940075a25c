// Asks nothing new of a model server that is about to be removed, as long as whoever removes it lives.
import type * as z from "zod/mini";
import type { App } from "../core/app.ts";
import type { drainedSchema, drainSchema } from "../core/drain.ts";

type Wish = z.infer<typeof drainSchema>;
type Drained = z.infer<typeof drainedSchema>;

/** What it returns tells at once how much is still to be waited for. */
export function createNodeDrain({ status, nodes }: Pick<App, "status" | "nodes">) {
  const holds = new Map<string, NodeJS.Timeout>();
  const letGo = (name: string) => {
    clearTimeout(holds.get(name));
    holds.delete(name);
  };
  const hold = (name: string, holdMs: number) => {
    const onSilence = () => {
      letGo(name);
      nodes.admit(name);
    };
    holds.set(name, setTimeout(onSilence, holdMs).unref());
  };
  const heed = async ({ address, isOver, holdMs }: Wish, signal: AbortSignal): Promise<Drained> => {
    const own = `Ollama at ${new URL(address).host}`;
    // One of several of a name has that name behind its address.
    const isMeant = (name: string) => name === own || name.startsWith(`${own} (`);
    const there = (await status(signal)).map(({ name }) => name);
    // One that is being made anew is not there for a while.
    for (const name of new Set([...there, ...holds.keys()].filter(isMeant))) {
      letGo(name);
      if (isOver) nodes.admit(name);
      else void nodes.drain(name);
      if (!isOver && holdMs !== undefined) hold(name, holdMs);
    }
    const meant = nodes.state().filter(({ node }) => isMeant(node));
    return { inFlight: meant.reduce((sum, { inFlight }) => sum + inFlight, 0) };
  };
  let last: Promise<unknown> = Promise.resolve();
  // In the order in which it is told: looking at the servers takes longer at one time than at another.
  return (wish: Wish, signal: AbortSignal): Promise<Drained> => {
    const heeded = last.then(() => heed(wish, signal));
    last = heeded.catch(() => undefined);
    return heeded;
  };
}
