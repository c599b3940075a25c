// The editor as a person sees it: selectors of the tests are in this file, those of its own chat and the walkthrough beside it.
import { cp, mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { type Browser, chromium, type FrameLocator, type Locator, type Page } from "playwright-core";
import { browserArgs, ensureBrowser } from "../../scripts/browser.ts";
import { ensureEditorHost } from "../../scripts/editor-host.ts";
import { root } from "../../scripts/run.ts";
import { putInstalled } from "./installed-extension.ts";
import { productHome } from "./product-home.ts";
import { startServer, temporaryFolder } from "./servers.ts";

const screenshots = join(root, "out", "screenshots");
const sample = join(root, "test", "fixtures", "sample-workspace");

export interface WorkbenchOptions {
  /** Language of the interface; the editor has no language pack here, the extension's own texts are shown. */
  readonly locale?: "zh-cn";
  readonly settings?: Readonly<Record<string, unknown>>;
  /** Added to the environment of the editor's server. */
  readonly env?: Readonly<Record<string, string>>;
  /** Added to the workspace; what is added later may be missing from a search for files. */
  readonly files?: Readonly<Record<string, string | Uint8Array>>;
}

/** Installs the package into an editor of its own, opens a copy of the sample workspace, and stops all of it again. */
export async function openWorkbench(vsix: string, options: WorkbenchOptions = {}): Promise<Workbench> {
  const { entry } = await ensureEditorHost();
  const [folders, home] = await Promise.all([temporaryFolder("editor"), productHome()]);
  const place = (name: string) => join(folders.path, name);
  const own = ["--user-data-dir", place("user"), "--extensions-dir", place("extensions")];
  await cp(sample, place("workspace"), { recursive: true });
  for (const [name, bytes] of Object.entries(options.files ?? {}))
    await writeFile(join(place("workspace"), name), bytes);
  await mkdir(screenshots, { recursive: true });
  // Settings of the machine are read from a file of their own where the editor runs in a browser.
  for (const scope of ["User", "Machine"]) {
    await mkdir(place(`user/${scope}`), { recursive: true });
    await writeSettings(place(`user/${scope}/settings.json`), options.settings ?? {});
  }
  await putInstalled(entry, vsix, place("extensions"));
  const server = await startServer(
    entry,
    (port) => [
      ...["--auth", "none", "--bind-addr", `127.0.0.1:${port}`],
      ...["--disable-telemetry", "--disable-update-check", "--disable-workspace-trust"],
      ...own,
      place("workspace"),
    ],
    /HTTP server listening/,
    { SWITCHYARD_HOME: home.path, ...options.env },
  );
  const browser = await chromium.launch({ executablePath: await ensureBrowser(), args: browserArgs });
  const stop = async () => {
    await browser.close().catch(() => {});
    await server.stop();
    await folders.remove();
    await home.remove();
  };
  try {
    return await Workbench.open(browser, `http://127.0.0.1:${server.port}/`, options, place("workspace"), stop);
  } catch (error) {
    await stop();
    throw error;
  }
}

async function writeSettings(file: string, settings: Readonly<Record<string, unknown>>): Promise<void> {
  const quiet = {
    "workbench.startupEditor": "none",
    "chat.disableAIFeatures": true,
    "comments.openView": "never",
    "extensions.ignoreRecommendations": true,
  };
  await writeFile(file, JSON.stringify({ ...quiet, ...settings }));
}

export class Workbench {
  readonly page: Page;
  /** Folder of the workspace that is open. */
  readonly folder: string;
  /** Addresses of everything the browser asked for that is not on this machine. */
  readonly foreignRequests: string[] = [];
  readonly stop: () => Promise<void>;

  private constructor(page: Page, folder: string, stop: () => Promise<void>) {
    this.page = page;
    this.folder = folder;
    this.stop = stop;
  }

  static async open(
    browser: Browser,
    address: string,
    { locale }: WorkbenchOptions,
    folder: string,
    stop: () => Promise<void>,
  ): Promise<Workbench> {
    const context = await browser.newContext({ viewport: { width: 1400, height: 900 } });
    await context.grantPermissions(["clipboard-read", "clipboard-write"]);
    if (locale) await context.addInitScript(`globalThis._VSCODE_NLS_LANGUAGE = ${JSON.stringify(locale)}`);
    context.setDefaultTimeout(60_000);
    const workbench = new Workbench(await context.newPage(), folder, stop);
    workbench.page.on("request", (request) => {
      const { hostname, protocol } = new URL(request.url());
      const isHere = hostname === "127.0.0.1" || protocol === "data:" || protocol === "blob:";
      if (!isHere && !hostname.endsWith(".vscode-cdn.net")) workbench.foreignRequests.push(request.url());
    });
    await workbench.page.goto(address);
    await workbench.statusItem("model").waitFor({ timeout: 120_000 });
    return workbench;
  }

  /** An item of ours in the status bar. */
  statusItem(name: "model" | "monitor" | "offline" | "api"): Locator {
    return this.page.locator(`[id="switchyard.switchyard.${name}"]`);
  }

  /** @param title all of it */
  async runCommand(title: string): Promise<void> {
    await this.search("F1", `>${title}`);
    // Not one that only begins so, in the list that is shown until the right one is found.
    const name = this.page.getByText(title, { exact: true });
    await this.quickPickRows().filter({ has: name }).first().click();
  }

  /** A list or box that is still there has the same widget: what is typed into that is lost, so it goes first. */
  private async search(key: "F1" | "Control+P", text: string): Promise<void> {
    const widget = this.page.locator(".quick-input-widget").first();
    const goes = () => widget.waitFor({ state: "hidden", timeout: 3_000 });
    await goes().catch(async () => {
      await this.page.keyboard.press("Escape");
      await goes();
    });
    await this.page.keyboard.press(key);
    await widget.locator("input").first().fill(text);
  }

  /** Types into the input box with this title. The palette uses the same widget: what is typed before it has made way is lost. */
  async answerInput(title: string, text: string): Promise<void> {
    const input = this.quickInput(title).locator("input").first();
    await input.fill(text);
    await input.press("Enter");
  }

  /** Rows of the list that is shown, or of the one with this title: the list before it has the same widget, and may have the same rows. */
  quickPickRows(title?: string): Locator {
    const widget = title === undefined ? this.page.locator(".quick-input-widget") : this.quickInput(title);
    return widget.locator(".monaco-list-row");
  }

  private quickInput(title: string): Locator {
    return this.page.locator(".quick-input-widget", {
      has: this.page.locator(".quick-input-title", { hasText: title }),
    });
  }

  async openFile(name: string): Promise<void> {
    await this.search("Control+P", name);
    await this.quickPickRows().filter({ hasText: name }).first().click();
    await this.page.locator(".tabs-container .tab.active", { hasText: name }).waitFor();
  }

  /** Selects whole lines of the active editor, from 1, both inclusive. */
  async selectLines(first: number, last: number): Promise<void> {
    await this.page.locator(".editor-group-container.active .monaco-editor .view-lines").first().click();
    await this.page.keyboard.press("Control+Home");
    for (let line = 1; line < first; line++) await this.page.keyboard.press("ArrowDown");
    for (let line = first; line <= last; line++) await this.page.keyboard.press("Shift+ArrowDown");
  }

  /** Opens the editor's context menu. */
  async rightClick(): Promise<void> {
    await this.page.keyboard.press("Shift+F10");
    await this.page.locator(".monaco-menu").last().waitFor();
  }

  menuItem(text: string): Locator {
    return this.page.locator(".monaco-menu .action-item", { hasText: text }).first();
  }

  /** A menu that has just opened takes no click: one that stays is clicked again. */
  async chooseInMenu(text: string): Promise<void> {
    const item = this.menuItem(text);
    const isGone = () =>
      item.waitFor({ state: "detached", timeout: 2_000 }).then(
        () => true,
        () => false,
      );
    do await item.click();
    while (!(await isGone()));
  }

  async chooseInSubmenu(menu: string, text: string): Promise<void> {
    await this.menuItem(menu).hover();
    // The item that opens a submenu holds it.
    const item = this.page.locator(".monaco-menu .action-item", { hasText: text }).last();
    const isGone = () =>
      item.waitFor({ state: "hidden", timeout: 2_000 }).then(
        () => true,
        () => false,
      );
    // A menu that has only just opened takes no click for one, and stays open.
    do await item.click();
    while (!(await isGone()));
  }

  /** Inside of one of our pages. */
  webview(containing: string): FrameLocator {
    const outer = this.page.locator('iframe.webview.ready[src*="switchyard.switchyard"]');
    return containing === "monitor"
      ? outer.last().contentFrame().frameLocator("#active-frame")
      : outer.first().contentFrame().frameLocator("#active-frame");
  }

  chat(): FrameLocator {
    return this.webview("chat");
  }

  /** Asks in the open chat view. @returns the new question with its answer, which has only begun */
  async ask(text: string): Promise<Locator> {
    const before = await this.chat().locator(".exchange").count();
    await this.chat().locator("#question").fill(text);
    await this.chat().locator("#question").press("Enter");
    const added = this.chat().locator(".exchange").nth(before);
    await added.waitFor();
    return added;
  }

  /** The newest answer, once it has ended. */
  async finishedAnswer(limitMs = 120_000): Promise<Locator> {
    const last = this.chat().locator(".exchange").last();
    await last.locator(".badge").waitFor({ timeout: limitMs });
    return last;
  }

  /** Text that can be seen in the active editor. */
  async editorText(): Promise<string> {
    const lines = this.page.locator(".editor-group-container.active .monaco-editor .view-lines").first();
    return (await lines.innerText()).replaceAll("\u00a0", " ");
  }

  /** A question that has to be answered before anything else. */
  dialog(): Locator {
    return this.page.locator(".monaco-dialog-box");
  }

  async chooseInDialog(button: string): Promise<void> {
    await this.dialog().locator(".monaco-button", { hasText: button }).click();
    await this.dialog().waitFor({ state: "detached" });
  }

  /** Buttons of this name in the titles of editors, of every group that has it. */
  editorAction(name: string): Locator {
    return this.page.locator(`.editor-actions .action-label[aria-label="${name}"]`);
  }

  explorerRow(name: string): Locator {
    return this.page.locator(".explorer-folders-view .monaco-list-row", { hasText: name }).first();
  }

  /** Click to fold a view of ours, or to unfold it. */
  paneHeader(title: string): Locator {
    return this.page.locator(".sidebar .pane-header", { hasText: title }).first();
  }

  /** A line of the Services view. */
  serviceRow(text: string): Locator {
    return this.page.locator(".tree-explorer-viewlet-tree-view .monaco-list-row", { hasText: text }).first();
  }

  /** A button at the end of a line of the Services view. */
  async serviceAction(row: string, title: string): Promise<void> {
    await this.serviceRow(row).hover();
    await this.serviceRow(row).locator(`.action-label[aria-label="${title}"]`).first().click();
  }

  /** What an output channel shows. */
  outputText(): Promise<string> {
    // The editor draws blanks as signs that do not break.
    const lines = this.page.locator('[id="workbench.panel.output"] .view-lines').first();
    return lines.innerText().then((text) => text.replaceAll("\u00a0", " "));
  }

  notification(text: string | RegExp): Locator {
    return this.page.locator(".notification-list-item", { hasText: text }).first();
  }

  problemMarks(): Locator {
    return this.page.locator(".squiggly-warning, .squiggly-info, .squiggly-hint");
  }

  /** Kept in `out/screenshots`. */
  async screenshot(name: string): Promise<void> {
    await this.page.screenshot({ path: join(screenshots, `${name}.png`) });
  }
}
