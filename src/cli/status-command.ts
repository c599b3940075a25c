// switchyard status: the service and what it is working on, and the model servers and how they are.
import type { Command } from "commander";
import type { ServerStatus } from "../core/app.ts";
import { formatBytes } from "../core/format-bytes.ts";
import { formatCountdown } from "../core/format-time.ts";
import { conditionName, kindName, serverName, toolTestName } from "../core/names.ts";
import { taskKinds } from "../core/task.ts";
import type { Publication } from "../service/publication.ts";
import type { ServiceHealth } from "../service/read-health.ts";
import type { Flags, ProgramParts } from "./flags.ts";
import { printer } from "./printer.ts";
import type { Terminal } from "./terminal.ts";

/** The service that runs; `health` is absent while it is stopping, or where it does not answer. */
interface RunningService extends Publication {
  readonly url: string;
  readonly health?: ServiceHealth;
}

type ServiceServer = ServiceHealth["parts"]["servers"][number];

/** A server as this shell finds it, with what the service knows of it. `inFlight` is what the service asks. */
type KnownServer = Omit<ServerStatus, "condition"> & Pick<ServiceServer, "condition">;

export function addStatusCommand(program: Command, parts: ProgramParts): void {
  const { terminal, signal } = parts;
  const { t } = terminal;
  program
    .command("status")
    .description(t("show the model servers, how they are, and what is being worked on"))
    .action(async (_: object, command: Command) => {
      const flags = command.optsWithGlobals<Flags>();
      const app = await parts.openApp(flags);
      const [found, service] = await Promise.all([app.status(signal), findRunning(parts)]);
      const known = service?.health?.parts.servers ?? [];
      const servers = found.map((server): KnownServer => ({ ...server, ...figuresOf(server.name, known) }));
      const text = [
        describeService(service, terminal),
        ...servers.flatMap((server) => describeServer(server, terminal)),
        // Its settings may be others than those of this shell.
        ...known.filter(({ name }) => name && !found.some((own) => own.name === name)).map(onlyThere(terminal)),
        ...triedText(found[0]?.tried ?? [], terminal),
      ];
      printer(terminal)(flags, { service: service ?? null, servers }, text.join("\n"));
    });
}

/** Who asks has to know the token; where no service ever ran there is none, and none is made by looking. */
async function findRunning({ home, signal }: ProgramParts): Promise<RunningService | undefined> {
  const [{ knownToken }, { findService, urlOf }, { readHealth }] = await Promise.all([
    import("../service/token.ts"),
    import("../service/publication.ts"),
    import("../service/read-health.ts"),
  ]);
  const token = process.env["SWITCHYARD_PROXY_TOKEN"] || (await knownToken(home));
  const publication = token === undefined ? undefined : await findService(home, token, signal);
  if (token === undefined || !publication) return undefined;
  const health = await readHealth(publication, token, signal);
  return { ...publication, url: urlOf(publication), ...(health ? { health } : {}) };
}

function figuresOf(name: string, known: readonly ServiceServer[]): Partial<KnownServer> {
  const { condition, inFlight, tokensPerSecond } = known.find((each) => each.name === name) ?? {};
  return {
    ...(condition === undefined ? {} : { condition }),
    ...(inFlight === undefined ? {} : { inFlight }),
    ...(tokensPerSecond === undefined ? {} : { tokensPerSecond }),
  };
}

function describeService(service: RunningService | undefined, { t, say }: Terminal): string {
  if (!service) return t("No service runs. What windows of the editor ask by themselves is not seen here.");
  const { url, version, pid, health } = service;
  const head = t("Service at {0}: version {1}, process {2}", url, version, pid);
  if (!health) return `${head}\n  ${t("It is stopping, or does not answer.")}`;
  const { proxy, work } = health.parts;
  const kinds = Object.entries(work?.tasks ?? {}).map(([kind, { working, waiting }]) => {
    const known = taskKinds.find((each) => each === kind);
    const name = known ? say(kindName(known)) : kind;
    return waiting > 0 ? t("{0}: {1}, {2} waiting", name, working, waiting) : t("{0}: {1}", name, working);
  });
  const wait = formatCountdown(work?.longestWaitMs ?? 0);
  return [
    `${head}, ${t("up for {0}", formatCountdown(proxy.uptimeSeconds * 1000))}`,
    ...(work ? [`  ${t("In flight: {0}, waiting: {1}", work.working, work.waiting)}`] : []),
    ...(work && work.waiting > 0 ? [`  ${t("The first of them has waited for {0}", wait)}`] : []),
    ...kinds.map((kind) => `    ${kind}`),
    ...(health.notice ? [`  ${health.notice}`] : []),
  ].join("\n");
}

function describeServer(server: KnownServer, terminal: Terminal): readonly string[] {
  const { t, say } = terminal;
  if (server.name === "") return [t("No model server answers.")];
  return [
    t("{0}: {1}", `${say(serverName(server.name))} ${server.version ?? ""}`.trimEnd(), healthText(server, terminal)),
    ...server.models.map(({ name, toolTest }) => `  ${name}${toolTest ? `  ${say(toolTestName(toolTest))}` : ""}`),
    ...server.loaded.map((model) => `  ${t("{0}: {1}", t("loaded"), `${model.name} ${formatBytes(model.sizeBytes)}`)}`),
  ];
}

function healthText({ condition, inFlight, tokensPerSecond }: ServiceServer, { t, say }: Terminal): string {
  return [
    condition === undefined ? t("answers") : say(conditionName(condition)),
    ...(inFlight === undefined ? [] : [t("{0} in flight", inFlight)]),
    ...(tokensPerSecond === undefined ? [] : [t("{0} tokens/s", tokensPerSecond.toFixed(1))]),
  ].reduce((text, part) => t("{0}, {1}", text, part));
}

function onlyThere(terminal: Terminal): (server: ServiceServer) => string {
  const { t, say } = terminal;
  return (server) => {
    const health = t("{0} ({1})", healthText(server, terminal), t("asked by the service alone"));
    return t("{0}: {1}", say(serverName(server.name ?? "")), health);
  };
}

function triedText(tried: ServerStatus["tried"], { t }: Terminal): readonly string[] {
  if (tried.length === 0) return [];
  return [t("Addresses tried:"), ...tried.map(({ address, outcome }) => `  ${t("{0}: {1}", address, outcome)}`)];
}
