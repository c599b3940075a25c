// Looks whether a model that a server of this machine begins to load finds room there.
import { isNamed } from "../core/is-named.ts";
import { type FindScarcity, isPlenty, scarcityOf } from "../core/scarcity.ts";
import { loadedOf, type ServerSearch } from "./servers.ts";
import type { Fitting } from "./will-it-fit.ts";

/** Who asks waits so long at most to hear that memory is scarce. */
const lookLimitMs = 1_500;

export interface ScarcityParts {
  readonly search: Pick<ServerSearch, "find">;
  readonly fitting: Pick<Fitting, "whileLoading">;
  /** What models of a server of this machine may have at the moment, bytes; told without asking anybody. */
  readonly thereNow: (server: string) => number;
}

export function createFindScarcity({ search, fitting, thereNow }: ScarcityParts): FindScarcity {
  return async ({ model, totalBytes }, server, signal) => {
    if (isPlenty(thereNow(server), totalBytes)) return undefined;
    const both = AbortSignal.any([signal, AbortSignal.timeout(lookLimitMs)]);
    const { servers } = await search.find(both);
    const having = servers.filter(({ models }) => models.some(({ name }) => isNamed(name, model)));
    const backend = having.find((each) => each.backend.name === server)?.backend;
    if (backend?.place !== "this-machine") return undefined;
    const wanting = await fitting.whileLoading(model, backend, both);
    const loaded = (await Promise.all(servers.map(loadedOf(both)))).flat();
    const others = loaded.filter((each) => each.backend !== server);
    const scarcity = wanting && scarcityOf(wanting.ask, wanting.room, others);
    // Another server may have room for it.
    return scarcity?.kind === "refusal" && having.length > 1 ? { ...scarcity, kind: "notice" } : scarcity;
  };
}
