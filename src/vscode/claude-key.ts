// The key of Claude: in the editor's secret storage, else in the environment; never in settings.
import * as vscode from "vscode";
import type { App } from "../core/app.ts";
import { inform } from "./inform.ts";

const storageKey = "switchyard.claudeKey";

export async function readClaudeKey(secrets: vscode.SecretStorage): Promise<string | undefined> {
  return (await secrets.get(storageKey)) || process.env["ANTHROPIC_API_KEY"] || undefined;
}

/** Asks for the key, keeps it, and takes it back where Claude does not accept it. */
export async function setClaudeKey(secrets: vscode.SecretStorage, app: () => Promise<App>): Promise<void> {
  // It refuses at once where Offline is on: no key is typed in vain.
  const loaded = await app();
  if (loaded.settings().offline) await loaded.checkClaudeKey(AbortSignal.timeout(20_000));
  const key = await vscode.window.showInputBox({
    title: vscode.l10n.t("Set Claude API Key"),
    prompt: vscode.l10n.t(
      "It is kept in the secret storage of this editor. Nothing is sent to Claude without your consent.",
    ),
    placeHolder: "sk-ant-…",
    password: true,
    ignoreFocusOut: true,
    validateInput: (text) => (/\s/.test(text.trim()) ? vscode.l10n.t("A key has no blanks in it.") : undefined),
  });
  if (key === undefined || key.trim() === "") return;
  const before = await secrets.get(storageKey);
  await secrets.store(storageKey, key.trim());
  try {
    // In the status bar: the editor swallows a fourth notification within a second, and it could be the one that tells.
    await vscode.window.withProgress(
      { location: vscode.ProgressLocation.Window, title: vscode.l10n.t("Checking the key…") },
      () => loaded.checkClaudeKey(AbortSignal.timeout(20_000)),
    );
  } catch (error) {
    if (before) await secrets.store(storageKey, before);
    else await secrets.delete(storageKey);
    throw error;
  }
  inform(
    vscode.l10n.t(
      "Claude is connected. Complex reasoning is offered to it; you are asked each time before anything is sent.",
    ),
  );
}

export async function removeClaudeKey(secrets: vscode.SecretStorage): Promise<void> {
  await secrets.delete(storageKey);
  const text = process.env["ANTHROPIC_API_KEY"]
    ? vscode.l10n.t("The key is removed. The environment still has one in ANTHROPIC_API_KEY.")
    : vscode.l10n.t("The key is removed.");
  inform(text);
}
