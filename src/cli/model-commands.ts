// Commands about models and servers rather than texts.

import type { Command } from "commander";
import type { App, OfferedModel } from "../core/app.ts";
import type { InstalledModel } from "../core/backend.ts";
import { formatBytes } from "../core/format-bytes.ts";
import { modelPlaces } from "../core/model-places.ts";
import { serverName, toolTestName, toolTestResult } from "../core/names.ts";
import type { ToolTest } from "../core/tool-test.ts";
import { addDownloadCommands, fitText } from "./download-commands.ts";
import type { Flags, ProgramParts } from "./flags.ts";
import { printer } from "./printer.ts";
import { readSource } from "./read-files.ts";
import type { Terminal } from "./terminal.ts";

export function addModelCommands(program: Command, parts: ProgramParts): void {
  const { terminal, signal } = parts;
  const { t } = terminal;
  const withApp =
    (work: (app: App, flags: Flags, name: string) => Promise<void>) =>
    async (...given: unknown[]) => {
      const command = given.at(-1) as Command;
      const flags = command.optsWithGlobals<Flags>();
      return work(await parts.openApp(flags), flags, typeof given[0] === "string" ? given[0] : "");
    };
  const print = printer(terminal);

  addClassifyCommand(program, terminal);
  const models = program
    .command("models")
    .description(t("list models, or get and remove them"))
    .action(
      withApp(async (app, flags) => {
        const [installed, offers] = await Promise.all([app.models(signal), app.offers(signal)]);
        print(flags, { installed, offers }, describeModels(installed, offers, terminal));
      }),
    );
  models
    .command("delete <name>")
    .description(t("remove a model"))
    .option("--from <server>", t("which server, where several have it: its name or its host; may be given again"), more)
    .action(
      withApp(async (app, flags: DeleteFlags, name) => {
        await app.delete({ model: name, ...(flags.from ? { from: flags.from } : {}) }, signal);
        terminal.note(t("{0} is removed.", name));
      }),
    );
  addDownloadCommands(models, parts, withApp);
  models
    .command("test <name>")
    .description(t("find out with one short question whether a model calls tools; 1 when it does not"))
    .action(
      withApp(async (app, flags, name) => {
        const tests = await app.testTools(name, signal);
        print(flags, tests, tests.map((test) => terminal.say(toolTestResult(test))).join("\n"));
        if (tests.some(({ calls }) => calls === "no")) process.exitCode = 1;
      }),
    );
  models
    .command("load <name>")
    .description(t("load a model"))
    .action(withApp((app, _, name) => loadModel(app, name, parts)));
  models
    .command("unload <name>")
    .description(t("unload a model"))
    .action(
      withApp(async (app, _, name) => {
        await app.unload(name, signal);
        terminal.note(t("{0} is unloaded.", name));
      }),
    );
}

function addClassifyCommand(program: Command, terminal: Terminal): void {
  const { t } = terminal;
  program
    .command("classify")
    .description(t("say which kind of task a text is, and why"))
    .argument("[text...]", t("the question; nothing reads standard input"))
    .action(async (words: string[], _: object, command: Command) => {
      const text = words.length > 0 ? words.join(" ") : (await readSource("-", terminal)).text;
      // With its weights, which no other command here needs.
      const { classify } = await import("../core/classify.ts");
      const result = classify({ text, sources: [], history: [] });
      const seen = result.evidence.map((each) => `  ${each.kind} +${each.points}: ${each.seen}`).join("\n");
      const head = `${result.kind} (${Math.round(result.confidence * 100)} %, ${result.language})`;
      printer(terminal)(command.optsWithGlobals<Flags>(), result, seen === "" ? head : `${head}\n${seen}`);
    });
}

/** What finds no memory now is loaded all the same, and said: who asks in a shell has asked for it. */
async function loadModel(app: App, name: string, { terminal, signal }: ProgramParts): Promise<void> {
  const fit = await app.fit(name, signal).catch(() => undefined);
  if (fit?.verdict === "not-now" || fit?.verdict === "too-large") terminal.note(fitText(fit, terminal));
  await app.load({ model: name }, signal);
  terminal.note(terminal.t("{0} is loaded.", name));
}

interface DeleteFlags extends Flags {
  readonly from?: readonly string[];
}

const more = (text: string, before: readonly string[] = []): readonly string[] => [...before, text];

function testedText(test: ToolTest | undefined, say: Terminal["say"]): readonly string[] {
  return test ? [say(toolTestName(test))] : [];
}

function describeModels(
  installed: readonly InstalledModel[],
  offers: readonly OfferedModel[],
  { t, say }: Terminal,
): string {
  return [
    ...modelPlaces(installed).map(({ model, servers }) => {
      const where = servers.map((server) => say(serverName(server))).join(", ");
      return [model.name, formatBytes(model.sizeBytes), where, ...testedText(model.toolTest, say)].join("  ");
    }),
    ...(installed.length === 0 ? [t("No model is installed, or no server answers: switchyard status")] : []),
    t("Can be had:"),
    ...offers.map((offer) =>
      `  ${offer.name}  ${formatBytes(offer.sizeBytes)}  ${offer.fits ? "" : t("does not fit this machine")}`.trimEnd(),
    ),
  ].join("\n");
}
