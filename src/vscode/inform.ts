import * as vscode from "vscode";
import { fitsOneLine } from "../core/one-line.ts";

/** A message without buttons is folded into one line: what is longer gets one, and is shown whole. */
export function inform(
  text: string,
  show: typeof vscode.window.showWarningMessage = vscode.window.showInformationMessage,
): void {
  void show(text, ...unfolding(text));
}

/** The button that a message gets which has no other. */
export const unfolding = (text: string): readonly string[] => (fitsOneLine(text) ? [] : [vscode.l10n.t("OK")]);
