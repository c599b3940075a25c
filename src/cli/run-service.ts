// The service as a process: becomes the one there is, serves until it is told to stop or nobody needs it, and leaves.
import { connectedIds } from "../clients/connected.ts";
import type { App } from "../core/app.ts";
import { type Message, msg } from "../core/message.ts";
import type { Settings } from "../core/settings.ts";
import { taskKinds } from "../core/task.ts";
import { TaskError } from "../core/task-error.ts";
import { asksFolders } from "../core/window-rules.ts";
import { createLazyMcpEndpoint } from "../mcp/lazy-endpoint.ts";
import { createControl } from "../proxy/control.ts";
import { createNodeDrain } from "../proxy/drain-node.ts";
import type { Tracing } from "../proxy/handled.ts";
import { isLoopback, listen, type NotHad, pointsAt } from "../proxy/listen.ts";
import { createProxy, type ProxyServer } from "../proxy/server.ts";
import { type Election, elect } from "../service/election.ts";
import { publish, unpublish, urlOf } from "../service/publication.ts";
import { afterListening } from "./after-listening.ts";
import type { Flags, ProgramParts } from "./flags.ts";
import { keepContainers } from "./keep-containers.ts";
import { watchSettings } from "./watch-settings.ts";

export interface ServiceOptions {
  readonly host: string;
  /** Absent: the usual one, or the next free one; and one service for all. */
  readonly port: number | undefined;
  readonly token: string;
  /** Whether programs of this machine have to know the token. */
  readonly asksForToken: boolean;
  /** How long an answer may still take when the service stops, ms. */
  readonly drainMs: number;
  /** How long nobody needs it before it ends; undefined: it stays. */
  readonly idleMs: ((settings: Settings) => number) | undefined;
}

export const defaultPort = 8000;

export async function runService(parts: ProgramParts, options: ServiceOptions, flags: Flags): Promise<void> {
  const { terminal, signal, home, version } = parts;
  const { t } = terminal;
  const { host, token } = options;
  const election: Election =
    options.port === undefined
      ? await elect({ home, token, version, host }, signal)
      : { kind: "ours", settle: async () => undefined };
  if (election.kind === "running") {
    terminal.write(`${t("Already listening at {0}", urlOf(election.publication))}\n`);
    return;
  }
  const stop = new AbortController();
  const onSignal = () => stop.abort();
  signal.addEventListener("abort", onSignal, { once: true });
  if (signal.aborted) stop.abort();
  const app = await parts.openService("proxy", flags);
  const watch = watchSettings(parts.serviceFiles(flags), {
    read: () => parts.serviceSettings(flags),
    apply: app.configure,
    tell: (broken) =>
      terminal.complain(
        broken ? t("The settings stay as they were. {0}", terminal.say(broken)) : t("The settings were read again."),
      ),
  });
  let taken: string | undefined;
  const notice = () => {
    const broken = watch.broken();
    const kept = broken && terminal.say(msg("The settings stay as they were. {0}", broken));
    return [taken, kept, heldText(parts)].filter((text) => text !== undefined).join(" ") || undefined;
  };
  const tracing = await openTraces(parts, app);
  const proxy = createService(parts, app, { ...options, notice, stop, tracing });
  try {
    taken = await begin(parts, app, proxy, options).finally(election.settle);
    if (election.replaced) terminal.note(t("It takes the place of version {0}.", election.replaced.version));
    void afterListening(() => taskKinds.every((kind) => app.turns.state(kind).working === 0));
    void keepContainers(app, stop.signal, (text) => terminal.note(terminal.say(text)));
    const { idleMs } = options;
    // A program that is set up to ask here cannot start it.
    const limitMs = () => (idleMs && connectedIds(home).length === 0 ? idleMs(app.settings()) : 0);
    await ending(proxy, limitMs, stop);
  } finally {
    watch.dispose();
    await unpublish(home, process.pid);
    await proxy.drain(options.drainMs);
    await tracing?.dispose();
  }
  process.exitCode = 0;
}

