// What would change in the files of another program, beside what they are now; the token is in none of it.
import * as vscode from "vscode";
import type { FileChange } from "../clients/connect.ts";

export const setupScheme = "switchyard-setup";

export interface SetupDiffs extends vscode.TextDocumentContentProvider {
  /** Shows the changes. @param yes what the button says @returns whether to make them */
  ask(title: string, changes: readonly FileChange[], token: string, yes: string): Promise<boolean>;
}

export function createSetupDiffs(): SetupDiffs {
  const shown = new Map<string, string>();
  return {
    provideTextDocumentContent: (uri) => shown.get(uri.toString()) ?? "",
    async ask(title, changes, token, yes) {
      const { maskToken } = await import("../clients/show-diff.ts");
      const side = (path: string, name: string, text: string | undefined) => {
        const uri = vscode.Uri.file(path).with({ scheme: setupScheme, query: `${name}-${shown.size}` });
        shown.set(uri.toString(), maskToken(text ?? "", token));
        return uri;
      };
      const rows = changes.map(({ path, before, after }) => {
        const changed = side(path, "after", after);
        return [changed, side(path, "before", before), changed];
      });
      await vscode.commands.executeCommand("vscode.changes", title, rows);
      const isWanted = await confirm(title, rows.length, yes);
      await close(title);
      shown.clear();
      return isWanted;
    },
  };
}

async function confirm(title: string, files: number, yes: string): Promise<boolean> {
  const placeHolder = vscode.l10n.t(
    "{0}. Files that change: {1}. The token is not shown here; in the files only you can read it.",
    title,
    files,
  );
  // A notification would hide itself while the person reads.
  const options = { title, placeHolder, ignoreFocusOut: true };
  return (await vscode.window.showQuickPick([yes, vscode.l10n.t("Cancel")], options)) === yes;
}

async function close(title: string): Promise<void> {
  const tabs = vscode.window.tabGroups.all.flatMap((group) => group.tabs).filter((tab) => tab.label.startsWith(title));
  await vscode.window.tabGroups.close(tabs);
}
