// Takes a model off the servers that were chosen; off none by guessing.
import { msg } from "../core/message.ts";
import { TaskError } from "../core/task-error.ts";
import type { Server } from "./servers.ts";

/**
 * @param from names of servers, or their hosts; absent: the only one that has it
 * @throws TaskError `bad-input` where several have it and none was chosen: nothing was deleted
 */
export async function deleteModel(
  servers: readonly Server[],
  { model, from }: { readonly model: string; readonly from?: readonly string[] },
  signal: AbortSignal,
): Promise<void> {
  const having = servers.filter((each) => each.models.some(({ name }) => name === model));
  const namesOf = ({ backend, models }: Server) => [backend.name, ...models.flatMap(({ host }) => host ?? [])];
  const chosen = from ? having.filter((each) => namesOf(each).some((name) => from.includes(name))) : having;
  const where = having.map(({ backend }) => backend.name).join(", ");
  if (having.length === 0) throw new TaskError("model-missing", msg("The model {0} is not installed.", model));
  if (chosen.length === 0)
    throw new TaskError("bad-input", msg("The model {0} is not there, but on: {1}", model, where));
  if (!from && chosen.length > 1) {
    const text = msg(
      "{0} is on several servers: {1}. Say from which it is to be deleted (in a shell: --from SERVER); nothing was.",
      model,
      where,
    );
    throw new TaskError("bad-input", text);
  }
  let deleted = 0;
  for (const { backend } of chosen) {
    try {
      await backend.delete(model, signal);
      deleted++;
    } catch (error) {
      // Containers share their models: off one is off all.
      const isGone = error instanceof TaskError && error.kind === "model-missing";
      if (!isGone || deleted === 0) throw error;
    }
  }
}
