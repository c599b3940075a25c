// What the Services view shows: groups, and a line each for containers, models and downloads.
import { hostname } from "node:os";
import * as vscode from "vscode";
import type { InstalledModel, LoadedModel } from "../core/backend.ts";
import type { Download } from "../core/downloads.ts";
import { formatBytes } from "../core/format-bytes.ts";
import { formatCountdown } from "../core/format-time.ts";
import { placeName, serverName, serviceStateName, toolTestName } from "../core/names.ts";
import { percentOf, progressParts, stepText } from "../core/progress-text.ts";
import type { ServiceStatus, ServicesStatus, ServiceUsage } from "../core/services.ts";
import { say } from "./say.ts";

export interface ServiceNode {
  readonly kind: "service";
  readonly status: ServiceStatus;
  readonly usage: ServiceUsage | undefined;
}
export interface ModelNode {
  readonly kind: "model";
  readonly model: InstalledModel;
  readonly loaded: LoadedModel | undefined;
}
export interface DownloadNode {
  readonly kind: "download";
  readonly download: Download;
}
interface NoteNode {
  readonly kind: "note";
  readonly title: string;
  readonly text: string;
  readonly command?: { readonly id: string; readonly title: string };
}
export interface GroupNode {
  readonly kind: "group";
  readonly id: "containers" | "downloads" | "models";
  readonly title: string;
  readonly text: string;
  readonly children: readonly Exclude<TreeNode, GroupNode>[];
}
export type TreeNode = ServiceNode | ModelNode | DownloadNode | NoteNode | GroupNode;

/** Everything that was found out, at one moment. */
export interface Snapshot {
  readonly status: ServicesStatus | undefined;
  readonly usage: readonly ServiceUsage[];
  readonly models: readonly InstalledModel[];
  readonly loaded: readonly LoadedModel[];
  readonly downloads: readonly Download[];
}

const icons: Readonly<Record<ServiceStatus["state"], string>> = {
  missing: "circle-outline",
  stopped: "debug-stop",
  starting: "loading~spin",
  healthy: "pass",
  unhealthy: "warning",
  paused: "debug-pause",
  restarting: "sync~spin",
};

/** Before the first start and the first model there is nothing to show but how to begin: the welcome text. */
export function treeOf(snapshot: Snapshot): readonly GroupNode[] {
  const { status, models, downloads } = snapshot;
  const isSetUp = status?.kind === "engine" && status.services.some(({ state }) => state !== "missing");
  if (!isSetUp && models.length === 0 && downloads.length === 0) return [];
  const inProgress = downloads.map((download): DownloadNode => ({ kind: "download", download }));
  return [
    containersOf(snapshot),
    ...(inProgress.length > 0
      ? [{ kind: "group", id: "downloads", title: vscode.l10n.t("Downloads"), text: "", children: inProgress } as const]
      : []),
    modelsOf(snapshot),
  ];
}

function containersOf({ status, usage }: Snapshot): GroupNode {
  const title = vscode.l10n.t("Containers");
  const common = { kind: "group", id: "containers", title } as const;
  if (status?.kind !== "engine") {
    const note: NoteNode = {
      kind: "note",
      title: vscode.l10n.t("No Docker engine answers"),
      text: vscode.l10n.t("what was tried"),
      command: { id: "switchyard.runDoctor", title: vscode.l10n.t("What was tried") },
    };
    return { ...common, text: "", children: [note] };
  }
  const services = status.services.map(
    (each): ServiceNode => ({ kind: "service", status: each, usage: usage.find(({ name }) => name === each.name) }),
  );
  const notes = status.leftOut.map(({ name, why }): NoteNode => ({ kind: "note", title: name, text: say(why) }));
  return {
    ...common,
    text: `Docker ${status.version} · ${status.source}`,
    children: [...services, ...notes],
  };
}

function modelsOf({ models, loaded }: Snapshot): GroupNode {
  const nodes = models
    .filter(({ place }) => place !== "cloud")
    .map(
      (model): ModelNode => ({
        kind: "model",
        model,
        loaded: loaded.find((each) => each.name === model.name && each.backend === model.backend),
      }),
    );
  const note: NoteNode = {
    kind: "note",
    title: vscode.l10n.t("No model yet"),
    text: vscode.l10n.t("get one"),
    command: { id: "switchyard.getModel", title: vscode.l10n.t("Get a Model…") },
  };
  const inMemory = loaded.reduce((sum, each) => sum + each.sizeBytes, 0);
  const text = inMemory > 0 ? vscode.l10n.t("{0} in memory", formatBytes(inMemory)) : "";
  const children = nodes.length > 0 ? nodes : [note];
  return { kind: "group", id: "models", title: vscode.l10n.t("Models"), text, children };
}

export function itemOf(node: TreeNode): vscode.TreeItem {
  switch (node.kind) {
    case "group":
      return groupItem(node);
    case "service":
      return serviceItem(node);
    case "model":
      return modelItem(node);
    case "download":
      return downloadItem(node.download);
    case "note":
      return noteItem(node);
  }
}

/** Whether its line changes from one second to the next. */
export function isTicking(node: TreeNode): boolean {
  if (node.kind === "download") return node.download.state === "running";
  return node.kind === "model" && node.loaded?.expiresAtMs !== undefined;
}

