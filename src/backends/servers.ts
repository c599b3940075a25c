// The model servers in use now: Ollama where one answers, the built-in engine where it is wanted or nothing else can.

import type { ServerStatus } from "../core/app.ts";
import {
  type Backend,
  type Embeddings,
  type EmbedRequest,
  type Getter,
  type InstalledModel,
  isGetter,
} from "../core/backend.ts";
import { leavable } from "../core/leavable.ts";
import { type Message, msg } from "../core/message.ts";
import type { Settings } from "../core/settings.ts";
import { TaskError, type TaskErrorDetails } from "../core/task-error.ts";
import { type ToolTest, withToolTests } from "../core/tool-test.ts";
import { askInTime, askModels, askServers, hasChatModel, hasPlainName, usualListMs } from "./ask-servers.ts";
import { type FoundNode, isLoopback, type NodeSearch, type Tried } from "./find-nodes.ts";
import type { NodeAddress } from "./node-addresses.ts";
import { changedElsewhere } from "./server-errors.ts";

export interface Server {
  readonly backend: Backend;
  readonly version?: string;
  readonly models: readonly InstalledModel[];
}

export interface Servers {
  readonly servers: readonly Server[];
  /** Every address tried and what came back. */
  readonly tried: readonly Tried[];
}

export interface ServersParts {
  readonly settings: () => Settings;
  readonly findNode: (configured: string, signal: AbortSignal) => Promise<NodeSearch>;
  readonly createOllama: (node: FoundNode, place: "this-machine" | "network") => Backend;
  /** Servers to ask besides. */
  readonly furtherNodes: () => Promise<{ readonly nodes: readonly NodeAddress[]; readonly tried: readonly Tried[] }>;
  readonly createNode: (node: NodeAddress, place: "this-machine" | "network") => Backend;
  /** Starts on first use. */
  readonly embedded: Backend;
  /** What tests have shown of models; never throws. */
  readonly toolTests: () => Promise<readonly ToolTest[]>;
  readonly nowMs: () => number;
  /** How long the one that was found may take to list its models, ms; absent: 10 s. */
  readonly listMs?: number;
}

/** Keeps what was found for a while, so that asking costs no search. */
export interface ServerSearch {
  /** What is known if that is recent, else looked for; never throws `server-unreachable`. */
  find(signal: AbortSignal): Promise<Servers>;
  /** Forgets what was found: a server went away, or a model came or went. */
  forget(): void;
}

/** Older than this, a finding is used once more and renewed behind the answer. */
const freshMs = 5_000;
/** The same while a server of the settings is away: it may be back any moment, and the others have its work as well. */
const freshWithoutAllMs = 1_000;
/** Older than this, it is not used. */
const staleMs = 60_000;

export function createServerSearch(parts: ServersParts): ServerSearch {
  let found: { readonly servers: Servers; readonly atMs: number; readonly freshMs: number } | undefined;
  let running: Promise<Servers> | undefined;
  /** Ollama backends are kept by address, with what they learned of their models. */
  const ollama = new Map<string, Backend>();

  const search = (): Promise<Servers> => {
    if (running) return running;
    const mine = lookAround(parts, ollama)
      .then(({ isAway, ...servers }) => {
        // Nothing found is not worth keeping: the person may start a server any moment.
        const isWorthKeeping = servers.servers.some((server) => server.models.length > 0);
        const known = { servers, atMs: parts.nowMs(), freshMs: isAway ? freshWithoutAllMs : freshMs };
        if (running === mine) found = isWorthKeeping ? known : undefined;
        return servers;
      })
      .finally(() => {
        if (running === mine) running = undefined;
      });
    running = mine;
    return mine;
  };

  return {
    async find(signal) {
      const ageMs = found ? parts.nowMs() - found.atMs : Number.POSITIVE_INFINITY;
      if (found && ageMs < staleMs) {
        if (ageMs > found.freshMs) search().catch(() => undefined);
        return found.servers;
      }
      return leavable(search(), signal);
    },
    forget() {
      found = undefined;
      // A search that is under way may have seen what is no longer so: nobody new waits for it.
      running = undefined;
    },
  };
}

interface Found extends Servers {
  /** A server that the settings name did not answer. */
  readonly isAway: boolean;
}

