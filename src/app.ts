// createApp: builds every part and joins them; the only file that knows them all.
import { hash } from "node:crypto";
import { rm } from "node:fs/promises";
import { totalmem } from "node:os";
import { dirname, join } from "node:path";
import { ClaudeBackend } from "./backends/claude.ts";
import { createCpuMeter } from "./backends/cpu-meter.ts";
import { createEmbeddedEngine } from "./backends/embedded/launch.ts";
import weights from "./backends/embedded/weights.json" with { type: "json" };
import { type FoundNode, findNode } from "./backends/find-nodes.ts";
import { OllamaBackend, type OllamaOptions } from "./backends/ollama.ts";
import { createServerSearch, describeServers, embedOn, findIn, loadedOf, nothingAnswers } from "./backends/servers.ts";
import { usualPullLimits } from "./backends/steady-pull.ts";
import { createServices } from "./containers/create-services.ts";
import { readPlaces } from "./containers/places.ts";
import type { App, AppOptions } from "./core/app.ts";
import type { Backend } from "./core/backend.ts";
import { fitsMemory, offersFor } from "./core/catalogue.ts";
import { withLatestCorrections } from "./core/classifier/corrections.ts";
import { classify } from "./core/classify.ts";
import { createStickyWindows, estimateTokens, usualContextTokens } from "./core/context.ts";
import { chooseEmbedder } from "./core/embedding.ts";
import { msg } from "./core/message.ts";
import { createMonitor } from "./core/monitor.ts";
import type { Settings } from "./core/settings.ts";
import { createTokenCounts } from "./core/token-counts.ts";
import { createGuidance } from "./guidance.ts";
import { openStores } from "./stores.ts";
import { createSupply } from "./supply.ts";
import { askTwice } from "./tasks/ask-twice.ts";
import { definitions } from "./tasks/definitions.ts";
import { createPipeline } from "./tasks/pipeline.ts";

/** Where models and conversations are kept unless `SWITCHYARD_HOME` says otherwise. */
export function defaultHome(
  env: Readonly<Record<string, string | undefined>>,
  platform: NodeJS.Platform,
  homedir: string,
): string {
  if (env["SWITCHYARD_HOME"]) return env["SWITCHYARD_HOME"];
  if (platform === "win32") return join(env["LOCALAPPDATA"] ?? join(homedir, "AppData", "Local"), "switchyard");
  if (platform === "darwin") return join(homedir, "Library", "Application Support", "switchyard");
  return join(env["XDG_DATA_HOME"] ?? join(homedir, ".local", "share"), "switchyard");
}

/** Touches nothing outside until it is asked something. */
export function createApp(options: AppOptions): App {
  let settings = options.settings;
  const current = () => settings;
  const servers = connectServers(options, current);
  const stores = openStores(options, current);
  const monitor = createMonitor(
    () => performance.now(),
    () => Date.now(),
  );
  const pipeline = createPipeline({
    classify: withLatestCorrections(classify, stores.feedback.corrections),
    definitions,
    windows: createStickyWindows(() => performance.now()),
    counts: createTokenCounts(),
    settings: current,
    interfaceLanguage: options.interfaceLanguage ?? "en",
    async findWorld(signal) {
      const [world] = await Promise.all([servers.world(signal), stores.feedback.ready()]);
      return { ...world, isDisliked: stores.feedback.isDisliked };
    },
    privacyOf: (uri) => stores.paths.ruleFor(uri),
    cache: stores.cache,
    ledger: stores.ledger,
    askedBy: options.askedBy,
    mayLeave: options.mayLeave ?? (async () => ({ kind: "refuse" })),
    nowMs: () => Date.now(),
    hash: (text) => hash("sha256", text),
  });
  const cpu = createCpuMeter();
  const models = modelsOf(servers, current, options);
  const guidance = createGuidance({
    home: options.folders.home,
    settings: current,
    feedback: stores.feedback,
    models,
    preview: (ask, signal) => pipeline.preview(ask, signal),
    findWorld: servers.world,
  });

  const parts: App = {
    settings: current,
    configure(next) {
      settings = next;
      servers.search.forget();
    },
    run: (ask, signal) => {
      stores.cache.warm();
      const sharedTokens = estimateTokens(ask.history.map((turn) => turn.text).join("\n"));
      const events = askTwice(() => pipeline.run(ask, signal), servers.search.forget);
      const watched = () =>
        guidance.recorder.watch(monitor.watch(events, { model: settings.cloudModel, sharedTokens }));
      return guidance.turnstile.pass(watched, signal);
    },
    advice: guidance.advice,
    preview: (ask, signal) => pipeline.preview(ask, signal),
    async warmUp(signal) {
      if (!settings.warmUp) return;
      const { model, place } = await pipeline.preview({ kind: "chat", text: "…", sources: [], history: [] }, signal);
      if (place !== "cloud") await parts.load(model, signal);
    },
    ...models,
    async sample(signal) {
      const loaded = await parts.loaded(signal).catch(() => []);
      return monitor.sample({ loaded, cpu: cpu() });
    },
    totals: () => monitor.totals(),
    checkClaudeKey: (signal) => servers.claude.checkKey(signal),
    sessions: stores.sessions,
    services: createServices({
      home: options.folders.home,
      env: options.env ?? process.env,
      log: options.log,
      isOffline: () => settings.offline,
      onChange: servers.search.forget,
      settings: current,
      packageRoot: options.folders.packageRoot ?? dirname(dirname(options.folders.engineEntry)),
    }),
    ledger: stores.ledger,
    feedback: stores.feedback,
    async forgetEverything() {
      const { sessions, cache, ledger, feedback } = stores;
      const kept = rm(join(options.folders.home, "mcp-output"), { recursive: true, force: true });
      await Promise.all([sessions.clear(), cache.clear(), ledger.clear(), feedback.clear(), guidance.clear(), kept]);
    },
    async dispose() {
      models.downloads.dispose();
      await guidance.recorder.settled();
      await stores.dispose();
      await servers.dispose();
    },
  };
  return parts;
}

