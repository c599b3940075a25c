// The Services view: containers, downloads and models. What was started is kept running, what was cut is gone on with.
import * as vscode from "vscode";
import { withoutCredentials } from "../core/addresses.ts";
import type { App } from "../core/app.ts";
import { canChat } from "../core/can-chat.ts";
import type { Incident } from "../core/services.ts";
import { setContextKey } from "./context-keys.ts";
import type { DownloadTray } from "./download-tray.ts";
import { say } from "./say.ts";
import {
  type GroupNode,
  isTicking,
  itemOf,
  remotePlace,
  type Snapshot,
  type TreeNode,
  treeOf,
} from "./services-tree.ts";

/** While the view is seen: models come and go without an event. */
const refreshEveryMs = 5_000;
const tickMs = 1_000;

export class ServicesView implements vscode.TreeDataProvider<TreeNode>, vscode.Disposable {
  readonly #app: () => Promise<App>;
  readonly #log: vscode.LogOutputChannel;
  readonly #tray: DownloadTray;
  readonly #changed = new vscode.EventEmitter<TreeNode | TreeNode[] | undefined>();
  readonly #view: vscode.TreeView<TreeNode>;
  readonly #closing = new AbortController();
  readonly onDidChangeTreeData = this.#changed.event;
  #isWatching = false;
  #groups: readonly GroupNode[] = [];
  #snapshot: Snapshot | undefined;
  #looking: Promise<void> | undefined;
  #isStale = false;
  #timers: readonly NodeJS.Timeout[] = [];

  constructor(app: () => Promise<App>, log: vscode.LogOutputChannel, tray: DownloadTray) {
    this.#app = app;
    this.#log = log;
    this.#tray = tray;
    this.#view = vscode.window.createTreeView("switchyard.services", { treeDataProvider: this });
    const place = remotePlace();
    if (place) this.#view.description = place;
    this.#view.onDidChangeVisibility(({ visible }) => this.#keepFresh(visible));
  }

  /** Looks first and draws then: while a tree is being drawn anew, clicks on it lead nowhere. */
  refresh(): void {
    void this.#update();
  }

  #update(): Promise<void> {
    // What changes while it is looked at is looked at once more.
    if (this.#looking !== undefined) this.#isStale = true;
    this.#looking ??= this.#lookAndDraw()
      .catch((error: unknown) => void this.#failed(error))
      .finally(() => {
        this.#looking = undefined;
        if (this.#isStale) this.refresh();
        this.#isStale = false;
      });
    return this.#looking;
  }

  async #lookAndDraw(): Promise<void> {
    if (!vscode.workspace.isTrusted || this.#closing.signal.aborted) return;
    const app = await this.#app();
    const snapshot = await this.#look(app);
    const { status, models, downloads } = snapshot;
    const services = status?.kind === "engine" ? status.services : [];
    setContextKey("hasDocker", status?.kind === "engine");
    setContextKey(
      "hasServices",
      services.some(({ state }) => state === "healthy"),
    );
    setContextKey("hasModel", models.some(canChat));
    if (services.some(({ state }) => state !== "missing")) void this.#watch(app);
    for (const { model, state } of downloads) if (state === "interrupted") void this.#tray.show(app, model);
    this.#draw(snapshot);
  }

  #draw(snapshot: Snapshot): void {
    const groups = treeOf(snapshot);
    const isSame = this.#snapshot !== undefined && JSON.stringify(groups) === JSON.stringify(this.#groups);
    this.#snapshot = snapshot;
    if (isSame) return;
    this.#groups = groups;
    this.#changed.fire(undefined);
  }

  getTreeItem(node: TreeNode): vscode.TreeItem {
    return itemOf(node);
  }

  /** Nothing at all shows the welcome text, which says what can be done. */
  async getChildren(parent?: TreeNode): Promise<TreeNode[]> {
    if (parent) return parent.kind === "group" ? [...parent.children] : [];
    if (!vscode.workspace.isTrusted) return [];
    this.#keepFresh(this.#view.visible);
    if (!this.#snapshot) await this.#update();
    return [...this.#groups];
  }

  async #look(app: App): Promise<Snapshot> {
    const { signal } = this.#closing;
    const [status, usage, models, loaded, downloads] = await Promise.all([
      app.services.status(signal).catch((error: unknown) => this.#failed(error)),
      app.services.usage(signal).catch(() => []),
      app.models(signal).catch(() => []),
      app.loaded(signal).catch(() => []),
      app.downloads.list().catch(() => []),
    ]);
    return { status, usage, models, loaded, downloads };
  }

  #failed(error: unknown): undefined {
    this.#log.warn(`services: ${withoutCredentials(String(error))}`);
    return undefined;
  }

  #keepFresh(isSeen: boolean): void {
    if (isSeen && this.#timers.length > 0) return;
    for (const timer of this.#timers) clearInterval(timer);
    const tick = () => void this.#tick().catch((error: unknown) => this.#failed(error));
    this.#timers = isSeen ? [setInterval(() => this.refresh(), refreshEveryMs), setInterval(tick, tickMs)] : [];
  }

  /** Clocks go on; and downloads of other windows are looked at, which costs one small file each. */
  async #tick(): Promise<void> {
    const before = this.#snapshot;
    if (!before) return;
    const downloads = await (await this.#app()).downloads.list();
    // One that is finished is a model now.
    if (downloads.length < before.downloads.length) return this.refresh();
    if (downloads.length > 0) return this.#draw({ ...before, downloads });
    const ticking = this.#groups.flatMap(({ children }) => children.filter(isTicking));
    if (ticking.length > 0) this.#changed.fire(ticking);
  }

  /** For as long as this window is open. */
  async #watch(app: App): Promise<void> {
    if (this.#isWatching) return;
    this.#isWatching = true;
    void this.#scale(app);
    for await (const event of app.services.watch(this.#closing.signal)) {
      this.refresh();
      if (event.kind === "incident") tellIncident(event.incident, this.#log);
    }
  }

  async #scale(app: App): Promise<void> {
    for await (const event of app.services.scale(this.#closing.signal)) {
      this.#log.info(`${event.service}: ${event.kind}${"why" in event ? `: ${say(event.why)}` : ""}`);
      this.refresh();
    }
  }

  dispose(): void {
    this.#closing.abort();
    this.#keepFresh(false);
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
