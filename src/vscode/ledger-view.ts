// The page of what left this machine.
import * as vscode from "vscode";
import type { App } from "../core/app.ts";
import type { ToLedgerPage } from "../core/page-protocol.ts";
import { spendingOf } from "../core/spending.ts";
import { pageHtml, pagesFolder } from "./page-html.ts";

export class LedgerView implements vscode.Disposable {
  readonly #extensionUri: vscode.Uri;
  readonly #app: () => Promise<App>;
  #panel: vscode.WebviewPanel | undefined;

  constructor(extensionUri: vscode.Uri, app: () => Promise<App>) {
    this.#extensionUri = extensionUri;
    this.#app = app;
  }

  show(): void {
    if (this.#panel) {
      this.#panel.reveal();
      void this.#post();
      return;
    }
    const panel = vscode.window.createWebviewPanel(
      "switchyard.ledger",
      vscode.l10n.t("What Left This Machine"),
      vscode.ViewColumn.Active,
      { enableScripts: true, localResourceRoots: [pagesFolder(this.#extensionUri)] },
    );
    this.#panel = panel;
    panel.onDidDispose(() => {
      this.#panel = undefined;
    });
    panel.webview.onDidReceiveMessage(async (raw: unknown) => {
      if (typeof raw !== "object" || raw === null || !("kind" in raw)) return;
      if (raw.kind === "ready") await this.#post();
      if (raw.kind === "export") await vscode.commands.executeCommand("switchyard.exportLedger");
    });
    panel.webview.html = pageHtml(panel.webview, this.#extensionUri, "ledger");
  }

  dispose(): void {
    this.#panel?.dispose();
  }

  async #post(): Promise<void> {
    const app = await this.#app();
    const { dailyBudgetUsd, monthlyBudgetUsd } = app.settings();
    const entries = await app.ledger.list();
    const lostRecord = await app.ledger.lostRecord(Date.now());
    const message: ToLedgerPage = {
      kind: "init",
      locale: vscode.env.language,
      strings: vscode.l10n.bundle ?? {},
      entries,
      ...(lostRecord === undefined ? {} : { lostRecord }),
      spending: {
        ...(await spendingOf(app.ledger, Date.now())),
        dailyUsd: dailyBudgetUsd,
        monthlyUsd: monthlyBudgetUsd,
      },
    };
    await this.#panel?.webview.postMessage(message);
  }
}