const ownWeights: ReadonlySet<string> = new Set(Object.keys(weights.models));

type Connected = ReturnType<typeof connectServers>;

/** What answers: Ollama, the built-in engine, and Claude where there is a key. */
function connectServers(options: AppOptions, settings: () => Settings) {
  const { folders, log } = options;
  const env = options.env ?? process.env;
  const onUnstopped = (model: string) =>
    options.notice?.(msg("The model {0} went on writing after it was stopped, so it was unloaded.", model));
  const given = options.fetch ? { fetch: options.fetch } : {};
  const asked: OllamaBackend[] = [];
  const createOllama = (own: OllamaOptions) => {
    const backend = new OllamaBackend({ ...own, ...given, onUnstopped });
    asked.push(backend);
    return backend;
  };
  // Ours may have had to move to another port.
  const knowing = (known: typeof env) => ({ OLLAMA_HOST: readPlaces(folders.home)["ollama"], ...known });
  const engine = createEmbeddedEngine({
    home: folders.home,
    entry: folders.engineEntry,
    log,
    weightSources: () => settings().weightSources,
  });
  const embedded = createOllama({
    name: "built-in engine",
    place: "this-machine",
    address: (signal) => engine.address(signal),
    // It watches its sources itself, and some of them, such as pip, are silent for long.
    pullLimits: { ...usualPullLimits, stallMs: 0 },
  });
  const search = createServerSearch({
    settings,
    findNode: (configured, signal) =>
      findNode({ configured, env: knowing(env), isOffline: settings().offline, ...given }, signal),
    createOllama: (node: FoundNode, place) =>
      createOllama({
        name: `Ollama at ${new URL(node.address).host}`,
        place,
        host: new URL(node.address).host,
        address: async () => node.address,
      }),
    embedded,
    nowMs: () => performance.now(),
  });
  const claude = new ClaudeBackend({
    apiKey: options.claudeKey ?? (async () => undefined),
    baseUrl: () => settings().claudeBaseUrl,
    ...given,
  });
  // Asked for each time, it is a file that is read.
  const memoryBytes = totalmem();
  const cloudModels = async (signal: AbortSignal) => (settings().offline ? [] : claude.models(signal));
  return {
    embedded,
    search,
    claude,
    cloudModels,
    async world(signal: AbortSignal) {
      const [{ servers, tried }, cloud] = await Promise.all([search.find(signal), cloudModels(signal)]);
      if (servers.length === 0 && cloud.length === 0) throw nothingAnswers(tried);
      const backends = [...servers.map((server) => server.backend), claude];
      return {
        models: [...servers.flatMap((server) => server.models), ...cloud],
        backends: new Map(backends.map((backend): [string, Backend] => [backend.name, backend])),
        memoryBytes,
        // The built-in engine has a list of its own; Ollama has its library.
        ...(servers.every((server) => server.backend === embedded) ? { canBeHad: ownWeights } : {}),
      };
    },
    async dispose() {
      // What was stopped is to be idle before nobody looks any more.
      await Promise.all(asked.map((backend) => backend.settled()));
      engine.dispose();
    },
  };
}

/** The part of the app that is about models. */
function modelsOf({ search, embedded, cloudModels }: Connected, settings: () => Settings, options: AppOptions) {
  const { serverOf, serverFor } = findIn(search.find, embedded);
  const { downloads, fitting } = createSupply({ options, settings, search, serverFor, embedded: embedded.name });
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
    fits: (model) => fitsMemory(model.sizeBytes, usualContextTokens, totalmem()),
    fit: async (model, signal) =>
      fitting.fit(model, await serverOf(model, signal).catch(() => serverFor(signal)), signal),
    async loaded(signal) {
      const { servers } = await search.find(signal);
      const loaded = (await Promise.all(servers.map(loadedOf(signal)))).flat();
      const named = (name: string) => servers.find(({ backend }) => backend.name === name)?.backend;
      fitting.learn(loaded, named).catch(() => undefined);
      return loaded;
    },
    async status(signal) {
      search.forget();
      return describeServers(await search.find(signal), signal);
    },
    load: async (model, signal) => (await serverOf(model, signal)).load(model, usualContextTokens, signal),
    unload: async (model, signal) => (await serverOf(model, signal)).unload(model, signal),
    async embed(ask, signal) {
      const { servers } = await search.find(signal);
      const { name, backend } = chooseEmbedder(
        ask,
        servers.flatMap((server) => server.models),
        settings(),
      );
      return { model: name, ...(await embedOn(servers, backend, { ...ask, model: name }, signal)) };
    },
    downloads,
    pull: downloads.pull,
    async delete(model, signal) {
      await (await serverOf(model, signal)).delete(model, signal);
      search.forget();
    },
  } satisfies Partial<App>;
}
