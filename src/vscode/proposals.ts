// Changes shown as a diff before anything is written: the proposed text is a document of its own.
import * as vscode from "vscode";
import { msg } from "../core/message.ts";
import { TaskError } from "../core/task-error.ts";
import { labelOf } from "./gather-sources.ts";

export const proposalScheme = "switchyard-proposal";

interface Proposal {
  readonly original: vscode.Uri;
  readonly originalVersion: number;
  readonly text: string;
}

export class Proposals implements vscode.TextDocumentContentProvider {
  readonly #proposals = new Map<string, Proposal>();
  #last = 0;

  provideTextDocumentContent(uri: vscode.Uri): string {
    return this.#proposals.get(uri.toString())?.text ?? "";
  }

  /** Shows what the document would be with `replacement` in place of `range`. */
  async propose(document: vscode.TextDocument, range: vscode.Range, replacement: string): Promise<void> {
    const text = document.getText();
    const proposed =
      text.slice(0, document.offsetAt(range.start)) + replacement + text.slice(document.offsetAt(range.end));
    const uri = document.uri.with({ scheme: proposalScheme, authority: "", query: String(++this.#last) });
    this.#proposals.set(uri.toString(), { original: document.uri, originalVersion: document.version, text: proposed });
    const proposal = await vscode.workspace.openTextDocument(uri);
    if (proposal.languageId !== document.languageId) {
      await vscode.languages.setTextDocumentLanguage(proposal, document.languageId);
    }
    const title = vscode.l10n.t("{0}: proposed change", labelOf(document.uri));
    await vscode.commands.executeCommand("vscode.diff", document.uri, uri, title, { preview: true });
  }

  /** In the editor that is open: the selection, else the whole file where it looks like one, else at the cursor. */
  async proposeForEditor(code: string): Promise<void> {
    const editor = vscode.window.activeTextEditor ?? vscode.window.visibleTextEditors[0];
    if (!editor) throw new TaskError("bad-input", msg("Open the file to change first."));
    const { document, selection } = editor;
    const range = selection.isEmpty ? likelyRange(document, code, selection.active) : selection;
    const ending = document.getText(range).endsWith("\n") && !code.endsWith("\n") ? "\n" : "";
    await this.propose(document, range, code + ending);
  }

  async accept(uri = activeProposal()): Promise<void> {
    const proposal = uri && this.#proposals.get(uri.toString());
    if (!uri || !proposal) return;
    const document = await vscode.workspace.openTextDocument(proposal.original);
    if (document.version !== proposal.originalVersion) {
      throw new TaskError("bad-input", msg("The file has changed since; ask for the change again."));
    }
    const edit = new vscode.WorkspaceEdit();
    const end = document.lineAt(document.lineCount - 1).range.end;
    edit.replace(document.uri, new vscode.Range(new vscode.Position(0, 0), end), proposal.text);
    await this.reject(uri);
    await vscode.workspace.applyEdit(edit);
    await vscode.window.showTextDocument(document);
  }

  /** Closes the diff and leaves the file as it is. */
  async reject(uri = activeProposal()): Promise<void> {
    if (!uri) return;
    this.#proposals.delete(uri.toString());
    const tabs = vscode.window.tabGroups.all
      .flatMap((group) => group.tabs)
      .filter(({ input }) => input instanceof vscode.TabInputTextDiff && input.modified.toString() === uri.toString());
    await vscode.window.tabGroups.close(tabs);
  }
}

function activeProposal(): vscode.Uri | undefined {
  const input = vscode.window.tabGroups.activeTabGroup.activeTab?.input;
  if (input instanceof vscode.TabInputTextDiff && input.modified.scheme === proposalScheme) return input.modified;
  return undefined;
}

/** Code that begins and ends like a part of the file replaces that part. */
function likelyRange(document: vscode.TextDocument, code: string, cursor: vscode.Position): vscode.Range {
  const lines = code.split(/\r?\n/).filter((line) => line.trim() !== "");
  const first = lines[0]?.trim();
  const last = lines.at(-1)?.trim();
  if (!first || !last) return new vscode.Range(cursor, cursor);
  const all = document.getText().split(/\r?\n/);
  const start = all.findIndex((line) => line.trim() === first);
  const end = all.findIndex((line, index) => index >= start && line.trim() === last);
  if (start < 0 || end < 0) return new vscode.Range(cursor, cursor);
  return new vscode.Range(start, 0, end, all[end]?.length ?? 0);
}
