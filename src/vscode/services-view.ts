// The Services view: containers with state and place, models with what is loaded. What was started is kept running.
import * as vscode from "vscode";
import type { App } from "../core/app.ts";
import type { InstalledModel, LoadedModel } from "../core/backend.ts";
import { formatBytes } from "../core/format-bytes.ts";
import { serviceStateName } from "../core/names.ts";
import type { Incident, ServiceStatus, ServicesStatus } from "../core/services.ts";
import { say } from "./say.ts";

export type ServiceNode =
  | { readonly kind: "service"; readonly status: ServiceStatus }
  | { readonly kind: "note"; readonly title: string; readonly text: string }
  | { readonly kind: "model"; readonly model: InstalledModel; readonly loaded: LoadedModel | undefined };

const icons: Readonly<Record<ServiceStatus["state"], string>> = {
  missing: "circle-outline",
  stopped: "debug-stop",
  starting: "loading~spin",
  healthy: "pass",
  unhealthy: "warning",
  paused: "debug-pause",
  restarting: "sync~spin",
};
/** While the view is seen: models come and go without an event. */
const refreshEveryMs = 5_000;

export class ServicesView implements vscode.TreeDataProvider<ServiceNode>, vscode.Disposable {
  readonly #app: () => Promise<App>;
  readonly #log: vscode.LogOutputChannel;
  readonly #changed = new vscode.EventEmitter<undefined>();
  readonly #view: vscode.TreeView<ServiceNode>;
  readonly #closing = new AbortController();
  readonly onDidChangeTreeData = this.#changed.event;
  #isWatching = false;
  #timer: NodeJS.Timeout | undefined;

  constructor(app: () => Promise<App>, log: vscode.LogOutputChannel) {
    this.#app = app;
    this.#log = log;
    this.#view = vscode.window.createTreeView("switchyard.services", { treeDataProvider: this });
    this.#view.onDidChangeVisibility(({ visible }) => this.#refreshNowAndThen(visible));
  }

  refresh(): void {
    this.#changed.fire(undefined);
  }

  getTreeItem(node: ServiceNode): vscode.TreeItem {
    if (node.kind === "service") return serviceItem(node.status);
    if (node.kind === "model") return modelItem(node);
    const item = new vscode.TreeItem(node.title);
    item.description = node.text;
    item.tooltip = node.text;
    item.iconPath = new vscode.ThemeIcon("info");
    return item;
  }

  /** Nothing at all shows the welcome text, which says what can be done. */
  async getChildren(parent?: ServiceNode): Promise<ServiceNode[]> {
    if (parent || !vscode.workspace.isTrusted) return [];
    this.#refreshNowAndThen(this.#view.visible);
    const app = await this.#app();
    const { signal } = this.#closing;
    const [status, models, loaded] = await Promise.all([
      app.services.status(signal).catch((error: unknown) => this.#failed(error)),
      app.models(signal).catch(() => []),
      app.loaded(signal).catch(() => []),
    ]);
    void vscode.commands.executeCommand("setContext", "switchyard.hasDocker", status?.kind === "engine");
    const services = serviceNodes(status);
    // Before the first start there is nothing to show but how to start.
    const isSetUp = services.some((node) => node.kind === "service" && node.status.state !== "missing");
    if (isSetUp) void this.#keepRunning(app);
    const modelNodes = models.map(
      (model): ServiceNode => ({
        kind: "model",
        model,
        loaded: loaded.find((each) => each.name === model.name && each.backend === model.backend),
      }),
    );
    return isSetUp || modelNodes.length > 0 ? [...services, ...modelNodes] : [];
  }

  #failed(error: unknown): undefined {
    this.#log.warn(`services: ${String(error)}`);
    return undefined;
  }

  #refreshNowAndThen(isSeen: boolean): void {
    if (isSeen) this.#timer ??= setInterval(() => this.refresh(), refreshEveryMs);
    else {
      clearInterval(this.#timer);
      this.#timer = undefined;
    }
  }

  /** For as long as this window is open. */
  async #keepRunning(app: App): Promise<void> {
    if (this.#isWatching) return;
    this.#isWatching = true;
    for await (const event of app.services.watch(this.#closing.signal)) {
      this.refresh();
      if (event.kind === "incident") tellIncident(event.incident, this.#log);
    }
  }

  dispose(): void {
    this.#closing.abort();
    this.#refreshNowAndThen(false);
    this.#view.dispose();
    this.#changed.dispose();
  }
}

function tellIncident({ service, what, done, attempt }: Incident, log: vscode.LogOutputChannel): void {
  log.warn(`${service}: ${what}, ${done}, attempt ${attempt}`);
  if (done !== "gave-up") return;
  const showLogs = vscode.l10n.t("Show Its Log");
  const text = vscode.l10n.t("{0} fell over 5 times in 10 minutes and is not started again.", service);
  void vscode.window.showErrorMessage(text, showLogs).then((chosen) => {
    if (chosen) void vscode.commands.executeCommand("switchyard.showServiceLog", service);
  });
}

function serviceNodes(status: ServicesStatus | undefined): readonly ServiceNode[] {
  if (status?.kind !== "engine") return [];
  return [
    ...status.services.map((each): ServiceNode => ({ kind: "service", status: each })),
    ...status.leftOut.map(({ name, why }): ServiceNode => ({ kind: "note", title: name, text: say(why) })),
  ];
}

function serviceItem(status: ServiceStatus): vscode.TreeItem {
  const item = new vscode.TreeItem(status.name);
  const port = status.address ? `:${new URL(status.address).port}` : undefined;
  item.id = `service ${status.name}`;
  item.description = [say(serviceStateName(status.state)), ...(port ? [port] : [])].join(" · ");
  item.tooltip = [status.container, status.image, ...(status.address ? [status.address] : [])].join("\n");
  item.iconPath = new vscode.ThemeIcon(icons[status.state]);
  const isOn = !["missing", "stopped"].includes(status.state);
  item.contextValue = status.state === "missing" ? "service.missing" : isOn ? "service.on" : "service.off";
  return item;
}

function modelItem({ model, loaded }: Extract<ServiceNode, { readonly kind: "model" }>): vscode.TreeItem {
  const item = new vscode.TreeItem(model.name);
  const minutesLeft = loaded?.expiresAtMs === undefined ? undefined : (loaded.expiresAtMs - Date.now()) / 60_000;
  item.id = `model ${model.backend} ${model.name}`;
  item.description = [
    formatBytes(model.sizeBytes),
    ...(loaded ? [vscode.l10n.t("loaded")] : []),
    ...(minutesLeft !== undefined && minutesLeft > 0
      ? [vscode.l10n.t("unloads in {0} min", Math.ceil(minutesLeft))]
      : []),
  ].join(" · ");
  item.tooltip = model.backend;
  item.iconPath = new vscode.ThemeIcon(loaded ? "circle-filled" : "hubot");
  item.contextValue = loaded ? "model.loaded" : "model";
  return item;
}
