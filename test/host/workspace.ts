import assert from "node:assert/strict";
import * as vscode from "vscode";

/** Opens a file of the sample workspace in the first column. */
export async function openFile(path: string): Promise<vscode.TextEditor> {
  const folder = vscode.workspace.workspaceFolders?.[0]?.uri;
  assert.ok(folder, "a workspace is open");
  return vscode.window.showTextDocument(vscode.Uri.joinPath(folder, path), { viewColumn: vscode.ViewColumn.One });
}

/** Waits until it holds. @param mayEnd whether running out of time is no failure */
export async function until(holds: () => boolean | Promise<boolean>, limitMs = 60_000, mayEnd = false): Promise<void> {
  const endMs = Date.now() + limitMs;
  while (!(await holds())) {
    if (Date.now() > endMs) {
      if (mayEnd) return;
      throw new Error(`It did not happen in ${limitMs} ms: ${holds}`);
    }
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}
