// createApp: builds every part and joins them; the only file that knows them all.
import { cpus, totalmem } from "node:os";
import { join } from "node:path";
import { createEmbeddedEngine } from "./backends/embedded/launch.ts";
import weights from "./backends/embedded/weights.json" with { type: "json" };
import { type FoundNode, findNode } from "./backends/find-nodes.ts";
import { OllamaBackend } from "./backends/ollama.ts";
import { createServerSearch, nothingAnswers, type Server, type Servers } from "./backends/servers.ts";
import type { AnswerEvent } from "./core/answer.ts";
import type { Backend, InstalledModel, LoadedModel, PullProgress } from "./core/backend.ts";
import { fitsMemory, offersFor } from "./core/catalogue.ts";
import { classifyByKeywords } from "./core/classify.ts";
import { msg } from "./core/message.ts";
import { createMonitor, type Totals } from "./core/monitor.ts";
import type { MonitorPoint } from "./core/page-protocol.ts";
import type { Route } from "./core/route.ts";
import type { SessionStore } from "./core/session.ts";
import type { Settings } from "./core/settings.ts";
import type { Ask } from "./core/task.ts";
import { TaskError } from "./core/task-error.ts";
import { createSessionFiles } from "./store/session-files.ts";
import { definitions } from "./tasks/definitions.ts";
import { createPipeline } from "./tasks/pipeline.ts";

/** Where things are kept on this machine. */
export interface Folders {
  /** Models, engine registration, sessions. */
  readonly home: string;
  /** Compiled entry of the built-in engine (`dist/engine.js`). */
  readonly engineEntry: string;
}

export interface AppOptions {
  readonly settings: Settings;
  readonly folders: Folders;
  readonly log: (level: "debug" | "info" | "warn" | "error", text: string) => void;
  readonly fetch?: typeof fetch;
  readonly env?: Readonly<Record<string, string | undefined>>;
}

export interface ServerStatus {
  readonly name: string;
  readonly version?: string;
  /** Every address tried and what came back, in order. */
  readonly tried: readonly { readonly address: string; readonly outcome: string }[];
  readonly models: readonly InstalledModel[];
  readonly loaded: readonly LoadedModel[];
}

/** A model the person could get, with whether it would run here. */
export interface OfferedModel {
  readonly name: string;
  readonly backend: string;
  readonly sizeBytes: number;
  readonly fits: boolean;
}

/** The product without a host. Everything that takes a signal throws `TaskError` or an `AbortError` only. */
export interface App {
  settings(): Settings;
  /** Takes effect on the next ask. */
  configure(settings: Settings): void;
  /** Runs one task; leaving the loop stops the model. */
  run(ask: Ask, signal: AbortSignal): AsyncIterable<AnswerEvent>;
  /** What `run` would do, without doing it. */
  preview(ask: Ask, signal: AbortSignal): Promise<Route>;
  /** Installed models of every server that answers; empty when none does. */
  models(signal: AbortSignal): Promise<readonly InstalledModel[]>;
  /** Models that are not installed and could be, the best for this machine first. */
  offers(signal: AbortSignal): Promise<readonly OfferedModel[]>;
  fits(model: Pick<InstalledModel, "sizeBytes">): boolean;
  loaded(signal: AbortSignal): Promise<readonly LoadedModel[]>;
  status(signal: AbortSignal): Promise<readonly ServerStatus[]>;
  load(model: string, signal: AbortSignal): Promise<void>;
  unload(model: string, signal: AbortSignal): Promise<void>;
  pull(model: string, signal: AbortSignal): AsyncIterable<PullProgress>;
  delete(model: string, signal: AbortSignal): Promise<void>;
  /** Takes one sample now and returns all kept ones, oldest first (at most 10 minutes). Touches only servers in use. */
  sample(signal: AbortSignal): Promise<readonly MonitorPoint[]>;
  totals(): Totals;
  readonly sessions: SessionStore;
  dispose(): Promise<void>;
}

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
  const { folders, log } = options;
  const env = options.env ?? process.env;
  let settings = options.settings;
  const engine = createEmbeddedEngine({
    home: folders.home,
    entry: folders.engineEntry,
    log,
    weightSources: () => settings.weightSources,
  });
  const given = options.fetch ? { fetch: options.fetch } : {};
  const embedded = new OllamaBackend({
    name: "built-in engine",
    place: "this-machine",
    address: (signal) => engine.address(signal),
    ...given,
  });
  const search = createServerSearch({
    settings: () => settings,
    findNode: (configured, signal) => findNode({ configured, env, ...given }, signal),
    createOllama: (node: FoundNode, place) =>
      new OllamaBackend({
        name: `Ollama at ${new URL(node.address).host}`,
        place,
        host: new URL(node.address).host,
        address: async () => node.address,
        ...given,
      }),
    embedded,
    nowMs: () => performance.now(),
  });
  const monitor = createMonitor(
    () => performance.now(),
    () => Date.now(),
  );
  const pipeline = createPipeline({
    classify: classifyByKeywords,
    definitions,
    settings: () => settings,
    findWorld: async (signal) => {
      const { servers, tried } = await search.find(signal);
      if (servers.length === 0) throw nothingAnswers(tried);
      return {
        models: servers.flatMap((server) => server.models),
        backends: new Map(servers.map((server) => [server.backend.name, server.backend])),
        memoryBytes: totalmem(),
      };
    },
  });
  const { serverOf, serverFor } = findIn(search.find, embedded);
  const cpu = createCpuMeter();

  const parts: App = {
    settings: () => settings,
    configure(next) {
      settings = next;
      search.forget();
    },
    run: (ask, signal) => monitor.watch(askTwice(() => pipeline.run(ask, signal), search.forget)),
    preview: (ask, signal) => pipeline.preview(ask, signal),
    models: async (signal) => (await search.find(signal)).servers.flatMap((server) => server.models),
    async offers(signal) {
      const { servers } = await search.find(signal);
      const installed = servers.flatMap((server) => server.models);
      const backend = (servers[0]?.backend ?? embedded).name;
      return (
        offersFor(totalmem(), settings.modelProfile)
          .filter((offer) => !installed.some((model) => model.name === offer.name))
          // The built-in engine has a list of its own; Ollama has its library.
          .filter((offer) => backend !== embedded.name || offer.name in weights.models)
          .map((offer) => ({ ...offer, backend }))
      );
    },
    fits: (model) => fitsMemory(model.sizeBytes, 8192, totalmem()),
    loaded: async (signal) => (await Promise.all((await search.find(signal)).servers.map(loadedOf(signal)))).flat(),
    async status(signal) {
      search.forget();
      return describe(await search.find(signal), signal);
    },
    load: async (model, signal) => (await serverOf(model, signal)).load(model, 8192, signal),
    unload: async (model, signal) => (await serverOf(model, signal)).unload(model, signal),
    async *pull(model, signal) {
      const backend = await serverFor(signal);
      try {
        yield* backend.pull(model, signal);
      } finally {
        search.forget();
      }
    },
    async delete(model, signal) {
      await (await serverOf(model, signal)).delete(model, signal);
      search.forget();
    },
    async sample(signal) {
      const loaded = await parts.loaded(signal).catch(() => []);
      return monitor.sample({ loaded, cpu: cpu() });
    },
    totals: () => monitor.totals(),
    sessions: createSessionFiles(join(folders.home, "sessions")),
    dispose: async () => engine.dispose(),
  };
  return parts;
}

