// Getting models from a shell: the same downloads that the windows of the editor see.
import type { Command } from "commander";
import type { App } from "../core/app.ts";
import type { PullProgress } from "../core/backend.ts";
import { isListed } from "../core/catalogue.ts";
import type { Download } from "../core/downloads.ts";
import type { Fit } from "../core/fit.ts";
import { formatBytes } from "../core/format-bytes.ts";
import { msg } from "../core/message.ts";
import { percentOf, progressParts, stepText } from "../core/progress-text.ts";
import { isAbort, TaskError } from "../core/task-error.ts";
import type { Flags, ProgramParts } from "./flags.ts";
import { printer } from "./printer.ts";
import type { Terminal } from "./terminal.ts";

type WithApp = (
  work: (app: App, flags: Flags, name: string) => Promise<void>,
) => (...given: unknown[]) => Promise<void>;

interface PullFlags extends Flags {
  readonly force?: boolean;
}

export function addDownloadCommands(models: Command, parts: ProgramParts, withApp: WithApp): void {
  const { terminal, signal } = parts;
  const { t } = terminal;
  const print = printer(terminal);
  models
    .command("pull <name>")
    .description(t("get a model; a broken download goes on where it stopped"))
    .option("--force", t("also where it does not fit this machine"))
    .action(withApp((app, flags: PullFlags, name) => pullModel(app, flags, name, parts)));
  models
    .command("fit <name>")
    .description(t("say whether a model would run here, and how that is reckoned"))
    .action(
      withApp(async (app, flags, name) => {
        const fit = await app.fit(name, signal);
        if (!fit) throw unknownSize(name);
        print(flags, fit, fitText(fit, terminal));
        if (fit.verdict !== "fits" && fit.verdict !== "slow") process.exitCode = 1;
      }),
    );
  models
    .command("downloads")
    .description(t("show what is being got, by whatever window or shell"))
    .action(
      withApp(async (app, flags) => {
        const list = await app.downloads.list();
        print(flags, list, list.map((each) => downloadText(each, terminal)).join("\n") || t("Nothing is being got."));
      }),
    );
  models
    .command("pause <name>")
    .description(t("pause a download; what arrived is kept"))
    .action(
      withApp(async (app, _, name) => {
        await known(app, name, () => app.downloads.pause(name));
        terminal.note(t("{0} is paused. To go on: switchyard models pull {0}", name));
      }),
    );
  models
    .command("cancel <name>")
    .description(t("cancel a download and throw away what arrived"))
    .action(
      withApp(async (app, _, name) => {
        await known(app, name, () => app.downloads.cancel(name, signal));
        terminal.note(t("The download of {0} is cancelled.", name));
      }),
    );
}

/** @throws TaskError `bad-input` where nothing of that name is being got */
async function known(app: App, name: string, work: () => Promise<void>): Promise<void> {
  if (!(await app.downloads.list()).some(({ model }) => model === name)) {
    throw new TaskError("bad-input", msg("{0} is not being got. What is: switchyard models downloads", name));
  }
  await work();
}

export async function pullModel(
  app: App,
  flags: PullFlags,
  name: string,
  { terminal, signal }: ProgramParts,
): Promise<void> {
  const fit = await app.fit(name, signal);
  // Of a name that is on no list the size is a guess: there may be no such model.
  let untold = flags.json ? undefined : fit;
  const tellFit = () => {
    if (untold) terminal.note(fitText(untold, terminal));
    untold = undefined;
  };
  if (isListed(name)) tellFit();
  if (fit && !flags.force && ["too-large", "no-disk", "too-old"].includes(fit.verdict)) {
    tellFit();
    throw new TaskError("bad-input", msg("{0} Say --force to get it nevertheless.", fit.says));
  }
  let shown = "";
  try {
    for await (const progress of app.pull(name, signal)) {
      if (progress.totalBytes) tellFit();
      if (progress.warning && !flags.json) terminal.note(terminal.say(progress.warning));
      if (flags.json) terminal.writeJson(progress);
      else shown = show(progress, shown, terminal);
    }
  } catch (error) {
    // Here, or in another window or shell.
    if (isAbort(error) || signal.aborted) await tellPaused(app, name, terminal);
    throw error;
  }
  if (!flags.json) terminal.note(terminal.t("{0} is ready.", name));
}

async function tellPaused(app: App, name: string, { note, t }: Terminal): Promise<void> {
  const isKept = (await app.downloads.list()).some(({ model, state }) => model === name && state === "paused");
  if (isKept) note(t("{0} is paused. To go on: switchyard models pull {0}", name));
}

/** On a terminal one line that changes; elsewhere a line for every tenth. @returns what is shown now */
function show(progress: PullProgress, shown: string, { note, progress: draw, say }: Terminal): string {
  const percent = percentOf(progress);
  if (percent === undefined) {
    if (progress.status !== shown) note(stepText(progress.status, say));
    return progress.status;
  }
  const text = `${Math.floor(percent)} % · ${progressParts(progress).map(say).join(" · ")}`;
  draw(text);
  const tenth = `${Math.floor(percent / 10)}`;
  if (!process.stderr.isTTY && tenth !== shown) note(text);
  else if (process.stderr.isTTY && percent >= 100 && shown !== tenth) note(text);
  return tenth;
}

export function fitText(fit: Fit, { say }: Terminal): string {
  return [say(fit.says), ...fit.lines.map((line) => `  ${say(line)}`)].join("\n");
}

function downloadText(download: Download, { t, say }: Terminal): string {
  const names = {
    running: t("downloading"),
    paused: t("paused"),
    failed: t("failed"),
    interrupted: t("interrupted"),
  };
  const parts = [...progressParts(download).map(say), ...(download.error ? [say(download.error)] : [])];
  const size = download.totalBytes ? "" : ` ${formatBytes(download.completedBytes ?? 0)}`;
  return `${download.model}  ${names[download.state]}  ${parts.join(" · ") || size.trim()}`.trimEnd();
}

function unknownSize(name: string): TaskError {
  return new TaskError("bad-input", msg("How large {0} is becomes known only when its download begins.", name));
}
