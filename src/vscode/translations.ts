// Translations in a document of their own beside the original, growing as they are written.
import * as vscode from "vscode";
import type { App } from "../core/app.ts";
import { loadingText, readingText } from "../core/names.ts";
import { createTally } from "../core/tally.ts";
import type { AnswerLanguage, Source } from "../core/task.ts";
import { previewPath } from "../core/translation-batch.ts";
import { translationTarget } from "../core/translation-target.ts";
import { badgeText } from "./badge-text.ts";
import { setContextKey } from "./context-keys.ts";
import { replaceOriginal, saveBeside, type Translated } from "./put-translation.ts";
import { say } from "./say.ts";
import { showDocument } from "./show-document.ts";

export const translationScheme = "switchyard-translation";
/** Redrawing an editor is slow; ten times a second looks alive. */
const redrawMs = 100;
/** Who translated, where and how fast is read at leisure; later it stands in the language status. */
const badgeShownMs = 15_000;

interface Translation extends Translated {
  state: Translated["state"];
  text: string;
  summary: string;
  stop: AbortController;
}

export interface TranslatedPart {
  readonly source: Source;
  /** Where it stands in its file; absent: it is all of it. */
  readonly range?: vscode.Range;
}

export class Translations implements vscode.TextDocumentContentProvider, vscode.Disposable {
  readonly #app: () => Promise<App>;
  readonly #translations = new Map<string, Translation>();
  readonly #changed = new vscode.EventEmitter<vscode.Uri>();
  readonly onDidChange = this.#changed.event;
  readonly #status = vscode.languages.createLanguageStatusItem("switchyard.translation", { scheme: translationScheme });
  readonly #disposables: vscode.Disposable[];
  #last = 0;

  constructor(app: () => Promise<App>) {
    this.#app = app;
    this.#status.name = "Switchyard";
    this.#disposables = [
      this.#changed,
      this.#status,
      vscode.window.onDidChangeActiveTextEditor(() => this.#showState()),
      vscode.workspace.onDidCloseTextDocument(({ uri }) => {
        const closed = this.#translations.get(uri.toString());
        // Setting the language of a document closes and opens it again.
        setTimeout(() => {
          const isOpen = vscode.workspace.textDocuments.some((each) => each.uri.toString() === uri.toString());
          if (closed && !isOpen) closed.stop.abort();
        }, 1000);
      }),
    ];
  }

