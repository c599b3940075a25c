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
  /** What was said of it on the way. */
  readonly notes: readonly string[];
}

/** A server takes so many at a time; more would only wait there. */
const atOnce = 4;
/** A dialog holds no more. */
const shownLines = 12;

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
  const written = new Set(outcomes.filter((each) => each.failure === undefined).map((each) => each.due));
  const noted = outcomes.filter((each) => written.has(each.due) && each.notes.length > 0);
  if (written.size > 0) setContextKey("hasTranslation", true);
  const rest = due.filter((each) => !written.has(each));
  const summary = [
    vscode.l10n.t("{0} of {1} documents translated", written.size, due.length),
    ...(failed.length > 0 ? [vscode.l10n.t("{0} failed", failed.length)] : []),
    ...(noted.length > 0 ? [vscode.l10n.t("{0} with remarks", noted.length)] : []),
    ...(outcomes.length < due.length ? [vscode.l10n.t("{0} not begun", due.length - outcomes.length)] : []),
  ].join(" · ");
  const lines = [...failed, ...noted].map(lineOf);
  for (const line of lines) log.warn(line);
  if (await isRestWanted(summary, lines, rest.length > 0)) await translateAll(app, log, { due: rest, target });
}

/** `docs/a.md: why, or what was said` */
function lineOf({ due, failure, notes }: Outcome): string {
  return `${labelOf(vscode.Uri.parse(due.document.path))}: ${[...(failure ? [failure] : []), ...notes].join(" ")}`;
}

/** The message is short and goes after a while; what it says of each document is shown until the person closes it. */
async function isRestWanted(summary: string, lines: readonly string[], hasRest: boolean): Promise<boolean> {
  const details = vscode.l10n.t("Details");
  const again = vscode.l10n.t("Translate the Rest");
  const rest = hasRest ? [again] : [];
  const show = hasRest || lines.length > 0 ? vscode.window.showWarningMessage : vscode.window.showInformationMessage;
  const chosen = await show(summary, ...rest, ...(lines.length > 0 ? [details] : []));
  if (chosen !== details) return chosen === again;
  const shown = lines.slice(0, shownLines);
  const more = lines.length - shown.length;
  const detail = [...shown, ...(more > 0 ? [vscode.l10n.t("{0} more are in the log.", more)] : [])].join("\n\n");
  return (await vscode.window.showWarningMessage(summary, { modal: true, detail }, ...rest)) === again;
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
    const notes: string[] = [];
    let tokens = 0;
    for await (const event of app.run(ask, signal)) {
      if (event.kind === "text") text += event.text;
      if (event.kind === "notice") notes.push(say(event.text));
      if (event.kind !== "done") continue;
      finish = event.finish;
      tokens = event.stats.answerTokens;
    }
    if (finish !== "stop") return { due, notes, failure: say(msg("The model ended before the text did.")) };
    // Where the model was asked and every part came back as it was, there is no translation to write.
    if (tokens > 0 && text === source.text) return { due, notes, failure: say(untranslated) };
    await write(vscode.Uri.parse(due.targetPath), text);
    return { due, notes };
  } catch (error) {
    if (isAbort(error)) return undefined;
    return { due, notes: [], failure: error instanceof TaskError ? say(error.text) : String(error) };
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
