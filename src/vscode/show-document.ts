import * as vscode from "vscode";

/** Where it can be seen already, else in the active group: nobody needs it twice. */
export function showDocument(
  document: vscode.Uri,
  options: vscode.TextDocumentShowOptions = {},
): Thenable<vscode.TextEditor> {
  const column = editorsOf(document.toString())[0]?.viewColumn;
  return vscode.window.showTextDocument(document, column === undefined ? options : { viewColumn: column, ...options });
}

/** Those it can be seen in, the active one first. */
export function editorsOf(uri: string): readonly vscode.TextEditor[] {
  const { activeTextEditor: active, visibleTextEditors } = vscode.window;
  const all = [...(active ? [active] : []), ...visibleTextEditors.filter((each) => each !== active)];
  return all.filter((each) => each.document.uri.toString() === uri);
}