  dispose(): void {
    this.stopAll();
    vscode.Disposable.from(...this.#disposables).dispose();
  }

  stopAll(): void {
    for (const translation of this.#translations.values()) translation.stop.abort();
  }

  isBusy(): boolean {
    return [...this.#translations.values()].some((translation) => translation.state === "running");
  }

  provideTextDocumentContent(uri: vscode.Uri): string {
    return this.#translations.get(uri.toString())?.text ?? "";
  }

  /**
   * Opens a preview of each part, all in one group, and fills one after the other: what is being read is not covered by
   * the next one. Ends when the last one has ended.
   */
  async translate(parts: readonly TranslatedPart[]): Promise<void> {
    const previews: [vscode.Uri, Translation][] = [];
    let column: vscode.ViewColumn | undefined;
    for (const part of parts) {
      const preview = this.#prepare(part);
      column = await this.#open(preview, column);
      previews.push(preview);
    }
    const first = previews[0]?.[0];
    if (first && previews.length > 1) await showDocument(first);
    try {
      for (const [uri, translation] of previews) await this.#fill(uri, translation);
    } finally {
      // What failed before its first word leaves no empty editor behind.
      for (const [uri, { text }] of previews) if (text === "") await closeTabs(uri);
    }
  }

  #prepare({ source, range }: TranslatedPart): [vscode.Uri, Translation] {
    const original = vscode.Uri.parse(source.uri);
    const target: AnswerLanguage = translationTarget(source);
    const start = range?.start;
    const uri = vscode.Uri.from({
      scheme: translationScheme,
      path: start
        ? previewPath(original.path, target, start.line + 1, start.character + 1)
        : previewPath(original.path, target),
      query: String(++this.#last),
    });
    const translation: Translation = {
      source,
      original,
      ...(range ? { range } : {}),
      target,
      text: "",
      state: "running",
      summary: "",
      stop: new AbortController(),
    };
    this.#translations.set(uri.toString(), translation);
    return [uri, translation];
  }

  /** @param column absent: beside the active group @returns where it is */
  async #open([uri, { original }]: [vscode.Uri, Translation], column: vscode.ViewColumn | undefined) {
    const { languageId } = await vscode.workspace.openTextDocument(original);
    let preview = await vscode.workspace.openTextDocument(uri);
    if (preview.languageId !== languageId) {
      preview = await vscode.languages.setTextDocumentLanguage(preview, languageId);
    }
    const viewColumn = column ?? vscode.ViewColumn.Beside;
    const editor = await vscode.window.showTextDocument(preview, { viewColumn, preview: false });
    this.#showState();
    return editor.viewColumn;
  }

  /** What is waited for stands in the status bar: an editor that is still empty says nothing. */
  async #fill(uri: vscode.Uri, translation: Translation): Promise<void> {
    const where = { location: vscode.ProgressLocation.Window, title: vscode.l10n.t("Translating…") };
    await vscode.window.withProgress(where, (progress) =>
      this.#write(uri, translation, (message) => progress.report({ message })),
    );
    if (translation.summary === "") return;
    vscode.window.setStatusBarMessage(`$(check) ${translation.summary}`, badgeShownMs);
  }

  async #write(uri: vscode.Uri, translation: Translation, tell: (text: string) => void): Promise<void> {
    const { source, target, stop } = translation;
    const tally = createTally(() => performance.now());
    const notices: string[] = [];
    let drawnAtMs = 0;
    const draw = (now = false) => {
      if (!now && performance.now() - drawnAtMs < redrawMs) return;
      drawnAtMs = performance.now();
      this.#changed.fire(uri);
    };
    const wait = (text: string) => {
      translation.summary = text;
      tell(text);
    };
    translation.state = "running";
    translation.text = "";
    this.#showState();
    const ask = { kind: "translate", text: "", sources: [source], history: [], targetLanguage: target } as const;
    try {
      for await (const event of (await this.#app()).run(ask, stop.signal)) {
        tally.see(event);
        if (event.kind === "text") {
          translation.text += event.text;
          draw();
        }
        if (event.kind === "routed") wait(say(readingText(event.route.model)));
        if (event.kind === "progress") wait(vscode.l10n.t("{0} of {1} parts", event.done, event.total));
        if (event.kind === "waiting") wait(vscode.l10n.t("Waiting: {0} before this one", event.before));
        if (event.kind === "loading") wait(say(loadingText(event)));
        if (event.kind === "notice") notices.push(say(event.text));
        this.#showState();
      }
      translation.state = "done";
      setContextKey("hasTranslation", true);
    } catch (error) {
      translation.state = "incomplete";
      if (!stop.signal.aborted) throw error;
    } finally {
      const badge = tally.badge(translation.state === "done" ? "done" : "stopped");
      translation.summary = badge ? badgeText(badge) : "";
      draw(true);
      this.#showState();
      showOnce(notices);
    }
  }

  /** @param given what a button hands over: the translation it belongs to, which need not be the active one */
  #meant(given: unknown): { readonly uri: vscode.Uri; readonly translation: Translation } | undefined {
    const translation = given instanceof vscode.Uri ? this.#translations.get(given.toString()) : undefined;
    return given instanceof vscode.Uri && translation ? { uri: given, translation } : this.#active();
  }

  #active(): { readonly uri: vscode.Uri; readonly translation: Translation } | undefined {
    const editors = [vscode.window.activeTextEditor, ...vscode.window.visibleTextEditors];
    for (const uri of editors.map((editor) => editor?.document.uri)) {
      const translation = uri && this.#translations.get(uri.toString());
      if (translation) return { uri, translation };
    }
    return undefined;
  }

  #showState(): void {
    const translation = this.#active()?.translation;
    setContextKey("translating", translation?.state === "running");
    if (!translation) return;
    const states = {
      running: vscode.l10n.t("Translating…"),
      done: vscode.l10n.t("Translated"),
      incomplete: vscode.l10n.t("Translation is incomplete"),
    };
    this.#status.text = states[translation.state];
    this.#status.detail = translation.summary;
    this.#status.busy = translation.state === "running";
    this.#status.severity =
      translation.state === "incomplete"
        ? vscode.LanguageStatusSeverity.Warning
        : vscode.LanguageStatusSeverity.Information;
  }

  stop(given: unknown): void {
    this.#meant(given)?.translation.stop.abort();
  }

  async again(given: unknown): Promise<void> {
    const active = this.#meant(given);
    if (!active) return;
    active.translation.stop = new AbortController();
    await this.#fill(active.uri, active.translation);
  }

  /** Writes `NAME.zh-CN.md` or `NAME.en.md` beside the original. */
  async save(given: unknown): Promise<void> {
    const meant = this.#meant(given);
    if (meant) await saveBeside(meant.translation);
  }

  async replace(given: unknown): Promise<void> {
    const meant = this.#meant(given);
    if (meant) await replaceOriginal(meant.translation);
  }
}

async function closeTabs(uri: vscode.Uri): Promise<void> {
  const tabs = vscode.window.tabGroups.all
    .flatMap((group) => group.tabs)
    .filter(({ input }) => input instanceof vscode.TabInputText && input.uri.toString() === uri.toString());
  await vscode.window.tabGroups.close(tabs);
}

/** What is said of many parts is shown once, with how often. */
function showOnce(notices: readonly string[]): void {
  for (const [text, all] of Map.groupBy(notices, (each) => each)) {
    void vscode.window.showInformationMessage(all.length > 1 ? `${text} (${all.length} ×)` : text);
  }
}
