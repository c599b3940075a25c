// Many documents translated in one go, each written beside its original.
import * as vscode from "vscode";
import type { App } from "../core/app.ts";
import { msg } from "../core/message.ts";
import type { AnswerLanguage } from "../core/task.ts";
import { isAbort, TaskError } from "../core/task-error.ts";
import { type DueTranslation, untranslated } from "../core/translation-batch.ts";
import { signalOf } from "./cancellation.ts";
import { type Chosen, chooseDocuments } from "./choose-documents.ts";
import { setContextKey } from "./context-keys.ts";
import { labelOf, readFile } from "./gather-sources.ts";
import { say } from "./say.ts";

interface Outcome {
  readonly due: DueTranslation;
  /** Why there is no translation of it; absent: there is one. */
  readonly failure?: string;
  /** What of it stayed as it was; absent: nothing. */
  readonly left?: string;
}

/** A server takes so many at a time; more would only wait there. */
const atOnce = 4;
/** @param given as the editor's menus hand it over */
export async function translateDocuments(
  app: App,
  log: vscode.LogOutputChannel,
  given: readonly unknown[],
): Promise<void> {
  const chosen = await chooseDocuments(given);
  if (chosen) await translateAll(app, log, chosen);
}

async function translateAll(app: App, log: vscode.LogOutputChannel, { due, target }: Chosen): Promise<void> {
  const outcomes = await vscode.window.withProgress(
    {
      location: vscode.ProgressLocation.Notification,
      title: vscode.l10n.t("Translating documents"),
      cancellable: true,
    },
    (progress, token) => runAll(app, due, target, progress, signalOf(token)),
  );
  const failed = outcomes.filter((each) => each.failure !== undefined);
  for (const each of failed) log.warn(`${labelOf(vscode.Uri.parse(each.due.document.path))}: ${each.failure}`);
  const written = new Set(outcomes.filter((each) => each.failure === undefined).map((each) => each.due));
  if (written.size > 0) setContextKey("hasTranslation", true);
  const partly = outcomes.filter((each) => each.left !== undefined);
  for (const each of partly) log.warn(`${labelOf(vscode.Uri.parse(each.due.document.path))}: ${each.left}`);
  const rest = due.filter((each) => !written.has(each));
  const summary = [
    vscode.l10n.t("{0} of {1} documents translated", written.size, due.length),
    ...(failed[0] ? [vscode.l10n.t("{0} failed ({1})", failed.length, failed[0].failure ?? "")] : []),
    ...(partly.length > 0 ? [vscode.l10n.t("{0} only in part ({1})", partly.length, leftText(partly))] : []),
    ...(outcomes.length < due.length ? [vscode.l10n.t("{0} not begun", due.length - outcomes.length)] : []),
  ].join(" · ");
  if (rest.length === 0) {
    if (partly.length > 0) void vscode.window.showWarningMessage(summary);
    else void vscode.window.showInformationMessage(summary);
    return;
  }
  const again = vscode.l10n.t("Translate the Rest");
  if ((await vscode.window.showWarningMessage(summary, again)) === again) {
    await translateAll(app, log, { due: rest, target });
  }
}

/** A notice holds so many files; the log has all. */
const shownFiles = 3;

function leftText(partly: readonly Outcome[]): string {
  const texts = partly
    .slice(0, shownFiles)
    .map(({ due, left }) => `${labelOf(vscode.Uri.parse(due.document.path))}: ${left}`);
  return texts.join(" ") + (partly.length > shownFiles ? " …" : "");
}

/** Those that were begun, in the order in which they ended; a failure does not stop the others. */
async function runAll(
  app: App,
  due: readonly DueTranslation[],
  target: AnswerLanguage,
  progress: vscode.Progress<{ message?: string; increment?: number }>,
  signal: AbortSignal,
): Promise<readonly Outcome[]> {
  const waiting = [...due];
  const outcomes: Outcome[] = [];
  const work = async () => {
    for (let next = waiting.shift(); next && !signal.aborted; next = waiting.shift()) {
      const outcome = await translateOne(app, next, target, signal);
      if (!outcome) return;
      outcomes.push(outcome);
      const label = labelOf(vscode.Uri.parse(next.document.path));
      progress.report({ message: `${outcomes.length}/${due.length} · ${label}`, increment: 100 / due.length });
    }
  };
  await Promise.all(Array.from({ length: Math.min(atOnce, due.length) }, work));
  return outcomes;
}

/** Undefined when the person stopped it: nothing was written then. */
async function translateOne(
  app: App,
  due: DueTranslation,
  target: AnswerLanguage,
  signal: AbortSignal,
): Promise<Outcome | undefined> {
  try {
    const source = await readFile(vscode.Uri.parse(due.document.path));
    const ask = { kind: "translate", text: "", sources: [source], history: [], targetLanguage: target } as const;
    let text = "";
    let finish = "";
    let tokens = 0;
    let left: string | undefined;
    for await (const event of app.run(ask, signal)) {
      if (event.kind === "text") text += event.text;
      if (event.kind === "notice" && event.failed === "form") left = say(event.text);
      if (event.kind !== "done") continue;
      finish = event.finish;
      tokens = event.stats.answerTokens;
    }
    if (finish !== "stop") return { due, failure: say(msg("The model ended before the text did.")) };
    // Where the model was asked and every part came back as it was, there is no translation to write.
    if (tokens > 0 && text === source.text) return { due, failure: say(untranslated) };
    await write(vscode.Uri.parse(due.targetPath), text);
    return { due, ...(left === undefined ? {} : { left }) };
  } catch (error) {
    if (isAbort(error)) return undefined;
    return { due, failure: error instanceof TaskError ? say(error.text) : String(error) };
  }
}

/** Whole or not at all. */
async function write(file: vscode.Uri, text: string): Promise<void> {
  const beside = file.with({ path: `${file.path}.tmp` });
  try {
    await vscode.workspace.fs.writeFile(beside, new TextEncoder().encode(text));
    await vscode.workspace.fs.rename(beside, file, { overwrite: true });
  } catch (cause) {
    throw new TaskError("storage", msg("{0} cannot be written: {1}", labelOf(file), String(cause)), { cause });
  }
}
