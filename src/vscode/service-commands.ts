// Starting and stopping the service for other programs, its address and its token.
import * as vscode from "vscode";
import { msg } from "../core/message.ts";
import { TaskError } from "../core/task-error.ts";
import { signalOf } from "./cancellation.ts";
import { inform } from "./inform.ts";
import type { RunningService, SharedService } from "./shared-service.ts";

/** Starts it where none runs. @throws TaskError in Restricted Mode: the service is a program */
export async function ensureService(service: SharedService): Promise<RunningService> {
  if (!vscode.workspace.isTrusted) {
    throw new TaskError("bad-input", msg("The API is not started in Restricted Mode. Trust this workspace first."));
  }
  return vscode.window.withProgress(
    { location: vscode.ProgressLocation.Notification, title: vscode.l10n.t("Starting the API"), cancellable: true },
    (_, token) => service.start(signalOf(token)),
  );
}

export async function startApi(service: SharedService): Promise<void> {
  const { url, notice } = await ensureService(service);
  const copyAddress = vscode.l10n.t("Copy Address");
  const copyToken = vscode.l10n.t("Copy Token");
  const text = vscode.l10n.t("The API is at {0}. Programs need its token.", url);
  const chosen = await vscode.window.showInformationMessage(
    notice ? `${text} ${notice}` : text,
    copyAddress,
    copyToken,
  );
  if (chosen === copyAddress) await copyApiAddress(service);
  if (chosen === copyToken) await copyApiToken(service);
}

export async function stopApi(service: SharedService): Promise<void> {
  await service.stop();
  inform(vscode.l10n.t("The API is stopped. What it had begun is finished."));
}

export async function copyApiAddress(service: SharedService): Promise<void> {
  const { url } = service.current() ?? (await ensureService(service));
  await vscode.env.clipboard.writeText(url);
  vscode.window.setStatusBarMessage(vscode.l10n.t("{0} is copied", url), 5_000);
}

export async function copyApiToken(service: SharedService): Promise<void> {
  await vscode.env.clipboard.writeText(await service.token());
  vscode.window.setStatusBarMessage(vscode.l10n.t("The token is copied"), 5_000);
}

/** Shown while the service runs: where it is, and what can be done with it. */
export function createServiceItem(service: SharedService): vscode.Disposable {
  const item = vscode.window.createStatusBarItem("api", vscode.StatusBarAlignment.Right, 99);
  item.name = vscode.l10n.t("Switchyard: API");
  item.command = "switchyard.copyApiAddress";
  const refresh = () => {
    const running = service.current();
    if (!running) return item.hide();
    const { port } = new URL(running.url);
    item.text = `${running.notice ? "$(warning)" : "$(plug)"} ${port}`;
    item.accessibilityInformation = { label: vscode.l10n.t("API at {0}", running.url), role: "button" };
    const tooltip = new vscode.MarkdownString();
    tooltip.isTrusted = {
      enabledCommands: ["switchyard.copyApiToken", "switchyard.connectClient", "switchyard.stopApi"],
    };
    tooltip.appendText(vscode.l10n.t("Other programs use the models at {0}", running.url));
    if (running.notice) tooltip.appendMarkdown("\n\n").appendText(running.notice);
    const links = [
      ["switchyard.copyApiToken", vscode.l10n.t("Copy Token")],
      ["switchyard.connectClient", vscode.l10n.t("Set Up a Program…")],
      ["switchyard.stopApi", vscode.l10n.t("Stop")],
    ];
    tooltip.appendMarkdown(`\n\n${links.map(([command, title]) => `[${title}](command:${command})`).join(" · ")}`);
    item.tooltip = tooltip;
    item.show();
  };
  refresh();
  return vscode.Disposable.from(item, service.onDidChange(refresh));
}
