// The part of the app that is about models: which there are, what fits, what is loaded. Part of `app.ts`.
import { totalmem } from "node:os";
import { deleteModel } from "./backends/delete-model.ts";
import weights from "./backends/embedded/weights.json" with { type: "json" };
import { createFindScarcity } from "./backends/scarce-memory.ts";
import { describeServers, embedOn, findIn, loadedOf, type Server, type ServerSearch } from "./backends/servers.ts";
import { unloadModel } from "./backends/unload-model.ts";
import type { App, AppOptions, OfferedModel } from "./core/app.ts";
import { type Backend, isGetter } from "./core/backend.ts";
import { fitsMemory, offersFor } from "./core/catalogue.ts";
import { usualContextTokens } from "./core/context.ts";
import { checkDimensions, chooseEmbedder, type RecordTexts } from "./core/embedding.ts";
import type { FindScarcity } from "./core/scarcity.ts";
import type { Settings } from "./core/settings.ts";
import type { Connected } from "./servers.ts";
import { createSupply } from "./supply.ts";

export function modelsOf(
  { search, embedded, cloudModels }: Connected,
  settings: () => Settings,
  { recordTexts, ...options }: AppOptions & { readonly recordTexts: RecordTexts },
) {
  const { serverOf, serverFor } = findIn(search.find, embedded, () => settings().engine !== "ollama");
  const { downloads, fitting, thereNow } = createSupply({
    options,
    settings,
    search,
    serverFor,
    embedded: embedded.name,
  });
  return {
    async models(signal) {
      const [{ servers }, cloud] = await Promise.all([search.find(signal), cloudModels(signal)]);
      return [...servers.flatMap((server) => server.models), ...cloud];
    },
    offers: async (signal) => offersOf((await search.find(signal)).servers, embedded, settings()),
    async whoGets(signal) {
      search.forget();
      return (await serverFor(signal)).name;
    },
    fits: (model) => fitsMemory(model, usualContextTokens, totalmem()),
    fit: async (model, signal) =>
      fitting.fit(model, await serverOf(model, signal).catch(() => serverFor(signal)), signal),
    async loaded(signal) {
      const { servers } = await search.find(signal);
      const loaded = (await Promise.all(servers.map(loadedOf(signal)))).flat();
      const named = (name: string) => servers.find(({ backend }) => backend.name === name)?.backend;
      fitting.learn(loaded, named);
      return loaded;
    },
    async status(signal) {
      search.forget();
      return describeServers(await search.find(signal), signal);
    },
    load: async ({ model, ...wish }, signal) =>
      (await serverOf(model, signal)).load(model, { contextTokens: usualContextTokens, ...wish }, signal),
    async unload(model, signal) {
      const { servers } = await search.find(signal);
      await unloadModel(servers, model, () => serverOf(model, signal), signal);
    },
    embed: embedWith(search.find, settings, recordTexts),
    downloads,
    pull: downloads.pull,
    async delete(what, signal) {
      search.forget();
      await deleteModel((await search.find(signal)).servers, what, signal).finally(search.forget);
    },
    settled: fitting.settled,
    scarcity: createFindScarcity({ search, fitting, thereNow }),
  } satisfies Partial<App> & { settled(): Promise<void>; scarcity: FindScarcity };
}

/** What could be fetched: nothing where those that answer serve what they were started with. */
function offersOf(
  servers: readonly Server[],
  embedded: Backend,
  { modelProfile, engine }: Settings,
): readonly OfferedModel[] {
  const getter = servers.map((server) => server.backend).find(isGetter);
  if (servers.length > 0 && !getter) return [];
  // Where only Ollama is wanted, it is what would get them once it is there.
  const backend = getter?.name ?? (engine === "ollama" ? "Ollama" : embedded.name);
  // The built-in engine has a list of its own; Ollama has its library.
  const canGet = (name: string) => backend !== embedded.name || name in weights.models;
  return offersFor(totalmem(), modelProfile)
    .filter(({ name }) => canGet(name) && !servers.some(({ models }) => models.some((model) => model.name === name)))
    .map((offer) => ({ ...offer, backend }));
}

function embedWith(find: ServerSearch["find"], settings: () => Settings, recordTexts: RecordTexts): App["embed"] {
  return async (ask, signal) => {
    const { servers } = await find(signal);
    const models = servers.flatMap((server) => server.models);
    const chosen = chooseEmbedder(ask, models, settings());
    const request = { ...ask, model: chosen.name };
    const vectors = await recordTexts(chosen, request, () => embedOn(servers, chosen.backend, request, signal));
    const made = { model: chosen.name, ...vectors };
    checkDimensions(ask, made);
    return made;
  };
}
