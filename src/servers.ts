// What answers: Ollama servers, others of the person's own, the built-in engine, and Claude where there is a key. Part of
// `app.ts`.
import { totalmem } from "node:os";
import { ClaudeBackend } from "./backends/claude.ts";
import { createClaudeLine } from "./backends/claude-pass.ts";
import { createEmbeddedEngine } from "./backends/embedded/launch.ts";
import weights from "./backends/embedded/weights.json" with { type: "json" };
import { findNode, normalizeAddress } from "./backends/find-nodes.ts";
import { type NodeAddress, nodeAddresses } from "./backends/node-addresses.ts";
import { OllamaBackend, type OllamaOptions } from "./backends/ollama.ts";
import { OpenAiBackend } from "./backends/openai.ts";
import {
  createServerSearch,
  nothingAnswers,
  type ServerSearch,
  type Servers,
  type ServersParts,
} from "./backends/servers.ts";
import { usualPullLimits } from "./backends/steady-pull.ts";
import { awayOf, containerLimits, readPlaces, watchPlaces } from "./containers/places.ts";
import type { AppOptions } from "./core/app.ts";
import type { Backend, InstalledModel } from "./core/backend.ts";
import { msg } from "./core/message.ts";
import { type Away, modelsAway } from "./core/models-away.ts";
import type { World } from "./core/route.ts";
import type { NodeSetting, Settings } from "./core/settings.ts";
import type { ToolTests } from "./core/tool-test.ts";

const ownWeights: ReadonlySet<string> = new Set(Object.keys(weights.models));
/** What Ollama is told where we start it, and other servers do at least. */
const usualSlots = 4;

export type Connected = ReturnType<typeof connectServers>;

/** What answers: Ollama, the built-in engine, and Claude where there is a key. */
export function connectServers(options: AppOptions, settings: () => Settings, toolTests: Pick<ToolTests, "list">) {
  const { folders, log } = options;
  const env = options.env ?? process.env;
  const given = options.fetch ? { fetch: options.fetch } : {};
  const makers = createMakers(options, env);
  // Ours may have had to move to another port.
  const knowing = (known: typeof env) => ({ OLLAMA_HOST: readPlaces(folders.home)["ollama"], ...known });
  const engine = createEmbeddedEngine({
    home: folders.home,
    entry: folders.engineEntry,
    log,
    weightSources: () => settings().weightSources,
  });
  const embedded = makers.ollama({
    name: "built-in engine",
    place: "this-machine",
    address: (signal) => engine.address(signal),
    // It watches its sources itself, and some of them, such as pip, are silent for long.
    pullLimits: { ...usualPullLimits, stallMs: 0 },
  });
  const search = searchAnew(watchPlaces(folders.home), {
    settings,
    furtherNodes: () =>
      nodeAddresses([...ownNodes(folders.home), ...settings().nodes], { isOffline: settings().offline }),
    createNode: makers.node,
    findNode: (configured, signal) =>
      findNode({ configured, env: knowing(env), isOffline: settings().offline, ...given }, signal),
    createOllama({ address }, place) {
      const { host } = new URL(address);
      return makers.node({ kind: "ollama", address, host, label: host }, place);
    },
    embedded,
    toolTests: toolTests.list,
    nowMs: () => performance.now(),
  });
  const claude = new ClaudeBackend({
    apiKey: options.claudeKey ?? (async () => undefined),
    baseUrl: () => settings().claudeBaseUrl,
    ...given,
  });
  const claudeLine = createClaudeLine(() => settings().claudeBaseUrl, env);
  const slotsOf = createSlots((name) => {
    // It works on one answer after the other.
    if (name === embedded.name) return 1;
    const own = settings().nodes.find(({ url }) => hostOf(url) === makers.hostOf(name));
    return own?.slots ?? containerLimits(folders.home, env, name)?.parallel ?? usualSlots;
  });
  const worldOf = createWorlds(embedded, claude, ({ servers }) => {
    // Who has chosen the built-in engine asks no container.
    if (settings().engine === "embedded") return undefined;
    return awayOf(folders.home, (address) =>
      servers.some(({ backend }) => backend.name.endsWith(` ${new URL(address).host}`)),
    );
  });
  const cloudModels = (signal: AbortSignal): Promise<readonly InstalledModel[]> =>
    settings().offline ? Promise.resolve([]) : claude.models(signal);
  return {
    embedded,
    search,
    claude,
    claudeLine,
    cloudModels,
    slotsOf,
    async world(signal: AbortSignal) {
      // Nobody is asked for these, so nothing waits for them.
      const cloud = await cloudModels(signal);
      return worldOf(await search.find(signal), cloud);
    },
    async dispose() {
      // What was stopped is to be idle before nobody looks any more.
      await makers.settled();
      engine.dispose();
      await claudeLine.dispose();
    },
  };
}

