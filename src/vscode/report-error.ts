// The one place that shows an error.
import * as vscode from "vscode";
import { errorText, withoutCredentials } from "../core/addresses.ts";
import { withoutLinks } from "../core/hidden-characters.ts";
import { reasonOf } from "../core/reason-of.ts";
import { isAbort, TaskError } from "../core/task-error.ts";
import { unfolding } from "./inform.ts";
import { say } from "./say.ts";

/** Shows what went wrong with what can be done about it. Cancelling is no error and shows nothing. */
export async function reportError(error: unknown, log: vscode.LogOutputChannel): Promise<void> {
  if (isAbort(error) || error instanceof vscode.CancellationError) return;
  if (!(error instanceof TaskError)) {
    log.error(errorText(error));
    const showLog = vscode.l10n.t("Show Log");
    const why = withoutCredentials(reasonOf(error));
    const text = vscode.l10n.t("Switchyard failed: {0}", why);
    if ((await vscode.window.showErrorMessage(withoutLinks(text), showLog)) === showLog) log.show();
    return;
  }
  log.warn(`${error.kind}: ${error.message}${error.cause ? ` (${withoutCredentials(String(error.cause))})` : ""}`);
  const actions = actionsFor(error, log);
  const show = error.kind === "bad-input" ? vscode.window.showWarningMessage : vscode.window.showErrorMessage;
  const text = withoutLinks(say(error.text));
  const titles = actions.length > 0 ? actions.map((action) => action.title) : unfolding(text);
  const chosen = await show(text, ...titles);
  actions.find((action) => action.title === chosen)?.run();
}

interface Action {
  readonly title: string;
  readonly run: () => void;
}

function actionsFor(error: TaskError, log: vscode.LogOutputChannel): readonly Action[] {
  const command = (title: string, id: string, ...args: unknown[]): Action => ({
    title,
    run: () => void vscode.commands.executeCommand(id, ...args),
  });
  const showLog: Action = { title: vscode.l10n.t("Show Log"), run: () => log.show() };
  const suggested = error.details.suggestedModel;
  switch (error.kind) {
    case "model-missing":
      return suggested
        ? [
            command(vscode.l10n.t("Get {0}", suggested), "switchyard.getModel", suggested),
            command(vscode.l10n.t("Other Models…"), "switchyard.getModel"),
          ]
        : [command(vscode.l10n.t("Get a Model…"), "switchyard.getModel")];
    case "server-unreachable":
      if (error.details.areContainersAway)
        return [command(vscode.l10n.t("Start Services"), "switchyard.startServices"), showLog];
      if (error.details.isBuiltInOff)
        return [
          command(vscode.l10n.t("Start Services"), "switchyard.startServices"),
          command(vscode.l10n.t("Open Settings"), "switchyard.openSettings", "engine"),
          showLog,
        ];
      // No setting names an engine.
      if (error.details.isEngineAway)
        return [command(vscode.l10n.t("Look for Problems"), "switchyard.runDoctor"), showLog];
      return [command(vscode.l10n.t("Open Settings"), "switchyard.openSettings"), showLog];
    case "context-overflow":
      return [
        command(vscode.l10n.t("Choose Model…"), "switchyard.pickModel"),
        command(vscode.l10n.t("Open Settings"), "switchyard.openSettings", "maxContextTokens"),
      ];
    case "local-only":
      if (error.details.isOffline) return [command(vscode.l10n.t("Turn Offline Off"), "switchyard.toggleOffline")];
      return [
        command(vscode.l10n.t("Choose Model…"), "switchyard.pickModel"),
        command(vscode.l10n.t("Open Settings"), "switchyard.openSettings", "localOnly"),
      ];
    case "cloud-refused":
      return [
        command(vscode.l10n.t("Set Claude API Key…"), "switchyard.setClaudeKey"),
        command(vscode.l10n.t("Open Settings"), "switchyard.openSettings", "claudeBaseUrl"),
      ];
    case "cloud-limit":
      return [command(vscode.l10n.t("Open Settings"), "switchyard.openSettings", "dailyBudgetUsd")];
    case "bad-input":
    case "storage":
    case "network":
      return [];
    default:
      return [showLog];
  }
}
