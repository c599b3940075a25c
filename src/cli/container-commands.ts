// Commands about the containers that serve models.

import { homedir, hostname, userInfo } from "node:os";
import { basename } from "node:path";
import { type Command, InvalidArgumentError } from "commander";
import type { App } from "../core/app.ts";
import { doctorReport } from "../core/doctor-report.ts";
import { formatBytes } from "../core/format-bytes.ts";
import { msg } from "../core/message.ts";
import { incidentName, repairName, serviceStateName } from "../core/names.ts";
import type { DoctorFinding, Incident, ServiceProfile, ServicesStatus, UpEvent } from "../core/services.ts";
import { TaskError } from "../core/task-error.ts";
import type { Flags, ProgramParts } from "./flags.ts";
import { printer } from "./printer.ts";
import type { Terminal } from "./terminal.ts";

export function addContainerCommands(program: Command, parts: ProgramParts): void {
  addStackCommands(program, parts);
  addLookingCommands(program, parts);
}

/** Its options, then the app, as every command here wants them. */
const actingOf =
  (parts: ProgramParts) =>
  <Own>(work: (app: App, flags: Flags & Own) => Promise<void>) =>
  async (_: object, command: Command) => {
    const flags = command.optsWithGlobals<Flags & Own>();
    return work(await parts.openApp(flags), flags);
  };

/** What is done to all containers. */
function addStackCommands(program: Command, parts: ProgramParts): void {
  const { terminal, signal } = parts;
  const { t } = terminal;
  const act = actingOf(parts);
  const print = printer(terminal);

  program
    .command("up")
    .description(t("start the containers that serve models, and wait until they answer"))
    .option("--profile <name>", t("core, monitoring (with figures and a dashboard) or team (with the proxy)"), profile)
    .option("--now", t("do not wait for answers that are being made: they are cut"))
    .action(
      act<HurryFlags & { readonly profile?: ServiceProfile }>((app, flags) => {
        const wish = { ...hurryOf(flags), ...(flags.profile ? { profile: flags.profile } : {}) };
        return showAll(app.services.up(wish, signal), flags, terminal);
      }),
    );
  program
    .command("down")
    .description(t("stop the containers; models and kept answers stay"))
    .option("--remove", t("remove the containers as well"))
    .option("--volumes", t("with --remove and --yes: delete downloaded models and kept answers, too"))
    .option("--yes", t("do not ask again"))
    .option("--now", t("do not wait for answers that are being made: they are cut"))
    .action(
      act<DownFlags>(async (app, flags) => {
        await takeDown(app, flags, parts);
        print(flags, { done: true }, flags.remove ? t("Removed.") : t("Stopped."));
      }),
    );
  program
    .command("update")
    .description(
      t("run another version of Ollama in its container; models stay, and what does not come up is gone back from"),
    )
    .argument("[version]", t("such as 0.31.1; nothing: the version that belongs to this Switchyard"))
    .option("--now", t("do not wait for answers that are being made: they are cut"))
    .action(async (version: string | undefined, _: object, command: Command) => {
      const flags = command.optsWithGlobals<Flags & HurryFlags>();
      const app = await parts.openApp(flags);
      await showAll(app.services.update(version ?? "", hurryOf(flags), signal), flags, terminal);
    });
}

/** How they are, and what is wrong. */
function addLookingCommands(program: Command, parts: ProgramParts): void {
  const { terminal, signal } = parts;
  const { t } = terminal;
  const act = actingOf(parts);
  const print = printer(terminal);

  program
    .command("services")
    .description(t("show the containers, and where each is"))
    .option("--logs <service>", t("print what a service has said, and what it says until Ctrl+C"))
    .option("--password", t("print Grafana’s password, for the account admin, and do nothing else"))
    .action(
      act<{ readonly logs?: string; readonly password?: boolean }>(async (app, flags) => {
        if (flags.password) return terminal.write(`${await grafanaPassword(app)}\n`);
        if (flags.logs) return showLogs(app, flags.logs, parts);
        const [status, incidents] = await Promise.all([app.services.status(signal), app.services.incidents()]);
        const recent = incidents.slice(-5).map((each) => describeIncident(each, terminal));
        print(flags, { ...status, incidents }, [describeStatus(status, terminal), ...recent].join("\n"));
        if (status.kind === "no-engine") process.exitCode = 3;
      }),
    );
  program
    .command("doctor")
    .description(t("look for what is wrong with Docker and the containers"))
    .option("--fix", t("mend what can be mended, and look again"))
    .option("--report", t("print what was found for an issue: without names, paths, addresses and secrets"))
    .action(
      act<{ readonly fix?: boolean; readonly report?: boolean }>((app, flags) =>
        flags.report ? report(app, parts) : examine(app, flags, parts),
      ),
    );
}

async function showLogs(app: App, service: string, { terminal, signal }: ProgramParts): Promise<void> {
  for await (const line of app.services.logs(service, 200, signal)) terminal.show(`${line}\n`);
}

async function grafanaPassword(app: App): Promise<string> {
  const password = await app.services.grafanaPassword();
  if (password) return password;
  throw new TaskError("bad-input", msg("There is no Grafana yet: switchyard up --profile monitoring"));
}

function profile(text: string): ServiceProfile {
  if (text === "core" || text === "monitoring" || text === "team") return text;
  throw new InvalidArgumentError("core | monitoring | team");
}

interface HurryFlags {
  readonly now?: boolean;
}

const hurryOf = ({ now }: HurryFlags): { readonly hurry?: AbortSignal } => (now ? { hurry: AbortSignal.abort() } : {});

