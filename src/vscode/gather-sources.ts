// What a command works on: selections, whole files, notebook cells, files chosen in the explorer.
import * as vscode from "vscode";
import { msg } from "../core/message.ts";
import type { Source } from "../core/task.ts";
import { TaskError } from "../core/task-error.ts";

/** More than any model reads; larger files are nearly always generated. */
const maxBytes = 10 * 1024 * 1024;

export type Wanted = "selection" | "selection-or-file" | "file";

/**
 * @param given what a menu hands over: the clicked file and all chosen ones
 * @throws TaskError `bad-input` that names the file and says what to do
 */
export async function gatherSources(wanted: Wanted, given: readonly unknown[] = []): Promise<readonly Source[]> {
  const uris = givenUris(given);
  const active = vscode.window.activeTextEditor;
  // A click in the editor's own menu hands over the editor's file: its selection counts. The explorer means files.
  const isOfExplorer = Array.isArray(given[1]);
  const isActive = !isOfExplorer && uris.length === 1 && uris[0]?.toString() === active?.document.uri.toString();
  if (uris.length > 0 && !isActive) return Promise.all(uris.map(readFile));
  if (active) return fromEditor(active, wanted);
  const notebook = vscode.window.activeNotebookEditor;
  if (notebook) return fromNotebook(notebook);
  const shown = wanted === "selection" ? undefined : shownFile();
  if (shown) return [await readFile(shown)];
  throw new TaskError("bad-input", msg("Open a file or select some text first."));
}

export function givenUris(given: readonly unknown[]): readonly vscode.Uri[] {
  const [clicked, all] = given;
  if (Array.isArray(all) && all.length > 0) return all.filter((each) => each instanceof vscode.Uri);
  return clicked instanceof vscode.Uri ? [clicked] : [];
}

/** What is too large or no text has a tab, but no text editor: reading it says which of both it is. */
function shownFile(): vscode.Uri | undefined {
  const input = vscode.window.tabGroups.activeTabGroup.activeTab?.input;
  return input instanceof vscode.TabInputText || input instanceof vscode.TabInputCustom ? input.uri : undefined;
}

function fromEditor(editor: vscode.TextEditor, wanted: Wanted): readonly Source[] {
  const { document } = editor;
  const selections = editor.selections.filter((selection) => !selection.isEmpty);
  if (wanted !== "file" && selections.length > 0) {
    return [...selections]
      .sort((a, b) => a.start.compareTo(b.start))
      .map((selection) => checked(fromRange(document, selection)));
  }
  if (wanted === "selection") throw new TaskError("bad-input", msg("Select the text first, then run this again."));
  return [checked(fromDocument(document))];
}

function fromNotebook(editor: vscode.NotebookEditor): readonly Source[] {
  const cells = editor.selections.flatMap((range) => editor.notebook.getCells(range));
  const filled = cells.filter((cell) => cell.document.getText().trim() !== "");
  if (filled.length === 0) throw new TaskError("bad-input", msg("Select a notebook cell that is not empty first."));
  return filled.map((cell) => checked(fromDocument(cell.document)));
}

export function fromRange(document: vscode.TextDocument, range: vscode.Range): Source {
  return {
    ...fromDocument(document),
    text: document.getText(range),
    startLine: range.start.line + 1,
    origin: "selection",
  };
}

function fromDocument(document: vscode.TextDocument): Source {
  const isCell = document.uri.scheme === "vscode-notebook-cell";
  return {
    uri: document.uri.toString(),
    label: labelOf(document.uri),
    text: document.getText(),
    languageId: document.languageId,
    startLine: 1,
    origin: isCell ? "notebook-cell" : "file",
  };
}

export function labelOf(uri: vscode.Uri): string {
  if (uri.scheme === "vscode-notebook-cell") {
    const notebook = vscode.workspace.notebookDocuments.find((each) => each.uri.path === uri.path);
    const index = notebook?.getCells().findIndex((cell) => cell.document.uri.toString() === uri.toString()) ?? -1;
    if (notebook && index >= 0)
      return vscode.l10n.t("{0}, cell {1}", vscode.workspace.asRelativePath(notebook.uri, false), index + 1);
  }
  return vscode.workspace.asRelativePath(uri.with({ fragment: "" }), false);
}

/** Reads a file through the editor, so that unsaved changes and virtual files count. */
export async function readFile(uri: vscode.Uri): Promise<Source> {
  const label = labelOf(uri);
  const size = await vscode.workspace.fs.stat(uri).then(
    (stat) => stat.size,
    () => 0,
  );
  if (size > maxBytes) throw tooLarge(label, size);
  let document: vscode.TextDocument;
  try {
    document = await vscode.workspace.openTextDocument(uri);
  } catch (cause) {
    throw new TaskError("bad-input", msg("{0} cannot be read as text. Choose a text file.", label), { cause });
  }
  return checked(fromDocument(document));
}

function checked(source: Source): Source {
  if (source.text.trim() === "") {
    throw new TaskError("bad-input", msg("{0} is empty. There is nothing to work on.", source.label));
  }
  if (source.text.length > maxBytes) throw tooLarge(source.label, source.text.length);
  if (source.text.slice(0, 8192).includes("\0")) {
    throw new TaskError("bad-input", msg("{0} is a binary file. Choose a text file.", source.label));
  }
  return source;
}

function tooLarge(label: string, bytes: number): TaskError {
  const megabytes = (bytes / 1024 / 1024).toFixed(1);
  return new TaskError(
    "bad-input",
    msg("{0} has {1} MB; 10 MB is the most. Select the part that matters and run this again.", label, megabytes),
  );
}
