// createApp: builds every part and joins them; the only file that knows them all.
import { rm } from "node:fs/promises";
import { totalmem } from "node:os";
import { dirname, join } from "node:path";
import { createAsking } from "./asking.ts";
import { createCpuMeter } from "./backends/cpu-meter.ts";
import { freeMemory } from "./backends/room.ts";
import { createServices } from "./containers/create-services.ts";
import { untilHealed } from "./containers/until-healed.ts";
import { withoutCredentials } from "./core/addresses.ts";
import type { App, AppOptions, ServerStatus } from "./core/app.ts";
import { betterModel } from "./core/better-model.ts";
import { estimateTokens } from "./core/estimate-tokens.ts";
import { leavable } from "./core/leavable.ts";
import { formatMessage, msg } from "./core/message.ts";
import { createMonitor } from "./core/monitor.ts";
import { nodeCondition } from "./core/node-condition.ts";
import type { NodeQueue, NodeState } from "./core/node-queue.ts";
import type { Settings } from "./core/settings.ts";
import type { Ask } from "./core/task.ts";
import { TaskError } from "./core/task-error.ts";
import type { Turns } from "./core/turns.ts";
import { heldByWindow, type WindowRules } from "./core/window-rules.ts";
import { createGuidance, type Guidance } from "./guidance.ts";
import { modelsOf } from "./models.ts";
import { type Connected, connectServers } from "./servers.ts";
import { openStores, type Stores } from "./stores.ts";
import { askTwice } from "./tasks/ask-twice.ts";

/** Touches nothing outside until it is asked something. */
export function createApp(given: AppOptions): App {
  const options: AppOptions = { ...given, log: (level, text) => given.log(level, withoutCredentials(text)) };
  let settings = options.settings;
  const windows = options.windows ?? (() => []);
  // One window that is offline is enough: which of them a program works for is not known.
  const current = () => (windows().some((each) => each.offline) ? { ...settings, offline: true } : settings);
  const heldHere = (ask: Ask) => withRule(ask, options, windows());
  const stores = openStores(options, current);
  const servers = connectServers(options, current, stores.toolTests);
  const monitor = createMonitor(
    () => performance.now(),
    () => Date.now(),
  );
  const asking = createAsking(options, { settings: current, heldHere, stores, servers });
  const { queue, turns, pipeline } = asking;
  const cpu = createCpuMeter();
  const models = modelsOf(servers, current, { ...options, recordTexts: asking.recordTexts });
  const guidance = createGuidance({
    home: options.folders.home,
    settings: current,
    feedback: stores.feedback,
    models,
    preview: (ask, signal) => pipeline.preview(ask, signal),
    findWorld: servers.world,
    leaving: asking.leaving,
  });

  const parts: App = {
    settings: current,
    configure(next) {
      settings = next;
      servers.search.forget();
    },
    run(ask, signal) {
      stores.cache.warm();
      const sharedTokens = estimateTokens(ask.history.map((turn) => turn.text).join("\n"));
      const events = askTwice(
        () => pipeline.run(heldHere(ask), signal),
        async () => {
          await untilHealed(options.folders.home, signal);
          servers.search.forget();
        },
        (loading, server) => models.scarcity(loading, server, signal),
      );
      const watched = () =>
        guidance.recorder.watch(monitor.watch(events, { model: settings.cloudModel, sharedTokens }));
      return guidance.turnstile.pass(watched, signal);
    },
    passClaude: asking.passClaude,
    advice: guidance.advice,
    preview: (ask, signal) => pipeline.preview(heldHere(ask), signal),
    async better(route, signal) {
      const { models: all } = await servers.world(signal);
      return betterModel(route, { models: all, memoryBytes: totalmem(), settings: current() });
    },
    async warmUp(signal) {
      if (!settings.warmUp) return;
      const { model, place } = await pipeline.preview({ kind: "chat", text: "…", sources: [], history: [] }, signal);
      if (place !== "cloud") await loadWhereItFits(models, model, options.log, signal);
    },
    ...models,
    async testTools(model, signal) {
      const tests = await asking.testTools(model, signal);
      servers.search.forget();
      return tests;
    },
    status: async (signal) => withStates(await models.status(signal), queue.state()),
    nodes: queue,
    turns,
    async sample(signal) {
      const loaded = await parts.loaded(signal).catch(() => []);
      return monitor.sample({ loaded, cpu: cpu() });
    },
    totals: () => monitor.totals(),
    checkClaudeKey: (signal) => checkClaudeKey(servers, current(), signal),
    sessions: stores.sessions,
    translations: stores.translations,
    services: createServices({
      ...hostOf(options),
      isOffline: () => current().offline,
      freeMemory,
      onChange: servers.search.forget,
      settings: current,
      servers: models.status,
      runs: guidance.runs,
      balancer: balancerOf(queue, turns),
    }),
    ledger: stores.ledger,
    feedback: stores.feedback,
    forgetEverything: () => forgetEverything(options.folders.home, stores, guidance),
    async dispose() {
      models.downloads.dispose();
      await guidance.recorder.settled();
      await models.settled();
      await stores.dispose();
      await servers.dispose();
    },
  };
  return parts;
}