interface DownFlags extends HurryFlags {
  readonly remove?: boolean;
  readonly volumes?: boolean;
  readonly yes?: boolean;
}

async function takeDown(
  { services }: App,
  flags: Flags & DownFlags,
  { terminal, signal }: ProgramParts,
): Promise<void> {
  const { remove, volumes, yes } = flags;
  if (volumes && !(remove && yes)) {
    throw new TaskError(
      "bad-input",
      msg("--volumes deletes downloaded models and kept answers. Say it with --remove and --yes."),
    );
  }
  // What is printed as JSON is the outcome alone.
  const leaving = { ...hurryOf(flags), tell: (event: UpEvent) => showLeaving(event, terminal) };
  if (remove) await services.remove({ withVolumes: volumes ?? false, ...leaving }, signal);
  else await services.down(leaving, signal);
}

/** With the way out: the wait is for others. */
function showLeaving(event: UpEvent, terminal: Terminal): void {
  const { t, note } = terminal;
  showUp(event, terminal);
  if (event.kind === "finishing")
    note(t("Ctrl+C leaves everything as it is; the same command with --now does not wait."));
}

async function showAll(events: AsyncIterable<UpEvent>, flags: Flags, terminal: Terminal): Promise<void> {
  for await (const event of events) {
    if (flags.json) terminal.writeJson(event);
    else showLeaving(event, terminal);
  }
}

export function showUp(event: UpEvent, { t, say, note, progress, write }: Terminal): void {
  switch (event.kind) {
    case "engine":
      return note(t("Docker engine: {0} ({1})", event.address, event.source));
    case "left-out":
      return note(`${event.service}: ${say(event.why)}`);
    case "notice":
    case "queued":
      return note(say(event.text));
    case "pull":
      return progress(
        t("{0}: {1} of {2}", event.image, formatBytes(event.completedBytes), formatBytes(event.totalBytes)),
      );
    case "build":
      return note(t("{0}: made from the product’s own files", event.image));
    case "removed":
      return note(t("{0}: removed, as it is not wanted any more", event.service));
    case "created":
      return note(t("{0}: created", event.service));
    case "recreated":
      return note(t("{0}: made anew with changed settings", event.service));
    case "started":
      return note(t("{0}: started", event.service));
    case "finishing":
      return note(
        t("{0}: still at work on answers; waiting for them, {1} s at most", event.service, event.limitMs / 1000),
      );
    case "waiting":
      return note(t("{0}: waiting until it answers", event.service));
    case "ready":
      return write(`${event.service}  ${event.address}\n`);
  }
}

function describeStatus(status: ServicesStatus, { t, say }: Terminal): string {
  const tried = status.tried.map(({ source, address, outcome }) => `  ${source}  ${address}: ${say(outcome)}`);
  if (status.kind === "no-engine") return [t("No Docker engine answers."), ...tried].join("\n");
  return [
    t("Docker engine {0}: {1} ({2})", status.version, status.address, status.source),
    ...status.services.map(({ name, state, address, image }) =>
      `  ${name}  ${say(serviceStateName(state))}  ${address ?? ""}  ${image}`.replace(/ {3,}/, "  "),
    ),
    ...status.leftOut.map(({ name, why }) => `  ${name}  ${say(why)}`),
  ].join("\n");
}

function describeIncident({ service, atMs, what, done, helped, tookMs }: Incident, { say, t }: Terminal): string {
  const outcome = helped ? t("it answered again after {0} s", (tookMs / 1000).toFixed(1)) : t("it did not help");
  const when = new Date(atMs).toLocaleString();
  return `  ${when}  ${service}: ${say(incidentName(what))}; ${say(repairName(done))}; ${outcome}`;
}

/** Exit code 1 while a problem is left. */
async function examine(app: App, flags: Flags & { readonly fix?: boolean }, { terminal, signal }: ProgramParts) {
  const { t } = terminal;
  let findings = await app.services.doctor(signal);
  const repaired: string[] = [];
  // Where services are is no outcome of it.
  const tell = (event: UpEvent) => event.kind !== "ready" && showUp(event, terminal);
  if (flags.fix) {
    for (const { id, canRepair } of findings) {
      if (canRepair && (await app.services.repair(id, { tell }, signal)).isFixed) repaired.push(id);
    }
    findings = await app.services.doctor(signal);
  }
  const texts = findings.map((finding) => describeFinding(finding, terminal));
  const head = repaired.length > 0 ? [t("Mended: {0}", repaired.join(", "))] : [];
  const text = [...head, ...(texts.length > 0 ? texts : [t("Nothing is wrong.")])].join("\n");
  printer(terminal)(flags, { findings, repaired }, text);
  if (findings.some(({ severity }) => severity === "problem")) process.exitCode = 1;
}

async function report({ services }: App, { terminal, signal, version, home }: ProgramParts): Promise<void> {
  const [status, findings, incidents] = await Promise.all([
    services.status(signal),
    services.doctor(signal),
    services.incidents(),
  ]);
  const system = `${process.platform} ${process.arch}, Node ${process.versions.node}`;
  const names = [home, homedir(), basename(homedir()), userInfo().username, hostname()];
  terminal.write(doctorReport({ version, system, status, findings, incidents, names }));
}

function describeFinding({ id, what, evidence, repair, canRepair }: DoctorFinding, { t, say }: Terminal): string {
  return [
    `${say(what)} [${id}]`,
    ...evidence.map((each) => `  ${say(each)}`),
    `  → ${say(repair)}${canRepair ? ` (${t("switchyard doctor --fix does it")})` : ""}`,
  ].join("\n");
}
