// switchyard setup: from nothing to a first answer. Done again, only what is missing is done.
import { spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { delimiter, join } from "node:path";
import { createInterface } from "node:readline/promises";
import type { Command } from "commander";
import { InvalidArgumentError } from "commander";
import type { App } from "../core/app.ts";
import { msg } from "../core/message.ts";
import type { Settings } from "../core/settings.ts";
import { TaskError } from "../core/task-error.ts";
import { showUp } from "./container-commands.ts";
import { pullModel } from "./download-commands.ts";
import type { Flags, ProgramParts } from "./flags.ts";
import { modelsToGet, planServer, type ServerChoice, type ServerStep } from "./setup-plan.ts";
import { waitForServer } from "./wait-for-server.ts";

interface SetupFlags extends Flags {
  readonly with?: ServerChoice;
  readonly models?: Settings["modelProfile"] | "none";
  readonly yes?: boolean;
  readonly dryRun?: boolean;
}

export function addSetupCommand(program: Command, parts: ProgramParts): void {
  const { t } = parts.terminal;
  program
    .command("setup")
    .description(
      t("find or install a model server, get the models of the profile, check everything and say where it is"),
    )
    .option("--with <server>", t("where models run: auto, ollama, containers or built-in"), server)
    .option("--models <profile>", t("models to get: current, design or none; otherwise those of the settings"), models)
    .option("--yes", t("answer yes to every question"))
    .option("--dry-run", t("say what would be done, and do nothing"))
    .action((_: object, command: Command) => setUp(command.optsWithGlobals<SetupFlags>(), parts));
}

async function setUp(flags: SetupFlags, parts: ProgramParts): Promise<void> {
  const { terminal, signal } = parts;
  const { t, note } = terminal;
  const app = await parts.openApp(flags);
  const step = planServer(await look(app, flags, signal));
  if (step.kind === "built-in" && (flags.with === "ollama" || flags.with === "containers")) {
    const text = msg("Nothing was set up: {0}. Without --with the built-in engine is used.", step.why);
    throw new TaskError("server-unreachable", text);
  }
  note(t("1. Model server"));
  if (flags.dryRun) tellStep(step, parts);
  else await takeStep(step, app, flags, parts);
  note(t("2. Models"));
  const missing = await missingModels(app, flags, step, signal);
  if (missing.length === 0) note(t("   Nothing is missing."));
  for (const model of missing) {
    if (flags.dryRun) note(t("   would get {0}", model));
    else await pullModel(app, { ...flags, force: false }, model, parts);
  }
  if (flags.dryRun) return;
  note(t("3. Health"));
  await checkHealth(app, parts);
}

async function look(app: App, flags: SetupFlags, signal: AbortSignal) {
  const [servers, services] = await Promise.all([
    app.status(signal).catch(() => []),
    app.services.status(signal).catch(() => undefined),
  ]);
  const ollama = servers.find(({ name }) => name.startsWith("Ollama"))?.name.replace(/^Ollama at /, "");
  const path = (process.env["PATH"] ?? "").split(delimiter);
  const endings = process.platform === "win32" ? [".exe", ".cmd"] : [""];
  return {
    platform: process.platform,
    has: (program: string) => path.some((folder) => endings.some((end) => existsSync(join(folder, program + end)))),
    isRoot: process.getuid?.() === 0,
    ...(ollama ? { ollama } : {}),
    hasEngine: services?.kind === "engine",
    choice: flags.with ?? "auto",
  };
}

function tellStep(step: ServerStep, { terminal: { t, note, say } }: ProgramParts): void {
  switch (step.kind) {
    case "use":
      return note(t("   Ollama answers at {0}; it is used.", step.address));
    case "start":
      return note(t("   would start: {0}", step.command.join(" ")));
    case "install":
      return note(t("   would ask whether to install Ollama with: {0}", step.command.join(" ")));
    case "containers":
      return note(t("   would start Ollama and Redis in containers: switchyard up"));
    case "built-in":
      return note(t("   The built-in engine is used: {0}.", say(step.why)));
  }
}

async function takeStep(step: ServerStep, app: App, flags: SetupFlags, parts: ProgramParts): Promise<void> {
  const { terminal, signal } = parts;
  const { t } = terminal;
  if (step.kind === "use" || step.kind === "built-in") return tellStep(step, parts);
  if (step.kind === "containers") {
    for await (const event of app.services.up({}, signal)) showUp(event, terminal);
    return;
  }
  if (step.kind === "start") return startServer(step.command, app, parts);
  const command = step.command.join(" ");
  if (app.settings().offline) throw new TaskError("local-only", msg("Offline is on: nothing is fetched."));
  if (!(await agrees(t("   Install Ollama with “{0}”?", command), flags, parts))) {
    terminal.note(t("   Not installed. It can be done later: {0}", command));
    return takeStep(step.otherwise, app, flags, parts);
  }
  await runCommand(step.command, parts);
  await startServer(["ollama", "serve"], app, parts);
}

/** Without a person to ask, only `--yes` is a yes. */
async function agrees(question: string, { yes }: SetupFlags, { terminal, signal }: ProgramParts): Promise<boolean> {
  if (yes) return true;
  if (!process.stdin.isTTY) return false;
  const lines = createInterface({ input: process.stdin, output: process.stderr });
  try {
    const answer = await lines.question(`${question} ${terminal.t("[y/N]")} `, { signal });
    return /^(y|yes|是|好)$/i.test(answer.trim());
  } finally {
    lines.close();
  }
}

async function runCommand([program, ...args]: readonly [string, ...string[]], { terminal, signal }: ProgramParts) {
  terminal.note(`   $ ${[program, ...args].join(" ")}`);
  const child = spawn(program, args, { stdio: ["inherit", 2, 2], signal });
  const code = await new Promise<number | null>((resolve, reject) =>
    child.once("error", reject).once("close", resolve),
  );
  if (code === 0) return;
  throw new TaskError("server-error", msg("{0} ended with {1}. Nothing more was done.", program, code ?? "–"));
}

/** It goes on when this program ends, as if the person had started it. */
async function startServer([program, ...args]: readonly [string, ...string[]], app: App, parts: ProgramParts) {
  const { terminal, signal } = parts;
  // An installer may have started it already.
  if (await waitForServer(app, signal, 2_000)) return;
  terminal.note(`   $ ${[program, ...args].join(" ")}`);
  const child = spawn(program, args, { stdio: "ignore", detached: true, windowsHide: true });
  let failure: Error | undefined;
  child.once("error", (error) => {
    failure = error;
  });
  child.unref();
  if (await waitForServer(app, signal)) return;
  const why = failure?.message ?? "";
  throw new TaskError("server-unreachable", msg("Ollama was started and does not answer. {0}", why));
}

async function missingModels(app: App, flags: SetupFlags, step: ServerStep, signal: AbortSignal) {
  const profile = flags.models ?? app.settings().modelProfile;
  if (profile === "none") return [];
  const installed = (await app.models(signal).catch(() => [])).map(({ name }) => name);
  if (step.kind === "built-in" && profile !== "design") {
    // It has a list of its own, the best for this machine first; one answers everything.
    if (installed.length > 0) return [];
    return (await app.offers(signal))
      .filter(({ fits }) => fits)
      .slice(0, 1)
      .map(({ name }) => name);
  }
  const fits = new Set<string>();
  for (const offer of await app.offers(signal)) if (offer.fits) fits.add(offer.name);
  return modelsToGet(profile, (model) => fits.has(model) || installed.includes(model), installed);
}

async function checkHealth(app: App, { terminal, signal, configFile, home }: ProgramParts): Promise<void> {
  const { t, write } = terminal;
  const [servers, services] = await Promise.all([app.status(signal), app.services.status(signal)]);
  const answering = servers.filter(({ name }) => name !== "");
  for (const { name, version, models: all } of answering) {
    write(`${name}${version ? ` ${version}` : ""}: ${t("models: {0}", all.length)}\n`);
    for (const model of all) write(`  ${model.name}\n`);
  }
  const running = services.kind === "engine" ? services.services.filter(({ address }) => address) : [];
  for (const { name, address } of running) write(`${name}: ${address}\n`);
  write(
    `${t("Settings: {0}", configFile)}\n${t("Conversations, answers, models of the built-in engine: {0}", home)}\n`,
  );
  if (answering.length === 0) throw new TaskError("server-unreachable", msg("No model server answers."));
  if (answering.every(({ models: all }) => all.length === 0)) {
    throw new TaskError(
      "model-missing",
      msg("The server answers and has no model yet. Get one: switchyard models pull NAME"),
    );
  }
  write(`${t("Everything is ready. Try: switchyard ask “why is the sky blue?”")}\n`);
}

function server(text: string): ServerChoice {
  if (text === "auto" || text === "ollama" || text === "containers" || text === "built-in") return text;
  throw new InvalidArgumentError("auto | ollama | containers | built-in");
}

function models(text: string): Settings["modelProfile"] | "none" {
  if (text === "current" || text === "design" || text === "none") return text;
  throw new InvalidArgumentError("current | design | none");
}
