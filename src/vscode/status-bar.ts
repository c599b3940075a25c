// The model picker and the monitor in the status bar.

import * as vscode from "vscode";
import type { App } from "../core/app.ts";
import { formatBytes } from "../core/format-bytes.ts";
import { loadingText, serverName } from "../core/names.ts";
import { taskKinds } from "../core/task.ts";
import { say } from "./say.ts";

export interface StatusBar extends vscode.Disposable {
  /** Label of the picker, for the page too. */
  modelLabel(): string;
  refresh(): void;
}

const busyMs = 1000;
const idleMs = 10_000;

/** @param app the app where it is loaded; the monitor says nothing before, and never loads it */
export function createStatusBar(app: () => App | undefined, isBusy: () => boolean): StatusBar {
  const model = vscode.window.createStatusBarItem("model", vscode.StatusBarAlignment.Right, 101);
  const monitor = vscode.window.createStatusBarItem("monitor", vscode.StatusBarAlignment.Right, 100);
  const offline = vscode.window.createStatusBarItem("offline", vscode.StatusBarAlignment.Right, 102);
  offline.name = vscode.l10n.t("Switchyard: offline");
  offline.text = `$(shield) ${vscode.l10n.t("Offline")}`;
  offline.tooltip = vscode.l10n.t("Nothing leaves this machine: click to change");
  offline.command = "switchyard.toggleOffline";
  model.name = vscode.l10n.t("Switchyard: model");
  model.command = "switchyard.pickModel";
  model.tooltip = vscode.l10n.t("Which model answers: click to choose");
  monitor.name = vscode.l10n.t("Switchyard: monitor");
  monitor.command = "switchyard.openMonitor";
  let lastAtMs = 0;
  /** A speed stands there no longer than it is one. */
  let isIdle = true;

  const modelLabel = () => labelOf(vscode.workspace.getConfiguration("switchyard").get("pinnedModels"));
  const refresh = () => {
    model.text = `$(hubot) ${modelLabel()}`;
    model.accessibilityInformation = { label: vscode.l10n.t("Model: {0}", modelLabel()), role: "button" };
    model.show();
    if (isOffline()) offline.show();
    else offline.hide();
    if (vscode.workspace.getConfiguration("switchyard").get("monitor", true)) monitor.show();
    else monitor.hide();
  };
  async function sample(): Promise<void> {
    const dueMs = isBusy() || !isIdle ? busyMs : idleMs;
    if (!vscode.window.state.focused || performance.now() - lastAtMs < dueMs) return;
    lastAtMs = performance.now();
    const running = app();
    if (running) isIdle = await showMonitor(monitor, running);
  }
  monitor.text = `$(pulse) ${vscode.l10n.t("idle")}`;
  monitor.tooltip = vscode.l10n.t("Tokens per second and memory of the loaded models: click for charts");
  refresh();
  const timer = setInterval(() => void sample().catch(() => {}), 500);
  return {
    modelLabel,
    refresh,
    dispose() {
      clearInterval(timer);
      offline.dispose();
      model.dispose();
      monitor.dispose();
    },
  };
}

function isOffline(): boolean {
  const found = vscode.workspace.getConfiguration("switchyard").inspect<boolean>("offline");
  return [found?.globalValue, found?.workspaceValue, found?.workspaceFolderValue].includes(true);
}

function labelOf(pins: unknown): string {
  const named =
    typeof pins === "object" && pins !== null ? Object.values(pins).filter((pin) => pin && pin !== "auto") : [];
  const names = new Set(named.map(String));
  if (names.size === 0) return vscode.l10n.t("Auto");
  if (names.size === 1 && named.length === taskKinds.length) return [...names].join("");
  return vscode.l10n.t("Auto, {0} pinned", named.length);
}

/** @returns whether nothing is written or loaded */
async function showMonitor(item: vscode.StatusBarItem, app: App): Promise<boolean> {
  const { signal } = new AbortController();
  const [points, loaded] = await Promise.all([app.sample(signal), app.loaded(signal).catch(() => [])]);
  const point = points.at(-1);
  if (!point) return true;
  const waiting = point.loading && say(loadingText(point.loading));
  const speed =
    point.tokensPerSecond > 0 ? vscode.l10n.t("{0} tok/s", Math.round(point.tokensPerSecond)) : vscode.l10n.t("idle");
  if (waiting) item.text = `$(loading~spin) ${waiting}`;
  else item.text = `$(pulse) ${speed}${point.modelBytes > 0 ? ` · ${formatBytes(point.modelBytes)}` : ""}`;
  const { answers, errors, answerTokens } = app.totals();
  const table = new vscode.MarkdownString();
  table.appendMarkdown("| | |\n|---|---|\n");
  const row = (name: string, value: string) => table.appendMarkdown(`| ${name} | ${value} |\n`);
  row(vscode.l10n.t("Now"), waiting ?? speed);
  for (const each of loaded) row(each.name, `${formatBytes(each.sizeBytes)} · ${say(serverName(each.backend))}`);
  row(vscode.l10n.t("Processor"), `${Math.round(point.cpu * 100)} %`);
  if (point.firstTokenMs !== undefined)
    row(vscode.l10n.t("First token"), `${(point.firstTokenMs / 1000).toFixed(1)} s`);
  row(vscode.l10n.t("Answers"), String(answers));
  row(vscode.l10n.t("Tokens written"), String(answerTokens));
  row(vscode.l10n.t("Errors"), String(errors));
  table.appendMarkdown(`\n${vscode.l10n.t("Click for charts")}`);
  item.tooltip = table;
  return point.tokensPerSecond === 0 && waiting === undefined;
}
