// The Services view: containers with state and place, models with what is loaded.
import * as vscode from "vscode";
import type { App } from "../core/app.ts";
import type { InstalledModel, LoadedModel } from "../core/backend.ts";
import { formatBytes } from "../core/format-bytes.ts";
import { serviceStateName } from "../core/names.ts";
import type { ServiceStatus, ServicesStatus } from "../core/services.ts";
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
/** While the view is seen; an engine of this machine answers in milliseconds. */
const refreshEveryMs = 5_000;

export class ServicesView implements vscode.TreeDataProvider<ServiceNode>, vscode.Disposable {
  readonly #app: () => Promise<App>;
  readonly #changed = new vscode.EventEmitter<undefined>();
  readonly #view: vscode.TreeView<ServiceNode>;
  readonly #log: (text: string) => void;
  readonly onDidChangeTreeData = this.#changed.event;
  #watch: AbortController | undefined;
  #timer: NodeJS.Timeout | undefined;

  constructor(app: () => Promise<App>, log: (text: string) => void) {
    this.#app = app;
    this.#log = log;
    this.#view = vscode.window.createTreeView("switchyard.services", { treeDataProvider: this });
    this.#view.onDidChangeVisibility(({ visible }) => this.#follow(visible));
  }

  refresh(): void {
    this.#changed.fire(undefined);
  }

  getTreeItem(node: ServiceNode): vscode.TreeItem {
    if (node.kind === "service") return serviceItem(node.status);
    if (node.kind === "model") return modelItem(node.model, node.loaded);
    const item = new vscode.TreeItem(node.title);
    item.description = node.text;
    item.tooltip = node.text;
    item.iconPath = new vscode.ThemeIcon("info");
    return item;
  }

  /** Nothing at all shows the welcome text, which says what can be done. */
  async getChildren(parent?: ServiceNode): Promise<readonly ServiceNode[]> {
    if (parent) return [];
    this.#follow(this.#view.visible);
    const app = await this.#app();
    const { signal } = new AbortController();
    const [status, models, loaded] = await Promise.all([
      app.services.status(signal).catch((error: unknown) => this.#unknown(error)),
      app.models(signal).catch(() => []),
      app.loaded(signal).catch(() => []),
    ]);
    void vscode.commands.executeCommand("setContext", "switchyard.hasDocker", status?.kind === "engine");
    if (status?.kind === "engine") {
      this.#view.description = status.source;
      this.#view.message = undefined;
    }
    return [...serviceNodes(status), ...modelNodes(models, loaded)];
  }

  #unknown(error: unknown): undefined {
    this.#log(`services: ${String(error)}`);
    return undefined;
  }

  /** Follows the engine's events and looks again now and then, for models; both only while somebody sees it. */
  #follow(isSeen: boolean): void {
    if (!isSeen) {
      this.#watch?.abort();
      this.#watch = undefined;
      clearInterval(this.#timer);
      this.#timer = undefined;
      return;
    }
    this.#timer ??= setInterval(() => this.refresh(), refreshEveryMs);
  }

  dispose(): void {
    this.#follow(false);
    this.#view.dispose();
    this.#changed.dispose();
  }
}
