// Getting models: downloads shared by all windows, and whether what is got will run. Part of `app.ts`.
import { totalmem } from "node:os";
import { join } from "node:path";
import { createDownloads, type OwnedDownloads } from "./backends/downloads.ts";
import weights from "./backends/embedded/weights.json" with { type: "json" };
import { createRooms, freeMemory } from "./backends/room.ts";
import type { ServerSearch } from "./backends/servers.ts";
import { createFitting, type Fitting } from "./backends/will-it-fit.ts";
import { containerLimits } from "./containers/places.ts";
import type { AppOptions } from "./core/app.ts";
import type { Getter } from "./core/backend.ts";
import { knownModel } from "./core/catalogue.ts";
import { msg } from "./core/message.ts";
import type { Settings } from "./core/settings.ts";
import { TaskError } from "./core/task-error.ts";
import { createMeasuredSizes } from "./store/measured-sizes.ts";

export interface SupplyParts {
  readonly options: AppOptions;
  readonly settings: () => Settings;
  readonly search: ServerSearch;
  /** The server that gets new models. */
  readonly serverFor: (signal: AbortSignal) => Promise<Getter>;
  /** Name of the built-in engine. */
  readonly embedded: string;
}

export function createSupply({ options, settings, search, serverFor, embedded }: SupplyParts): {
  readonly downloads: OwnedDownloads;
  readonly fitting: Fitting;
  /** What models of a server of this machine may have at the moment, bytes; told without asking anybody. */
  readonly thereNow: (server: string) => number;
} {
  const { home } = options.folders;
  const env = options.env ?? process.env;
  const fitting = createFitting({
    knownModel,
    measured: createMeasuredSizes(join(home, "fit.json")),
    roomOf: createRooms({
      home,
      env,
      embedded,
      versionOf: async (backend, signal) =>
        (await search.find(signal)).servers.find((server) => server.backend === backend)?.version,
      containerOf: (backend) => containerLimits(home, env, backend.name),
    }),
  });
  const downloads = createDownloads({
    folder: join(home, "downloads"),
    serverFor,
    mayFetch(model) {
      if (!settings().offline) return;
      const text = msg("Offline is on: nothing is fetched. Turn it off to get {0}.", model);
      throw new TaskError("local-only", text, { details: { isOffline: true } });
    },
    canGet(model, backend) {
      const names = Object.keys(weights.models);
      if (backend.name !== embedded || names.includes(model.replace(/:latest$/, ""))) return;
      throw new TaskError(
        "model-missing",
        msg("The built-in engine cannot get {0}; it can: {1}. For others, install Ollama.", model, names.join(", ")),
      );
    },
    check: (model, backend, sizeBytes, signal) => fitting.fit(model, backend, signal, sizeBytes),
    onDone: search.forget,
  });
  const thereNow = (server: string) =>
    Math.min(freeMemory() ?? totalmem(), containerLimits(home, env, server)?.limitBytes ?? Number.POSITIVE_INFINITY);
  return { downloads, fitting, thereNow };
}