async function checkClaudeKey({ claude }: Connected, { offline }: Settings, signal: AbortSignal): Promise<void> {
  if (offline) {
    throw new TaskError(
      "local-only",
      msg("Offline is on: nothing is sent to Claude, so the key cannot be checked. Turn it off to set the key."),
      { details: { isOffline: true } },
    );
  }
  await claude.checkKey(signal);
}

async function forgetEverything(home: string, stores: Stores, guidance: Pick<Guidance, "clear">): Promise<void> {
  const { sessions, translations, cache, ledger, feedback } = stores;
  const kept = rm(join(home, "mcp-output"), { recursive: true, force: true });
  const cleared = [sessions, translations, cache, ledger, feedback, guidance].map((each) => each.clear());
  await Promise.all([...cleared, kept]);
}

/** Held here by who asks, or by a window that has its folder open. */
function withRule(ask: Ask, { staysHere, workingFolder }: AppOptions, windows: readonly WindowRules[]): Ask {
  const own = workingFolder === undefined ? {} : { folders: [workingFolder] };
  const rule = staysHere ? ({ kind: "agents" } as const) : heldByWindow({ ...own, ...ask }, windows);
  return rule ? { ...ask, localOnly: rule } : ask;
}

/** Nobody asked for it: the machine is not made slow for it. */
async function loadWhereItFits(
  models: Pick<App, "fit" | "load">,
  model: string,
  log: AppOptions["log"],
  signal: AbortSignal,
): Promise<void> {
  const fit = await models.fit(model, signal).catch(() => undefined);
  if (fit?.verdict === "not-now" || fit?.verdict === "too-large") log("info", formatMessage(fit.says));
  else await models.load({ model }, signal);
}

/** What containers have to know of where the product runs. */
function hostOf({ folders, env, log, askedBy: door }: AppOptions) {
  const packageRoot = folders.packageRoot ?? dirname(dirname(folders.engineEntry));
  return { home: folders.home, door, env: env ?? process.env, log, packageRoot };
}

/** Beside what the servers say, what is known of them here. */
function withStates(status: readonly ServerStatus[], states: readonly NodeState[]): readonly ServerStatus[] {
  return status.map((server) => {
    const state = states.find(({ node }) => node === server.name);
    if (!state) return server;
    const { inFlight, tokensPerSecond } = state;
    return {
      ...server,
      inFlight,
      condition: nodeCondition(state, performance.now()),
      ...(tokensPerSecond === undefined ? {} : { tokensPerSecond }),
    };
  });
}

/** What starting and removing model servers has to know of the queue. */
function balancerOf(queue: NodeQueue, turns: Turns) {
  const nodeAt = (address: string) => `Ollama at ${new URL(address).host}`;
  return {
    load: () => {
      const waits = [queue.waiting(), turns.waiting()];
      const longestMs = Math.max(...waits.map((each) => each.longestMs));
      const count = waits.reduce((sum, each) => sum + each.count, 0);
      const inFlight = queue.state().reduce((sum, each) => sum + each.inFlight, 0);
      return { waiting: count, longestWaitMs: longestMs, inFlight };
    },
    drain: (address: string, signal: AbortSignal) => leavable(queue.drain(nodeAt(address)), signal),
    admit: (address: string) => queue.admit(nodeAt(address)),
  };
}