function groupItem({ id, title, text }: GroupNode): vscode.TreeItem {
  const item = new vscode.TreeItem(title, vscode.TreeItemCollapsibleState.Expanded);
  item.id = `group ${id}`;
  item.description = text;
  if (text !== "") item.tooltip = `${title}: ${text}`;
  item.contextValue = `group.${id}`;
  return item;
}

function serviceItem({ status, usage }: ServiceNode): vscode.TreeItem {
  const item = new vscode.TreeItem(status.name);
  const port = status.address ? `:${new URL(status.address).port}` : undefined;
  const isOn = !["missing", "stopped"].includes(status.state);
  const isWeb = status.address?.startsWith("http") ?? false;
  item.id = `service ${status.name}`;
  const shown = [
    say(serviceStateName(status.state)),
    ...(port && isOn ? [port] : []),
    ...(usage ? [formatBytes(usage.memoryBytes)] : []),
    ...(usage?.cpus === undefined ? [] : [vscode.l10n.t("{0} % CPU", Math.round(usage.cpus * 100))]),
  ];
  item.description = shown.join(" · ");
  item.tooltip = serviceTooltip(status, usage);
  item.iconPath = new vscode.ThemeIcon(icons[status.state]);
  item.contextValue =
    status.state === "missing" ? "service.missing" : isOn ? `service.on${isWeb ? ".web" : ""}` : "service.off";
  return item;
}

function serviceTooltip(status: ServiceStatus, usage: ServiceUsage | undefined): string {
  const limit = usage?.memoryLimitBytes;
  return [
    status.container,
    status.image,
    ...(status.address ? [status.address] : []),
    ...(usage && limit
      ? [vscode.l10n.t("Memory: {0} of {1}", formatBytes(usage.memoryBytes), formatBytes(limit))]
      : []),
    ...(status.wasOutOfMemory ? [vscode.l10n.t("It ran out of memory.")] : []),
    ...(status.exitCode ? [vscode.l10n.t("Ended with {0}", status.exitCode)] : []),
  ].join("\n");
}

function modelItem({ model, loaded }: ModelNode): vscode.TreeItem {
  const item = new vscode.TreeItem(model.name);
  const leftMs = loaded?.expiresAtMs === undefined ? 0 : loaded.expiresAtMs - Date.now();
  item.id = `model ${model.backend} ${model.name}`;
  item.description = [
    ...(leftMs > 0 && leftMs < 365 * 86_400_000 ? [vscode.l10n.t("unloads in {0}", formatCountdown(leftMs))] : []),
    ...(loaded && loaded.vramBytes > 0 && loaded.vramBytes < loaded.sizeBytes
      ? [vscode.l10n.t("{0} % on the graphics card", Math.round((loaded.vramBytes / loaded.sizeBytes) * 100))]
      : []),
    loaded ? vscode.l10n.t("loaded: {0}", formatBytes(loaded.sizeBytes)) : formatBytes(model.sizeBytes),
    ...(model.toolTest?.calls === "no" ? [vscode.l10n.t("calls no tools")] : []),
  ].join(" · ");
  item.tooltip = [
    model.name,
    `${say(serverName(model.backend))}, ${say(placeName(model.place))}`,
    vscode.l10n.t("Size: {0}", formatBytes(model.sizeBytes)),
    ...(model.toolTest ? [say(toolTestName(model.toolTest))] : []),
    ...(model.parameterSize ? [[model.parameterSize, model.quantization].filter(Boolean).join(" · ")] : []),
  ].join("\n");
  item.iconPath = new vscode.ThemeIcon(loaded ? "circle-filled" : "circle-outline");
  item.contextValue = loaded ? "model.loaded" : "model.idle";
  return item;
}

function downloadItem(download: Download): vscode.TreeItem {
  const item = new vscode.TreeItem(download.model);
  const percent = percentOf(download);
  const { state } = download;
  const names = {
    running: vscode.l10n.t("downloading"),
    paused: vscode.l10n.t("paused"),
    failed: vscode.l10n.t("failed"),
    interrupted: vscode.l10n.t("interrupted"),
  };
  item.id = `download ${download.model}`;
  item.description = [
    ...(percent === undefined ? [] : [`${Math.floor(percent)} %`]),
    ...(state === "running" && percent !== undefined ? [] : [names[state]]),
    // The view is narrow: what people wait for comes first.
    ...progressParts(download).map(say).reverse(),
  ].join(" · ");
  const step = stepText(download.status, say);
  item.tooltip = download.error ? say(download.error) : `${say(serverName(download.backend))}\n${step}`;
  const symbols = { running: "sync~spin", paused: "debug-pause", failed: "error", interrupted: "debug-disconnect" };
  item.iconPath = new vscode.ThemeIcon(symbols[state]);
  item.contextValue = state === "running" ? "download.running" : "download.waiting";
  return item;
}

function noteItem({ title, text, command }: NoteNode): vscode.TreeItem {
  const item = new vscode.TreeItem(title);
  item.description = text;
  item.tooltip = text;
  item.iconPath = new vscode.ThemeIcon("info");
  if (command) item.command = { command: command.id, title: command.title };
  return item;
}

/** Where containers and models run when that is not the machine in front of the person. */
export function remotePlace(): string | undefined {
  return vscode.env.remoteName === undefined ? undefined : vscode.l10n.t("on {0}", hostname());
}
