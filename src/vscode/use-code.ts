// Code of an answer, put where it was asked about.
import * as vscode from "vscode";
import { msg } from "../core/message.ts";
import { TaskError } from "../core/task-error.ts";
import { type About, chooseEditor } from "./asked-place.ts";
import { hasPictureName } from "./gather-attachments.ts";
import { linesLike } from "./place-of-text.ts";
import type { Proposals } from "./proposals.ts";
import { rangeOfText } from "./range-of-text.ts";
import { editorsOf } from "./show-document.ts";

interface Place {
  readonly document: vscode.TextDocument;
  readonly range: vscode.Range;
  /** Whether the code begins and ends like what stands there. */
  readonly isLike: boolean;
  readonly label: string;
}

/** At every cursor, in place of what is selected, as when it is pasted. */
export async function insertCode(code: string, { askedIn }: About): Promise<void> {
  const editor = await chooseEditor(askedIn, vscode.l10n.t("Insert where?"));
  if (!editor) {
    if (!askedIn) void vscode.window.showWarningMessage(vscode.l10n.t("Open the file to insert into first."));
    return;
  }
  const isWritten = await editor.edit((edit) => {
    for (const selection of editor.selections) edit.replace(selection, code);
  });
  if (!isWritten) void vscode.window.showWarningMessage(vscode.l10n.t("This editor takes no text: it is read-only."));
  await vscode.window.showTextDocument(editor.document, editor.viewColumn);
}

/**
 * As a change of what was asked about; where that was nothing, of the editor in which it was asked.
 * @throws TaskError `bad-input` when what was asked about is gone
 */
export async function proposeCode(code: string, about: About, proposals: Proposals): Promise<void> {
  const place = about.sources.some(isText) ? await chooseSource(code, about) : await placeInEditor(code, about);
  if (!place) return;
  const { document, range } = place;
  const ending = document.getText(range).endsWith("\n") && !code.endsWith("\n") ? "\n" : "";
  await proposals.propose(document, [{ range, text: code + ending }]);
}

type AboutSource = About["sources"][number];

const isText = ({ uri }: AboutSource) => !hasPictureName(vscode.Uri.parse(uri));

/** Of several the one that the code is like, else the one that the person says. */
async function chooseSource(code: string, { sources }: About): Promise<Place | undefined> {
  const found = await Promise.all(sources.filter(isText).map((source) => placeOf(code, source).catch(() => undefined)));
  const places = found.filter((each) => each !== undefined);
  if (places.length === 0) {
    throw new TaskError("bad-input", msg("The code this answer is about has changed or is gone; ask again."));
  }
  const alike = places.filter(({ isLike }) => isLike);
  const [only, ...others] = alike.length > 0 ? alike : places;
  if (others.length === 0) return only;
  const items = places.map((place) => ({ label: place.label, place }));
  return (await vscode.window.showQuickPick(items, { title: vscode.l10n.t("Change which part?") }))?.place;
}

/** Undefined where its text is not there any more. */
async function placeOf(code: string, source: AboutSource): Promise<Place | undefined> {
  const document = await vscode.workspace.openTextDocument(vscode.Uri.parse(source.uri));
  const { startLine, endLine, text } = source;
  if (startLine === undefined || endLine === undefined) {
    const whole = document.validateRange(new vscode.Range(0, 0, document.lineCount, 0));
    const cursor = editorsOf(source.uri)[0]?.selection.active ?? whole.end;
    return like(document, code, whole, source.label, new vscode.Range(cursor, cursor));
  }
  const lines = document.validateRange(new vscode.Range(startLine - 1, 0, endLine - 1, Number.MAX_SAFE_INTEGER));
  const range = text === undefined ? lines : rangeOfText(document, text, lines.start);
  if (!range) return undefined;
  const label = vscode.l10n.t("{0}, lines {1} to {2}", source.label, range.start.line + 1, range.end.line + 1);
  return like(document, code, range, label, range);
}

/** The part of a range that the code is like; where there is none, `otherwise`. */
function like(
  document: vscode.TextDocument,
  code: string,
  within: vscode.Range,
  label: string,
  otherwise: vscode.Range,
): Place {
  const lines = document.getText().split(/\r?\n/);
  const found = linesLike(lines, code, { first: within.start.line, last: within.end.line });
  const range = found && new vscode.Range(found.first, 0, found.last, lines[found.last]?.length ?? 0);
  return { document, range: range ?? otherwise, isLike: range !== undefined, label };
}

/** The selection, else what the code is like, else the cursor. */
async function placeInEditor(code: string, { askedIn }: About): Promise<Place | undefined> {
  const editor = await chooseEditor(askedIn, vscode.l10n.t("Change which file?"));
  if (!editor) {
    if (!askedIn) throw new TaskError("bad-input", msg("Open the file to change first."));
    return undefined;
  }
  const { document, selection } = editor;
  if (!selection.isEmpty) return { document, range: selection, isLike: false, label: "" };
  return like(document, code, document.validateRange(new vscode.Range(0, 0, document.lineCount, 0)), "", selection);
}
