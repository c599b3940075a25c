// Changes shown as a diff before anything is written: the proposed text is a document of its own.
import * as vscode from "vscode";
import { msg } from "../core/message.ts";
import { TaskError } from "../core/task-error.ts";
import { labelOf } from "./gather-sources.ts";
import { editorsOf, showDocument } from "./show-document.ts";

export const proposalScheme = "switchyard-proposal";

/** One text in place of another. */
export interface Change {
  readonly range: vscode.Range;
  readonly text: string;
}

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

  /** Shows what the document would be with all of the changes, in the group where it can be seen. */
  async propose(document: vscode.TextDocument, changes: readonly Change[]): Promise<void> {
    const proposed = changed(document, changes);
    const uri = document.uri.with({ scheme: proposalScheme, authority: "", query: String(++this.#last) });
    this.#proposals.set(uri.toString(), { original: document.uri, originalVersion: document.version, text: proposed });
    const proposal = await vscode.workspace.openTextDocument(uri);
    if (proposal.languageId !== document.languageId) {
      await vscode.languages.setTextDocumentLanguage(proposal, document.languageId);
    }
    const title = vscode.l10n.t("{0}: proposed change", labelOf(document.uri));
    const viewColumn = editorsOf(document.uri.toString())[0]?.viewColumn ?? vscode.ViewColumn.Active;
    await vscode.commands.executeCommand("vscode.diff", document.uri, uri, title, { preview: true, viewColumn });
  }

  /** @param given what a button hands over: the proposal it belongs to, which need not be the active one */
  async accept(given?: unknown): Promise<void> {
    const uri = this.#meant(given);
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
    await showDocument(document.uri);
  }

  /** Closes the diff and leaves the file as it is. */
  async reject(given?: unknown): Promise<void> {
    const uri = this.#meant(given);
    if (!uri) return;
    this.#proposals.delete(uri.toString());
    const tabs = vscode.window.tabGroups.all
      .flatMap((group) => group.tabs)
      .filter(({ input }) => input instanceof vscode.TabInputTextDiff && input.modified.toString() === uri.toString());
    await vscode.window.tabGroups.close(tabs);
  }

  #meant(given: unknown): vscode.Uri | undefined {
    return given instanceof vscode.Uri && this.#proposals.has(given.toString()) ? given : activeProposal();
  }
}

/** The last one first, so that those before it stay where they are. */
function changed(document: vscode.TextDocument, changes: readonly Change[]): string {
  return [...changes]
    .sort((a, b) => b.range.start.compareTo(a.range.start))
    .reduce(
      (text, { range, text: replacement }) =>
        text.slice(0, document.offsetAt(range.start)) + replacement + text.slice(document.offsetAt(range.end)),
      document.getText(),
    );
}

function activeProposal(): vscode.Uri | undefined {
  const input = vscode.window.tabGroups.activeTabGroup.activeTab?.input;
  if (input instanceof vscode.TabInputTextDiff && input.modified.scheme === proposalScheme) return input.modified;
  return undefined;
}
