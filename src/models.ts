// The part of the app that is about models: which there are, what fits, what is loaded. Part of `app.ts`.
import { totalmem } from "node:os";
import { deleteModel } from "./backends/delete-model.ts";
import weights from "./backends/embedded/weights.json" with { type: "json" };
import { createFindScarcity } from "./backends/scarce-memory.ts";
import { describeServers, embedOn, findIn, loadedOf } from "./backends/servers.ts";
import type { App, AppOptions } from "./core/app.ts";
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
  const { serverOf, serverFor } = findIn(search.find, embedded);
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
    async offers(signal) {
      const { servers } = await search.find(signal);
      const installed = servers.flatMap((server) => server.models);
      const backend = (servers[0]?.backend ?? embedded).name;
      return (
        offersFor(totalmem(), settings().modelProfile)
          .filter((offer) => !installed.some((model) => model.name === offer.name))
          // The built-in engine has a list of its own; Ollama has its library.
          .filter((offer) => backend !== embedded.name || offer.name in weights.models)
          .map((offer) => ({ ...offer, backend }))
      );
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
      const everywhere = (await Promise.all(servers.map(loadedOf(signal)))).flat();
      const names = new Set(everywhere.filter(({ name }) => name === model).map(({ backend }) => backend));
      const loaded = servers.map(({ backend }) => backend).filter(({ name }) => names.has(name));
      // One that does not tell what is loaded is asked all the same.
      const asked = loaded.length > 0 ? loaded : [await serverOf(model, signal)];
      await Promise.all(asked.map((server) => server.unload(model, signal)));
    },
    async embed(ask, signal) {
      const { servers } = await search.find(signal);
      const chosen = chooseEmbedder(
        ask,
        servers.flatMap((server) => server.models),
        settings(),
      );
      const request = { ...ask, model: chosen.name };
      const vectors = await recordTexts(chosen, request, () => embedOn(servers, chosen.backend, request, signal));
      const made = { model: chosen.name, ...vectors };
      checkDimensions(ask, made);
      return made;
    },
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
