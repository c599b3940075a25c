// The commands and their options.
import { relative } from "node:path";
import { Command } from "commander";
import { isAlreadyIn } from "../core/already-in.ts";
import type { Finding, Severity } from "../core/finding.ts";
import type { AnswerLanguage, Ask, Source, TaskKind } from "../core/task.ts";
import { TaskError } from "../core/task-error.ts";
import { isTranslationOfOne, untranslated } from "../core/translation-batch.ts";
import { translationTarget } from "../core/translation-target.ts";
import { addAdviceCommand } from "./advice-command.ts";
import type { ChangesWish } from "./changed-files.ts";
import { addConnectCommand } from "./connect-command.ts";
import { addContainerCommands } from "./container-commands.ts";
import { changesNamed, filesNamed, forEachJob, type Job } from "./each-job.ts";
import type { Flags, ProgramParts } from "./flags.ts";
import { addHelpCommand, speak } from "./help-texts.ts";
import { addMcpCommand } from "./mcp-command.ts";
import { addModelCommands } from "./model-commands.ts";
import { language, severities, severity, taskKind, temperature, whole } from "./parse-flags.ts";
import { addPrivacyCommands } from "./privacy-commands.ts";
import { expandNames, readSource } from "./read-files.ts";
import { readPicture } from "./read-picture.ts";
import { type OutputForm, runTask, type TaskResult } from "./run-task.ts";
import { addServeCommand } from "./serve-command.ts";
import { addSetupCommand } from "./setup-command.ts";
import { addStatusCommand } from "./status-command.ts";
import type { Terminal } from "./terminal.ts";
import { checkTarget, leaveAsItIs, writeTranslation } from "./translate-files.ts";

export function createProgram(parts: ProgramParts): Command {
  const { t } = parts.terminal;
  const program = new Command("switchyard")
    .description(t("Review, explain, translate and write with models on your own machine."))
    .version(parts.version, "-V, --version", t("print the version"))
    .option("--model <tag>", t("use this model, past all routing"))
    .option("--lang <language>", t("language to answer in: en or zh-CN"), language)
    .option("--max-tokens <n>", t("upper bound of tokens to generate"), whole)
    .option("--temperature <n>", t("sampling temperature, 0 to 2"), temperature)
    .option("--json", t("print one JSON object a task"))
    .option("--stream-json", t("print every event as a line of JSON"))
    .option("--config <file>", t("settings file; otherwise {0}", parts.configFile))
    .option("--allow-cloud", t("let this run send to Claude, within the budgets; secrets are masked"))
    .option("--offline", t("let nothing leave this machine"))
    .option("--fresh", t("ask the model even where the answer is known"))
    .option("--quiet", t("print nothing but the answer"))
    .addHelpText(
      "after",
      `\n${t("Exit codes: 0 done, 1 failed or done in part, 2 bad input, 3 no model or server, 4 the text does not fit, 5 it may not leave this machine, 10 findings with --fail-on, 130 cancelled. Of several files: the code of those that failed where it is the same for all, else 1.")}`,
    )
    .exitOverride((error) => process.exit(error.exitCode === 0 ? 0 : 2));
  speak(program, parts.terminal);
  addTaskCommands(program, parts);
  addStatusCommand(program, parts);
  addModelCommands(program, parts);
  addAdviceCommand(program, parts);
  addPrivacyCommands(program, parts);
  addContainerCommands(program, parts);
  addSetupCommand(program, parts);
  addMcpCommand(program, parts);
  addServeCommand(program, parts);
  addConnectCommand(program, parts);
  addHelpCommand(program, parts.terminal);
  return program;
}

function addTaskCommands(program: Command, parts: ProgramParts): void {
  const { t } = parts.terminal;
  program
    .command("review")
    .description(t("review files for defects"))
    .argument("[files...]", t("files or patterns; - or nothing reads standard input"))
    .option(
      "--fail-on <severity>",
      t("exit with 10 when there is such a finding: problem, suggestion or style"),
      severity,
    )
    .option("--changes", t("only what changed since the last commit, new files too; names are paths to look in"))
    .option("--staged", t("only what is staged for the next commit"))
    .option("--since <commit>", t("only what changed since this commit or branch"))
    .action(async (names: string[], { failOn, ...wish }: ReviewFlags, command: Command) => {
      const isOfChanges = wish.changes === true || wish.staged === true || wish.since !== undefined;
      const jobs = await (isOfChanges ? changesNamed(parts, names, wish) : filesNamed(parts, names));
      if (jobs.length === 0) return;
      const results = await eachJob(parts, command, jobs, "review");
      if (failOn === undefined) return;
      const counts = (finding: Finding) => severities.indexOf(finding.severity) <= severities.indexOf(failOn);
      if (results.some((result) => result.findings.some(counts))) process.exitCode = 10;
    });
  for (const [kind, description] of [
    ["explain", t("explain files")],
    ["document", t("write documentation comments for files")],
  ] as const) {
    program
      .command(kind)
      .description(description)
      .argument("[files...]", t("files or patterns; - or nothing reads standard input"))
      .action(
        async (names: string[], _: object, command: Command) =>
          void (await eachJob(parts, command, await filesNamed(parts, names), kind)),
      );
  }
  program
    .command("translate")
    .description(t("translate files; the translation is written beside the source"))
    .argument("[files...]", t("files or patterns; - or nothing reads standard input"))
    .option("--to <language>", t("en or zh-CN; otherwise the other one of the two"), language)
    .option("--stdout", t("print the translation instead of writing it"))
    .option("--force", t("replace translations that are there; translate also what is in that language already"))
    .action((names: string[], own: TranslateFlags, command: Command) => translateFiles(parts, command, names, own));
  addAskCommand(program, parts);
}

