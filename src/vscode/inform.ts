import * as vscode from "vscode";
import { fitsOneLine } from "../core/one-line.ts";

/** A message without buttons is folded into one line: what is longer gets one, and is shown whole. */
export function inform(
  text: string,
  show: typeof vscode.window.showWarningMessage = vscode.window.showInformationMessage,
) {
  if (fitsOneLine(text)) void show(text);
  else void show(text, vscode.l10n.t("OK"));
}