/** What was found is out of date as soon as another window or shell has started or stopped a server. */
function searchAnew(haveChanged: () => boolean, parts: ServersParts): ServerSearch {
  const search = createServerSearch(parts);
  return {
    find(signal) {
      if (haveChanged()) search.forget();
      return search.find(signal);
    },
    forget: search.forget,
  };
}

/** Makes what speaks to a server, and remembers where that is. */
function createMakers({ fetch, notice }: AppOptions, env: Readonly<Record<string, string | undefined>>) {
  const given = fetch ? { fetch } : {};
  const onUnstopped = (model: string) =>
    notice?.(msg("The model {0} went on writing after it was stopped, so it was unloaded.", model));
  const made: OllamaBackend[] = [];
  /** Name of a server to its host, as the person wrote it. */
  const hosts = new Map<string, string>();
  const ollama = (own: OllamaOptions) => {
    const backend = new OllamaBackend({ ...own, ...given, onUnstopped });
    made.push(backend);
    return backend;
  };
  return {
    ollama,
    node({ kind, address, host, label, keyEnv }: NodeAddress, place: "this-machine" | "network"): Backend {
      const name = kind === "ollama" ? `Ollama at ${label}` : label;
      hosts.set(name, host);
      if (kind === "ollama") return ollama({ name, place, host, address: async () => address });
      const key = () => (keyEnv === undefined ? undefined : env[keyEnv]);
      return new OpenAiBackend({ name, place, host, address, key, ...given });
    },
    hostOf: (name: string) => hosts.get(name),
    /** Resolves when all that was stopped is idle. */
    settled: () => Promise.all(made.map((backend) => backend.settled())),
  };
}

/** The same world as long as nothing else is found: what was worked out for it stays true. */
function createWorlds(embedded: Backend, claude: Backend, findAway: (found: Servers) => Away | undefined) {
  // Asked for each time, it is a file that is read.
  const memoryBytes = totalmem();
  let last: { readonly found: Servers; readonly cloud: readonly InstalledModel[]; readonly world: World } | undefined;
  return (found: Servers, cloud: readonly InstalledModel[]): World => {
    if (last?.found === found && last.cloud.length === 0 && cloud.length === 0) return last.world;
    const { servers, tried } = found;
    const away = findAway(found);
    if (servers.length === 0 && cloud.length === 0) throw away ? modelsAway(away) : nothingAnswers(tried);
    const backends = [...servers.map((server) => server.backend), claude];
    const world: World = {
      models: [...servers.flatMap((server) => server.models), ...cloud],
      backends: new Map(backends.map((backend): [string, Backend] => [backend.name, backend])),
      memoryBytes,
      ...(away ? { away } : {}),
      // The built-in engine has a list of its own; Ollama has its library.
      ...(servers.every((server) => server.backend === embedded) ? { canBeHad: ownWeights } : {}),
    };
    last = { found, cloud, world };
    return world;
  };
}

/** So long what was found holds, ms: it is asked for with every request, and a file is read for it. */
const slotsHoldMs = 500;

function createSlots(find: (server: string) => number): (backend: Backend) => number {
  const known = new Map<string, { readonly slots: number; readonly atMs: number }>();
  return ({ name }) => {
    const nowMs = performance.now();
    const before = known.get(name);
    if (before && nowMs - before.atMs < slotsHoldMs) return before.slots;
    const slots = find(name);
    known.set(name, { slots, atMs: nowMs });
    return slots;
  };
}

function hostOf(url: string): string | undefined {
  return URL.parse(normalizeAddress(url) ?? "")?.host;
}

/** Further model servers that we started in containers. */
function ownNodes(home: string): readonly NodeSetting[] {
  return Object.entries(readPlaces(home)).flatMap(([service, url]) =>
    /^ollama(?:-\d+)?$/.test(service) ? [{ url }] : [],
  );
}
