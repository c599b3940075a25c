import * as vscode from "vscode";
import { nearestOffset } from "./place-of-text.ts";

/** Where a text stands now, nearest to where it was; undefined: nowhere. */
export function rangeOfText(
  document: vscode.TextDocument,
  text: string,
  was: vscode.Position,
): vscode.Range | undefined {
  const at = nearestOffset(document.getText(), text, document.offsetAt(was));
  return at === undefined ? undefined : rangeAt(document, at, text.length);
}

export function rangeAt(document: vscode.TextDocument, offset: number, length: number): vscode.Range {
  return new vscode.Range(document.positionAt(offset), document.positionAt(offset + length));
}
