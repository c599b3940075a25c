// switchyard connect: sets up another program so that it asks here, and takes that back.
import { homedir } from "node:os";
import { join } from "node:path";
import { type Command, InvalidArgumentError } from "commander";
import type { Client, ClientId, Surroundings } from "../clients/client.ts";
import { clientIds } from "../clients/client.ts";
import type { FileChange } from "../clients/connect.ts";
import { isAbort } from "../core/task-error.ts";
import type { Publication } from "../service/publication.ts";
import type { Flags, ProgramParts } from "./flags.ts";

interface ConnectFlags {
  readonly undo?: boolean;
  readonly dryRun?: boolean;
  readonly wait: boolean;
}

/** How long a first request is waited for, ms. */
const waitMs = 10 * 60_000;

export function addConnectCommand(program: Command, parts: ProgramParts): void {
  const { t } = parts.terminal;
  program
    .command("connect")
    .description(t("set up another program so that it uses the models here: {0}", clientIds.join(", ")))
    .argument("[program]", t("which one; nothing lists them"), clientId)
    .option("--undo", t("take it back: files that nobody changed since are restored to the last byte"))
    .option("--dry-run", t("show what would change, and change nothing"))
    .option("--no-wait", t("do not wait for the program’s first request"))
    .action(async (id: ClientId | undefined, own: ConnectFlags, command: Command) => {
      const flags = command.optsWithGlobals<Flags>();
      if (id === undefined) await list(parts);
      else if (own.undo) await undo(parts, id, own);
      else await connect(parts, id, own, flags);
    });
}

async function list({ terminal, home }: ProgramParts): Promise<void> {
  const { t } = terminal;
  const [{ connectedIds }, { clients }] = await Promise.all([
    import("../clients/connected.ts"),
    import("../clients/programs.ts"),
  ]);
  const connected = connectedIds(home);
  for (const id of clientIds) {
    const state = connected.includes(id) ? `  ${t("set up")}` : "";
    terminal.write(`${id.padEnd(12)} ${clients[id].name}${state}\n`);
  }
}

async function connect(parts: ProgramParts, id: ClientId, own: ConnectFlags, flags: Flags): Promise<void> {
  const { terminal, home, signal } = parts;
  const { t, say, note } = terminal;
  const [{ planConnection, applyConnection }, { clients }, { ownToken }] = await Promise.all([
    import("../clients/connect.ts"),
    import("../clients/programs.ts"),
    import("../service/token.ts"),
  ]);
  const token = process.env["SWITCHYARD_PROXY_TOKEN"] || (await ownToken(home));
  const service = await serviceFor(parts, token, own, flags);
  const { urlOf } = await import("../service/publication.ts");
  const surroundings: Surroundings = {
    url: urlOf(service),
    token,
    model: flags.model ?? "switchyard/code",
    contextTokens: parts.serviceSettings(flags).maxContextTokens,
    userHome: homedir(),
    editorFolder: editorFolder(process.env, process.platform, homedir()),
    env: process.env,
  };
  const client = clients[id];
  const plan = await planConnection(home, client, surroundings);
  await showChanges(parts, plan.changes, token);
  if (own.dryRun) return;
  await applyConnection(home, plan);
  note(
    t("{0} is set up to use {1}. To take it back: switchyard connect {2} --undo", client.name, surroundings.url, id),
  );
  for (const text of client.notes(surroundings)) note(say(text));
  note(
    t(
      "The service stays as long as a program is set up. After a restart of the machine: switchyard serve --background",
    ),
  );
  if (own.wait && process.stdout.isTTY) await waitForRequest(parts, client, service, token, signal);
}

/** The service that runs; where none does, one is started, because its address has to be known. */
async function serviceFor(parts: ProgramParts, token: string, own: ConnectFlags, flags: Flags): Promise<Publication> {
  const { home, signal, version } = parts;
  const { findService } = await import("../service/publication.ts");
  const running = await findService(home, token, signal);
  if (running) return running;
  if (own.dryRun) return { pid: 0, host: "127.0.0.1", port: 8000, version };
  const { startService } = await import("../service/start-service.ts");
  const args = ["--idle", ...(flags.config === undefined ? [] : ["--config", flags.config])];
  return startService({ home, token, entry: parts.entry, args, env: process.env }, signal);
}

async function undo(parts: ProgramParts, id: ClientId, own: ConnectFlags): Promise<void> {
  const { terminal, home } = parts;
  const { t } = terminal;
  const [{ planUndo, applyUndo }, { clients }, { ownToken }] = await Promise.all([
    import("../clients/connect.ts"),
    import("../clients/programs.ts"),
    import("../service/token.ts"),
  ]);
  const undone = await planUndo(home, id);
  if (!undone) {
    terminal.note(t("{0} is not set up.", clients[id].name));
    return;
  }
  await showChanges(parts, undone.changes, process.env["SWITCHYARD_PROXY_TOKEN"] || (await ownToken(home)));
  for (const text of undone.notes) terminal.note(terminal.say(text));
  if (own.dryRun) return;
  await applyUndo(home, id, undone);
  terminal.note(t("{0} is as it was.", clients[id].name));
}

async function showChanges({ terminal }: ProgramParts, changes: readonly FileChange[], token: string): Promise<void> {
  const { t } = terminal;
  const { diffOf } = await import("../clients/show-diff.ts");
  if (changes.length === 0) terminal.note(t("Nothing changes."));
  for (const change of changes) terminal.write(diffOf(change, token));
}

async function waitForRequest(
  { terminal }: ProgramParts,
  { name, agent }: Client,
  service: Publication,
  token: string,
  signal: AbortSignal,
): Promise<void> {
  const { t } = terminal;
  const { watchService } = await import("../service/watch-service.ts");
  terminal.note(t("Waiting for the first request of {0}. Ctrl+C ends the waiting.", name));
  try {
    for await (const seen of watchService(service, token, AbortSignal.any([signal, AbortSignal.timeout(waitMs)]))) {
      if (seen.kind !== "seen" || !agent.test(seen.agent)) continue;
      terminal.note(t("It works: {0} asked {1}.", name, seen.route));
      return;
    }
  } catch (error) {
    if (!isAbort(error) && !(error instanceof Error && error.name === "TimeoutError")) throw error;
  }
}

/** Where the editor of this machine keeps its settings. */
function editorFolder(
  env: Readonly<Record<string, string | undefined>>,
  platform: NodeJS.Platform,
  userHome: string,
): string {
  if (env["SWITCHYARD_EDITOR_FOLDER"]) return env["SWITCHYARD_EDITOR_FOLDER"];
  if (platform === "win32") return join(env["APPDATA"] ?? join(userHome, "AppData", "Roaming"), "Code", "User");
  if (platform === "darwin") return join(userHome, "Library", "Application Support", "Code", "User");
  return join(env["XDG_CONFIG_HOME"] ?? join(userHome, ".config"), "Code", "User");
}

function clientId(text: string): ClientId {
  const id = clientIds.find((each) => each === text);
  if (id) return id;
  throw new InvalidArgumentError(clientIds.join(" | "));
}
