// Commands about what leaves this machine and what is kept on it.
import * as vscode from "vscode";
import type { App } from "../core/app.ts";
import { exportLedger } from "../core/ledger-export.ts";
import { inform } from "./inform.ts";

/** Turns the switch for everything. A workspace that asks for it keeps it on. */
export async function toggleOffline(): Promise<void> {
  const configuration = vscode.workspace.getConfiguration("switchyard");
  const found = configuration.inspect<boolean>("offline");
  const isOn = found?.globalValue === true;
  await configuration.update("offline", !isOn, vscode.ConfigurationTarget.Global);
  if (isOn && (found?.workspaceValue || found?.workspaceFolderValue)) {
    inform(vscode.l10n.t("This workspace asks for Offline; it stays on here. Elsewhere it is off."));
    return;
  }
  const now = isOn
    ? vscode.l10n.t("Offline is off: what you allow may leave this machine")
    : vscode.l10n.t("Offline is on: nothing leaves this machine");
  vscode.window.setStatusBarMessage(now, 5_000);
}

export async function exportLedgerFile(app: App): Promise<void> {
  const entries = await app.ledger.list();
  if (entries.length === 0) {
    inform(vscode.l10n.t("Nothing has left this machine."));
    return;
  }
  const target = await vscode.window.showSaveDialog({
    title: vscode.l10n.t("Export What Left This Machine"),
    filters: { CSV: ["csv"], JSON: ["json"] },
    saveLabel: vscode.l10n.t("Export"),
  });
  if (!target) return;
  const form = target.path.toLowerCase().endsWith(".json") ? "json" : "csv";
  await vscode.workspace.fs.writeFile(target, new TextEncoder().encode(exportLedger(entries, form)));
  inform(vscode.l10n.t("{0} entries exported.", entries.length));
}

/** @returns whether it was done */
export async function forgetEverything(app: App): Promise<boolean> {
  const forget = vscode.l10n.t("Forget Everything");
  const chosen = await vscode.window.showWarningMessage(
    vscode.l10n.t(
      "Delete all conversations, translations that are not saved, kept answers and the record of what left this machine?",
    ),
    { modal: true, detail: vscode.l10n.t("This cannot be undone. Models and settings stay.") },
    forget,
  );
  if (chosen !== forget) return false;
  await app.forgetEverything();
  inform(vscode.l10n.t("Everything is forgotten."));
  return true;
}
