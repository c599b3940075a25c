// The monitor view: live charts, fed once a second while it is seen.
import * as vscode from "vscode";
import type { App } from "../core/app.ts";
import type { ToMonitorPage } from "../core/page-protocol.ts";
import { spendingOf } from "../core/spending.ts";
import { pageHtml, pagesFolder } from "./page-html.ts";

const everyMs = 1000;

export class MonitorView implements vscode.WebviewViewProvider {
  readonly #context: vscode.ExtensionContext;
  readonly #app: () => Promise<App>;

  constructor(context: vscode.ExtensionContext, app: () => Promise<App>) {
    this.#context = context;
    this.#app = app;
  }

  resolveWebviewView(view: vscode.WebviewView): void {
    const { extensionUri } = this.#context;
    view.webview.options = { enableScripts: true, localResourceRoots: [pagesFolder(extensionUri)] };
    const post = (message: ToMonitorPage) => void view.webview.postMessage(message);
    let shownAtMs = 0;
    const listener = view.webview.onDidReceiveMessage(async (raw: unknown) => {
      if (typeof raw !== "object" || raw === null || !("kind" in raw) || raw.kind !== "ready") return;
      const points = await (await this.#app()).sample(new AbortController().signal);
      shownAtMs = points.at(-1)?.atMs ?? 0;
      post({ kind: "init", locale: vscode.env.language, strings: vscode.l10n.bundle ?? {}, points });
    });
    let isSampling = false;
    const timer = setInterval(async () => {
      if (!view.visible || isSampling) return;
      isSampling = true;
      try {
        const app = await this.#app();
        const { signal } = new AbortController();
        const points = (await app.sample(signal)).filter((point) => point.atMs > shownAtMs);
        shownAtMs = points.at(-1)?.atMs ?? shownAtMs;
        post({ kind: "points", points });
        const { todayUsd, monthUsd } = await spendingOf(app.ledger, Date.now());
        const { cloudModel, dailyBudgetUsd, monthlyBudgetUsd } = app.settings();
        const loaded = await app.loaded(signal).catch(() => []);
        const spending = { spentUsd: todayUsd, spentMonthUsd: monthUsd, dailyBudgetUsd, monthlyBudgetUsd };
        post({ kind: "totals", ...app.totals(), ...spending, cloudModel, loaded });
      } finally {
        isSampling = false;
      }
    }, everyMs);
    view.onDidDispose(() => {
      clearInterval(timer);
      listener.dispose();
    });
    view.webview.html = pageHtml(view.webview, extensionUri, "monitor");
  }
}
