// Where a finished translation goes: beside its original, or in its place.
import * as vscode from "vscode";
import { msg } from "../core/message.ts";
import type { AnswerLanguage, Source } from "../core/task.ts";
import { TaskError } from "../core/task-error.ts";
import { translatedPath } from "../core/translation-batch.ts";
import { offsetsOf } from "./place-of-text.ts";
import { rangeAt } from "./range-of-text.ts";
import { showDocument } from "./show-document.ts";

export interface Translated {
  readonly source: Source;
  readonly original: vscode.Uri;
  /** Where the source stood in its file; absent: it is all of it. */
  readonly range?: vscode.Range;
  readonly target: AnswerLanguage;
  readonly text: string;
  readonly state: "running" | "done" | "incomplete";
}

/** Writes `NAME.zh-CN.md` or `NAME.en.md`; what is there already is asked about. */
export async function saveBeside(translation: Translated): Promise<void> {
  const { original, target, text } = translation;
  const beside = original.with({ path: translatedPath(original.path, target) });
  const canWrite = vscode.workspace.fs.isWritableFileSystem(original.scheme);
  const file = canWrite ? beside : await vscode.window.showSaveDialog(proposed(beside));
  if (!file || !(await mayWrite(file, translation))) return;
  try {
    await vscode.workspace.fs.writeFile(file, new TextEncoder().encode(text));
  } catch (cause) {
    throw new TaskError("storage", msg("{0} cannot be written: {1}", file.path, String(cause)), { cause });
  }
  await vscode.window.showTextDocument(file);
}

async function mayWrite(file: vscode.Uri, { state }: Translated): Promise<boolean> {
  const exists = await vscode.workspace.fs.stat(file).then(
    () => true,
    () => false,
  );
  if (!exists && state === "done") return true;
  const question = exists
    ? vscode.l10n.t("{0} is there already. Replace it?", vscode.workspace.asRelativePath(file))
    : vscode.l10n.t("The translation is incomplete. Save it all the same?");
  const yes = exists ? vscode.l10n.t("Replace") : vscode.l10n.t("Save");
  return (await vscode.window.showWarningMessage(question, { modal: true }, yes)) === yes;
}

/** One step that can be undone. */
export async function replaceOriginal(translation: Translated): Promise<void> {
  const { original, text, state } = translation;
  const document = await vscode.workspace.openTextDocument(original);
  const range = rangeNow(document, translation);
  if (!range) throw new TaskError("bad-input", msg("The original has changed since; translate it again."));
  if (state !== "done") throw new TaskError("bad-input", msg("The translation is incomplete; translate it again."));
  const edit = new vscode.WorkspaceEdit();
  edit.replace(original, range, text);
  await vscode.workspace.applyEdit(edit);
  await showDocument(original);
}

/**
 * Where the original stands now; undefined: it has changed. What was changed elsewhere in its file, such as by the
 * translation of another selection, is no matter where it can be told apart.
 */
function rangeNow(document: vscode.TextDocument, { source, range }: Translated): vscode.Range | undefined {
  const whole = document.getText();
  if (!range) {
    const end = document.positionAt(whole.length);
    return whole === source.text ? new vscode.Range(new vscode.Position(0, 0), end) : undefined;
  }
  if (document.getText(range) === source.text) return range;
  const [at, ...others] = offsetsOf(whole, source.text);
  if (at === undefined || others.length > 0) return undefined;
  return rangeAt(document, at, source.text.length);
}

/** Where an original lies in no folder, its translation is offered a place in the open one. */
function proposed({ path }: vscode.Uri): vscode.SaveDialogOptions {
  const folder = vscode.workspace.workspaceFolders?.[0]?.uri;
  const name = path.split("/").at(-1) ?? "";
  const title = vscode.l10n.t("Save the translation");
  return folder ? { title, defaultUri: vscode.Uri.joinPath(folder, name) } : { title };
}
