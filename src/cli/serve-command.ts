// switchyard serve: the models for other programs, over HTTP.
import { mkdir } from "node:fs/promises";
import { type Command, InvalidArgumentError } from "commander";
import type { App } from "../core/app.ts";
import { msg } from "../core/message.ts";
import { TaskError } from "../core/task-error.ts";
import type { Tracing } from "../proxy/handled.ts";
import type { Flags, ProgramParts } from "./flags.ts";

interface ServeFlags {
  readonly host: string;
  readonly port?: number;
  readonly token: boolean;
  readonly showToken?: boolean;
  readonly drain: number;
}

const defaultPort = 8000;

export function addServeCommand(program: Command, parts: ProgramParts): void {
  const { t } = parts.terminal;
  program
    .command("serve")
    .description(t("let other programs use the models: Ollama’s, OpenAI’s and Anthropic’s API at one address"))
    .option("--port <n>", t("port; otherwise {0}, or the next free one", defaultPort), portNumber)
    .option("--host <address>", t("address to listen at; any but this machine’s own lets others connect"), "127.0.0.1")
    .option("--no-token", t("ask programs of this machine for no token"))
    .option("--show-token", t("print the token and do nothing else"))
    .option("--drain <seconds>", t("how long answers may still take when the service is stopped"), Number, 30)
    .action((own: ServeFlags, command: Command) => serve(parts, own, command.optsWithGlobals<Flags>()));
}

async function serve(parts: ProgramParts, own: ServeFlags, flags: Flags): Promise<void> {
  const { terminal, signal } = parts;
  const { t } = terminal;
  // Loaded here, so that no other command pays for it.
  const [
    { createProxy },
    { isLoopback, listen, pointsAt, publish, runningService, unpublish },
    { ownToken },
    { createMcpEndpoint },
  ] = await Promise.all([
    import("../proxy/server.ts"),
    import("../proxy/listen.ts"),
    import("../proxy/token.ts"),
    import("../mcp/http.ts"),
  ]);
  const { home } = parts;
  await mkdir(home, { recursive: true, mode: 0o700 });
  const token = process.env["SWITCHYARD_PROXY_TOKEN"] || (await ownToken(home));
  if (own.showToken) {
    terminal.write(`${token}\n`);
    return;
  }
  const isLocal = isLoopback(own.host);
  if (!isLocal && !own.token) {
    throw new TaskError(
      "bad-input",
      msg("Without a token only this machine may connect: leave out --host or --no-token."),
    );
  }
  // One service is enough for all windows and shells; another version, or a port of its own, is a wish for another.
  const running = own.port === undefined ? await runningService(home, token) : undefined;
  if (running?.version === parts.version && running.host === own.host) {
    terminal.write(`${t("Already listening at {0}", urlOf(running))}\n`);
    return;
  }
  const app = parts.openService("proxy", flags);
  const log = (level: "debug" | "info" | "warn" | "error", text: string) => {
    if (level === "warn" || level === "error" || process.env["SWITCHYARD_LOG"]) process.stderr.write(`${text}\n`);
  };
  const traces = await openTraces(parts, app);
  const proxy = createProxy(app, {
    ...(traces ? { tracing: traces } : {}),
    token: own.token ? token : undefined,
    isLoopback: isLocal,
    version: parts.version,
    log,
    mount: (run) => createMcpEndpoint({ run, version: parts.version, home, log: (text) => log("debug", text) }),
  });
  const wanted = { host: own.host, port: own.port ?? defaultPort, mayMove: own.port === undefined };
  const { port, takenBy } = await listen(proxy.server, wanted);
  if (takenBy !== undefined) terminal.note(taken(wanted.port, takenBy, t));
  if (port === undefined) throw new TaskError("storage", msg("The service could not be started: no free port."));
  if (!own.token && [process.env["OLLAMA_HOST"], app.settings().ollamaUrl].some((each) => pointsAt(each, port))) {
    await proxy.drain(0);
    throw new TaskError(
      "bad-input",
      msg("OLLAMA_HOST or “switchyard.ollamaUrl” is the address of this very service. Set it to the model server."),
    );
  }
  await publish(home, { pid: process.pid, host: own.host, port, version: parts.version });
  terminal.write(`${t("Listening at {0}", urlOf({ host: own.host, port }))}\n`);
  if (own.token) terminal.note(t("Programs need the token: switchyard serve --show-token"));
  await new Promise<void>((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener("abort", () => resolve(), { once: true });
  });
  await proxy.drain(own.drain * 1000);
  await traces?.dispose();
  await unpublish(home, process.pid);
  process.exitCode = 0;
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

function urlOf({ host, port }: { readonly host: string; readonly port: number }): string {
  return `http://${host.includes(":") ? `[${host}]` : host}:${port}`;
}

function taken(port: number, by: string, t: ProgramParts["terminal"]["t"]): string {
  return by === "" ? t("Port {0} is taken by another program.", port) : t("Port {0} is taken by {1}.", port, by);
}

function portNumber(text: string): number {
  const number = Number(text);
  if (Number.isInteger(number) && number >= 0 && number < 65_536) return number;
  throw new InvalidArgumentError("0 … 65535");
}