async function lookAround(parts: ServersParts, known: Map<string, Backend>): Promise<Found> {
  const { engine, ollamaUrl } = parts.settings();
  const never = new AbortController().signal;
  const search = engine === "embedded" ? { tried: [] } : await parts.findNode(ollamaUrl, never);
  const further = engine === "embedded" ? { nodes: [], tried: [] } : await parts.furtherNodes();
  const tried: Tried[] = [...search.tried, ...further.tried];
  const servers: Server[] = [];
  if (search.node && !isSeveral(search.node.address, further.nodes)) {
    const { address, version } = search.node;
    const backend =
      known.get(address) ?? parts.createOllama(search.node, isLoopback(address) ? "this-machine" : "network");
    known.set(address, backend);
    const server = await askInTime(backend, address, tried, parts.listMs ?? usualListMs);
    if (server) servers.push({ ...server, version });
  }
  const others = further.nodes.filter(({ address }) => address !== search.node?.address);
  const asked = others.map((node) => ({ backend: nodeBackend(parts, known, node), address: node.address }));
  const answering = await askServers(asked, tried, servers.some(hasChatModel));
  servers.push(...answering);
  if (engine === "embedded" || (engine === "auto" && !servers.some(hasChatModel))) {
    const server = await askModels(parts.embedded, tried, never);
    if (server) servers.push(server);
  }
  const tests = await parts.toolTests();
  return {
    servers: servers.map((server) => ({ ...server, models: withToolTests(server.models, tests) })),
    tried,
    isAway: answering.length < others.length,
  };
}

function nodeBackend(parts: ServersParts, known: Map<string, Backend>, node: NodeAddress): Backend {
  const place = isLoopback(node.address) ? "this-machine" : "network";
  const backend = known.get(node.address) ?? parts.createNode(node, place);
  known.set(node.address, backend);
  return backend;
}

/** Its name is among the nodes as well, and stands for several servers there: each is asked by its own address. */
function isSeveral(address: string, nodes: readonly NodeAddress[]): boolean {
  const { host } = new URL(address);
  return nodes.some((node) => node.host === host && node.address !== address);
}

/** What came of an address, in the words of people where they are ours. */
function outcomeName(outcome: string): string | Message {
  const names: Readonly<Record<string, Message>> = {
    "connection refused": msg("connection refused"),
    "name not found": msg("name not found"),
    "no answer in time": msg("no answer in time"),
    "not asked: Offline is on": msg("not asked: Offline is on"),
  };
  return names[outcome] ?? outcome;
}

/** The error for a task when no server answered at all. @param details of who could answer and may not */
export function nothingAnswers(tried: readonly Tried[], details: TaskErrorDetails = {}): TaskError {
  const list = {
    template: tried.map((_, at) => `{${2 * at}} ({${2 * at + 1}})`).join("; "),
    args: tried.flatMap(({ address, outcome }) => [address, outcomeName(outcome)]),
  };
  const hasEngineFailed = tried.some((each) => each.address === "built-in engine");
  const text = hasEngineFailed
    ? msg("No model server answers. Tried: {0}. Mend what is named there, or start Ollama.", list)
    : msg("No model server answers. Tried: {0}. Start Ollama, or set “switchyard.engine” to “embedded”.", list);
  return new TaskError("server-unreachable", text, { details });
}

export const loadedOf = (signal: AbortSignal) => (server: Server) =>
  server.backend.loaded(signal).then(
    (models) => models.filter(hasPlainName),
    () => [],
  );

/** @param isEmbeddedUsed whether the built-in engine answers at all, as the settings have it */
export function findIn(
  find: (signal: AbortSignal) => Promise<Servers>,
  embedded: Getter,
  isEmbeddedUsed: () => boolean,
) {
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
    /** The server that gets new models. @throws TaskError where there is none that would answer with them */
    async serverFor(signal: AbortSignal): Promise<Getter> {
      const { servers, tried } = await find(signal);
      const backends = servers.map(({ backend }) => backend);
      const getter = backends.find(isGetter);
      if (getter) return getter;
      const [first] = backends;
      if (first) throw changedElsewhere(first.name);
      if (!isEmbeddedUsed()) throw nothingAnswers(tried, { isBuiltInOff: true });
      return embedded;
    },
  };
}

/** @throws TaskError `bad-input` where the server of the model makes none */
export async function embedOn(
  servers: readonly Server[],
  backend: string,
  request: EmbedRequest,
  signal: AbortSignal,
): Promise<Embeddings> {
  const server = servers.find((each) => each.backend.name === backend);
  if (server?.backend.embed) return server.backend.embed(request, signal);
  throw new TaskError("bad-input", msg("{0} makes no embeddings.", backend));
}

export async function describeServers(
  { servers, tried }: Servers,
  signal: AbortSignal,
): Promise<readonly ServerStatus[]> {
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
