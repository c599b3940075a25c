// Lets a model go from the memory of every server that has loaded it.
import type { Backend } from "../core/backend.ts";
import { loadedOf, type Server } from "./servers.ts";

/** @param otherwise the server that has it, asked where none tells that it has loaded it */
export async function unloadModel(
  servers: readonly Server[],
  model: string,
  otherwise: () => Promise<Backend>,
  signal: AbortSignal,
): Promise<void> {
  const everywhere = (await Promise.all(servers.map(loadedOf(signal)))).flat();
  const names = new Set(everywhere.filter(({ name }) => name === model).map(({ backend }) => backend));
  const loaded = servers.map(({ backend }) => backend).filter(({ name }) => names.has(name));
  const asked = loaded.length > 0 ? loaded : [await otherwise()];
  await Promise.all(asked.map((server) => server.unload(model, signal)));
}