function createService(
  { home, version, windows, terminal }: ProgramParts,
  app: App,
  options: ServiceOptions & {
    readonly notice: () => string | undefined;
    readonly stop: AbortController;
    readonly tracing: Tracing | undefined;
  },
): ProxyServer {
  const { token, asksForToken, host, notice, stop, tracing } = options;
  const log = (level: "debug" | "info" | "warn" | "error", text: string) => {
    if (level === "warn" || level === "error" || process.env["SWITCHYARD_LOG"]) terminal.complain(text);
  };
  const drain = createNodeDrain(app);
  const control = createControl(token, {
    async stop() {
      proxy.release();
      // Before the other one is told that it may: it will publish itself.
      await unpublish(home, process.pid);
      stop.abort();
    },
    drain: (wish) => drain(wish, stop.signal),
  });
  const proxy = createProxy(app, {
    token: asksForToken ? token : undefined,
    isLoopback: isLoopback(host),
    version,
    log,
    ...(tracing ? { tracing } : {}),
    notice,
    seen: control.seen,
    mounts: (run) => [
      createLazyMcpEndpoint({
        run,
        version,
        home,
        log: (text) => log("debug", text),
        readsFiles: asksForToken && isLoopback(host),
        asksFolders: () => asksFolders(windows()),
      }),
      control,
    ],
  });
  return proxy;
}

/** That it is not as the settings alone would have it. */
function heldText({ windows, terminal: { t } }: ProgramParts): string | undefined {
  const open = windows();
  if (open.some(({ offline }) => offline)) return t("A window of the editor is offline, and so is the service.");
  const [folder] = open.flatMap(({ localOnly }) => localOnly);
  return folder === undefined
    ? undefined
    : t("{0} is open in the editor and local only: what may be about it stays on this machine.", folder);
}

/** What was asked of the service, for a collector of the person's own. */
async function openTraces({ terminal, version }: ProgramParts, app: App): Promise<Tracing | undefined> {
  const { openTracing } = await import("../proxy/open-tracing.ts");
  const opened = await openTracing(process.env, version, () => app.settings().offline);
  if (!opened) return undefined;
  const { tracing, address, isRefused } = opened;
  const { host } = new URL(address);
  const { t } = terminal;
  terminal.note(
    isRefused
      ? t("Offline is on: no traces are sent to {0}.", host)
      : t("Traces go to {0}: names of models, counts and times, no texts.", host),
  );
  return tracing;
}

/** Listens, and says where: to the person, and to other programs of theirs. @returns why it has not the usual port */
async function begin(
  { terminal, home, version }: ProgramParts,
  app: App,
  { server }: ProxyServer,
  { host, port: wantedPort, asksForToken }: ServiceOptions,
): Promise<string | undefined> {
  const { t } = terminal;
  const wanted = { host, port: wantedPort ?? defaultPort, mayMove: wantedPort === undefined };
  const { port, why } = await listen(server, wanted);
  const notHad = why && terminal.say(notHadText(wanted.port, why));
  if (port === undefined && why?.kind === "forbidden") throw new TaskError("bad-input", forbidden(wanted.port));
  if (notHad !== undefined) terminal.note(notHad);
  if (port === undefined) throw new TaskError("storage", msg("The service could not be started: no free port."));
  if (!asksForToken && [process.env["OLLAMA_HOST"], app.settings().ollamaUrl].some((each) => pointsAt(each, port))) {
    throw new TaskError(
      "bad-input",
      msg("OLLAMA_HOST or “switchyard.ollamaUrl” is the address of this very service. Set it to the model server."),
    );
  }
  await publish(home, { pid: process.pid, host, port, version });
  terminal.write(`${t("Listening at {0}", urlOf({ host, port }))}\n`);
  if (asksForToken) terminal.note(t("Programs need the token: switchyard serve --show-token"));
  if (app.settings().serviceClaude === "pass")
    terminal.note(t("Requests for Claude are passed on, as “serviceClaude” is set."));
  return notHad;
}

function notHadText(port: number, why: NotHad): Message {
  if (why.kind === "forbidden") return forbidden(port);
  return why.by ? msg("Port {0} is taken by {1}.", port, why.by) : msg("Port {0} is taken by another program.", port);
}

const forbidden = (port: number) =>
  msg(
    "The system does not let you listen at port {0} (EACCES): ports below 1024 are the administrator’s, and Windows keeps others for itself. Take another one, such as --port 8000.",
    port,
  );

/** Resolves when the service is told to stop, or when nobody has needed it for a while. */
async function ending(proxy: ProxyServer, idleLimitMs: () => number, stop: AbortController): Promise<void> {
  const { signal } = stop;
  const look = () => {
    const limitMs = idleLimitMs();
    if (limitMs > 0 && proxy.idleMs() > limitMs) stop.abort();
  };
  const timer = setInterval(look, Math.min(5_000, Math.max(100, idleLimitMs() / 4)));
  await new Promise<void>((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener("abort", () => resolve(), { once: true });
  });
  clearInterval(timer);
}