const loadedOf = (signal: AbortSignal) => (server: Server) => server.backend.loaded(signal).catch(() => []);

/** What was known of the servers may be out of date: while nothing was shown, they are looked for again, once. */
async function* askTwice(run: () => AsyncIterable<AnswerEvent>, forget: () => void): AsyncIterable<AnswerEvent> {
  let shown = false;
  try {
    for await (const event of run()) {
      shown ||= event.kind !== "routed" && event.kind !== "notice";
      yield event;
    }
  } catch (error) {
    const isStale =
      error instanceof TaskError && (error.kind === "server-unreachable" || error.kind === "model-missing");
    if (isStale || (error instanceof TaskError && error.kind === "server-lost")) forget();
    if (!isStale || shown) throw error;
    yield* run();
  }
}

function findIn(find: (signal: AbortSignal) => Promise<Servers>, embedded: Backend) {
  return {
    /** The server that has the model. */
    async serverOf(model: string, signal: AbortSignal): Promise<Backend> {
      const { servers } = await find(signal);
      const server = servers.find((each) => each.models.some((installed) => installed.name === model));
      if (server) return server.backend;
      throw new TaskError("model-missing", msg("The model {0} is not installed.", model), {
        details: { suggestedModel: model },
      });
    },
    /** The server that gets new models. */
    async serverFor(signal: AbortSignal): Promise<Backend> {
      return (await find(signal)).servers[0]?.backend ?? embedded;
    },
  };
}

async function describe({ servers, tried }: Servers, signal: AbortSignal): Promise<readonly ServerStatus[]> {
  if (servers.length === 0) return [{ name: "", tried, models: [], loaded: [] }];
  return Promise.all(
    servers.map(async (server) => ({
      name: server.backend.name,
      ...(server.version ? { version: server.version } : {}),
      tried,
      models: server.models,
      loaded: await loadedOf(signal)(server),
    })),
  );
}

/** Share of all processors in use since the last call, 0 to 1. */
function createCpuMeter(): () => number {
  const read = () =>
    cpus().reduce(
      (sum, { times }) => {
        const all = times.user + times.nice + times.sys + times.idle + times.irq;
        return { busy: sum.busy + all - times.idle, all: sum.all + all };
      },
      { busy: 0, all: 0 },
    );
  let last = read();
  return () => {
    const now = read();
    const share = now.all > last.all ? (now.busy - last.busy) / (now.all - last.all) : 0;
    last = now;
    return share;
  };
}
