// switchyard serve: the models for other programs, over HTTP.
import { type Command, InvalidArgumentError } from "commander";
import { msg } from "../core/message.ts";
import { TaskError } from "../core/task-error.ts";
import type { Flags, ProgramParts } from "./flags.ts";

interface ServeFlags {
  readonly host: string;
  readonly port?: number;
  readonly token: boolean;
  readonly showToken?: boolean;
  readonly background?: boolean;
  readonly stop?: boolean;
  readonly idle?: number | true;
  readonly drain: number;
}

export function addServeCommand(program: Command, parts: ProgramParts): void {
  const { t } = parts.terminal;
  program
    .command("serve")
    .description(t("let other programs use the models: Ollama’s, OpenAI’s and Anthropic’s API at one address"))
    .option("--port <n>", t("port; otherwise {0}, or the next free one", 8000), portNumber)
    .option("--host <address>", t("address to listen at; any but this machine’s own lets others connect"), "127.0.0.1")
    .option("--no-token", t("ask programs of this machine for no token"))
    .option("--show-token", t("print the token and do nothing else"))
    .option("--background", t("start it as a process of its own, unless it runs already"))
    .option("--stop", t("stop the one that runs; what it has begun is finished"))
    .option("--idle [minutes]", t("end when nobody has needed it for so long; otherwise as the settings say"), minutes)
    .option("--drain <seconds>", t("how long answers may still take when the service is stopped"), seconds, 30)
    .action((own: ServeFlags, command: Command) => serve(parts, own, command.optsWithGlobals<Flags>()));
}

async function serve(parts: ProgramParts, own: ServeFlags, flags: Flags): Promise<void> {
  const { terminal, home, signal } = parts;
  const { t } = terminal;
  const { ownToken } = await import("../service/token.ts");
  const token = process.env["SWITCHYARD_PROXY_TOKEN"] || (await ownToken(home));
  if (own.showToken) {
    terminal.write(`${token}\n`);
    return;
  }
  if (own.stop) return stop(parts, token);
  // Loaded here, so that no other command pays for it.
  const [{ runService }, { isLoopback }] = await Promise.all([
    import("./run-service.ts"),
    import("../proxy/listen.ts"),
  ]);
  if (!isLoopback(own.host) && !own.token) {
    throw new TaskError(
      "bad-input",
      msg("Without a token only this machine may connect: leave out --host or --no-token."),
    );
  }
  if (own.background) {
    const [{ startService }, { urlOf }] = await Promise.all([
      import("../service/start-service.ts"),
      import("../service/publication.ts"),
    ]);
    const args = ["--idle", ...childArgs(own, flags)];
    const found = await startService({ home, token, entry: parts.entry, args, env: process.env }, signal);
    terminal.write(`${t("Listening at {0}", urlOf(found))}\n`);
    return;
  }
  const { idle } = own;
  await runService(
    parts,
    {
      host: own.host,
      port: own.port,
      token,
      asksForToken: own.token,
      drainMs: own.drain * 1000,
      idleMs:
        idle === undefined ? undefined : (settings) => (idle === true ? settings.serviceIdleMinutes : idle) * 60_000,
    },
    flags,
  );
}

async function stop({ terminal, home, signal }: ProgramParts, token: string): Promise<void> {
  const { t } = terminal;
  const [{ findService, urlOf }, { stopService }] = await Promise.all([
    import("../service/publication.ts"),
    import("../service/stop-service.ts"),
  ]);
  const found = await findService(home, token, signal);
  if (!found) {
    terminal.note(t("No service runs."));
    return;
  }
  if (!(await stopService(found, token))) {
    throw new TaskError("server-error", msg("The service at {0} did not stop.", urlOf(found)));
  }
  terminal.note(t("Stopped the service at {0}.", urlOf(found)));
}

/** What the process in the background is told. */
function childArgs(own: ServeFlags, flags: Flags): readonly string[] {
  return [
    ...(typeof own.idle === "number" ? [String(own.idle)] : []),
    ...["--host", own.host, "--drain", String(own.drain)],
    ...(own.port === undefined ? [] : ["--port", String(own.port)]),
    ...(own.token ? [] : ["--no-token"]),
    ...(flags.config === undefined ? [] : ["--config", flags.config]),
    ...(flags.offline ? ["--offline"] : []),
  ];
}

function minutes(text: string): number {
  const number = Number(text);
  if (Number.isFinite(number) && number > 0) return number;
  throw new InvalidArgumentError("1, 2, 3, …");
}

function seconds(text: string): number {
  const number = Number(text);
  if (text.trim() !== "" && number >= 0 && number <= mostSeconds) return number;
  throw new InvalidArgumentError(`0 … ${mostSeconds}`);
}

const mostSeconds = 86_400;

function portNumber(text: string): number {
  const number = Number(text);
  if (Number.isInteger(number) && number >= 0 && number < 65_536) return number;
  throw new InvalidArgumentError("0 … 65535");
}