function addAskCommand(program: Command, parts: ProgramParts): void {
  const { t } = parts.terminal;
  program
    .command("ask")
    .description(t("ask anything; the kind of task is recognised"))
    .argument("[text...]", t("the question; nothing reads standard input"))
    .option("--task <type>", t("state the kind of task: a kind, or code, translation, creative or general"), taskKind)
    .option("--file <files...>", t("files the question is about, or patterns; - reads standard input"))
    .option("--image <files...>", t("pictures the question is about"))
    .action(async (words: string[], own: AskFlags, command: Command) => {
      const files = await expandNames(own.file ?? []);
      const isPiped = words.length === 0 && files.length === 0;
      const sources = await Promise.all([
        ...files.map((name) => readSource(name, parts.terminal)),
        ...(own.image ?? []).map((name) => readPicture(name, words.length === 0)),
      ]);
      const piped = isPiped ? await readSource("-", parts.terminal) : undefined;
      const said = piped ? { text: piped.text, textUri: piped.uri } : { text: words.join(" ") };
      const flags = command.optsWithGlobals<Flags>();
      const stated = own.task ? { kind: own.task } : {};
      const ask = { ...askOf(flags), ...stated, ...said, sources, history: [] };
      const { isMalformed } = await runTask(
        await parts.openApp(flags),
        ask,
        formOf(flags),
        parts.terminal,
        parts.signal,
      );
      if (isMalformed) process.exitCode = 1;
    });
}

interface ReviewFlags extends ChangesWish {
  readonly failOn?: Severity;
}

interface AskFlags {
  readonly task?: TaskKind;
  readonly file?: readonly string[];
  readonly image?: readonly string[];
}

/** Runs the task on each file; one that cannot be read or worked on does not stop the others. */
async function eachJob(parts: ProgramParts, command: Command, jobs: readonly Job[], kind: TaskKind) {
  const flags = command.optsWithGlobals<Flags>();
  const app = await parts.openApp(flags);
  return forEachJob(parts, jobs, async (sources, { label }) => {
    if (jobs.length > 1 && formOf(flags) === "text") parts.terminal.write(`\n## ${label}\n\n`);
    const ask: Ask = { ...askOf(flags), kind, text: "", sources, history: [] };
    return runTask(app, ask, formOf(flags), parts.terminal, parts.signal);
  });
}

interface TranslateFlags {
  readonly to?: AnswerLanguage;
  readonly stdout?: boolean;
  readonly force?: boolean;
}

async function translateFiles(parts: ProgramParts, command: Command, names: readonly string[], own: TranslateFlags) {
  const { terminal } = parts;
  const flags = command.optsWithGlobals<Flags>();
  const app = await parts.openApp(flags);
  const one = async ([source]: readonly [Source, ...Source[]]): Promise<TaskResult> => {
    const isPrinted = own.stdout || source.origin === "stdin" || flags.json || flags.streamJson;
    if (own.to && !own.force && isAlreadyIn(source, own.to)) {
      return leaveAsItIs(source, own.to, isPrinted ? formOf(flags) : undefined, terminal);
    }
    const base: Ask = { ...askOf(flags), kind: "translate", text: "", sources: [source], history: [] };
    const ask = own.to ? { ...base, targetLanguage: own.to } : base;
    if (isPrinted) return refuseUntranslated(await runTask(app, ask, formOf(flags), terminal, parts.signal), source);
    const language = own.to ?? translationTarget(source);
    const target = await checkTarget(source, language, own.force ?? false);
    const result = await runTask(app, { ...ask, targetLanguage: language }, "text", terminal, parts.signal, false);
    await writeTranslation(target, refuseUntranslated(result, source).text);
    terminal.write(`${relative(process.cwd(), target) || target}\n`);
    return result;
  };
  await forEachJob(parts, await filesNamed(parts, names, (found) => withoutTranslations(found, terminal)), one);
}

function refuseUntranslated(result: TaskResult, source: Source): TaskResult {
  if (result.answerTokens > 0 && result.text === source.text) throw new TaskError("bad-response", untranslated);
  return result;
}

/** `docs/*.md` also matches what an earlier run has written there. */
function withoutTranslations(found: readonly string[], { note, t }: Terminal): readonly string[] {
  const all = new Set(found);
  const left = found.filter((name) => isTranslationOfOne(name, all));
  for (const name of left) note(t("Left out, for it is a translation: {0}", name));
  return found.filter((name) => !left.includes(name));
}

function askOf(flags: Flags): Pick<Ask, "model" | "answerLanguage" | "maxTokens" | "sampling" | "isFresh"> {
  return {
    ...(flags.model ? { model: flags.model } : {}),
    ...(flags.lang ? { answerLanguage: flags.lang } : {}),
    ...(flags.maxTokens ? { maxTokens: flags.maxTokens } : {}),
    ...(flags.fresh ? { isFresh: true } : {}),
    ...(flags.temperature === undefined ? {} : { sampling: { temperature: flags.temperature } }),
  };
}

function formOf(flags: Flags): OutputForm {
  if (flags.streamJson) return "stream-json";
  return flags.json ? "json" : "text";
}
