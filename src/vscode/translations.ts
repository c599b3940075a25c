// Translations in a document of their own beside the original, growing as they are written.
import * as vscode from "vscode";
import type { App } from "../core/app.ts";
import { beforeFirstWord, loadingText, placeName, waitingText } from "../core/names.ts";
import { createTally } from "../core/tally.ts";
import { badgeText } from "./badge-text.ts";
import { setContextKey } from "./context-keys.ts";
import { type PreviewFile, PreviewFiles } from "./preview-files.ts";
import { closeTabs, shownIn, tabsWith } from "./preview-tabs.ts";
import { replaceOriginal, saveBeside } from "./put-translation.ts";
import { say } from "./say.ts";
import { showDocument } from "./show-document.ts";
import { kept, newTranslation, restored, scheme, type TranslatedPart, type Translation } from "./translation.ts";
import { showAbout, stateName, TranslationNotes, tellNotes } from "./translation-notes.ts";

/** Redrawing an editor is slow; ten times a second looks alive. */
const redrawMs = 100;
/** Who translated, where and how fast is read at leisure; later it stands above the translation. */
const badgeShownMs = 15_000;
/** A window that goes in the middle leaves at least what there was so long before. */
const keepEveryMs = 2_000;

export class Translations implements vscode.Disposable {
  readonly #app: () => Promise<App>;
  readonly #report: (error: unknown) => void;
  readonly #translations = new Map<string, Translation>();
  readonly #files = new PreviewFiles((uri) => this.#file(uri));
  readonly #notes = new TranslationNotes((uri) => this.#translations.get(uri.toString()));
  readonly #status = vscode.languages.createLanguageStatusItem("switchyard.translation", { scheme });
  readonly #disposables: vscode.Disposable[];
  #keeping: Promise<void> = Promise.resolve();

  constructor(app: () => Promise<App>, report: (error: unknown) => void) {
    this.#app = app;
    this.#report = report;
    this.#status.name = "Switchyard";
    this.#disposables = [
      this.#files,
      this.#notes,
      this.#status,
      vscode.workspace.registerFileSystemProvider(scheme, this.#files, { isReadonly: true, isCaseSensitive: true }),
      vscode.languages.registerCodeLensProvider({ scheme }, this.#notes),
      vscode.window.onDidChangeActiveTextEditor(() => this.#showState()),
      vscode.window.tabGroups.onDidChangeTabs(({ opened, closed }) => {
        for (const uri of previewsIn(opened)) this.#reopen(uri);
        // A tab that is moved is closed and opened.
        for (const uri of previewsIn(closed)) setTimeout(() => void this.#close(uri), 1000);
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

  /** What is being written when the window goes is kept as far as it came. */
  async keepRunning(): Promise<void> {
    const running = [...this.#translations.values()].filter(({ state }) => state === "running");
    this.stopAll();
    await Promise.all(running.map((translation) => this.#keep(translation)));
  }

  /** Nothing of them is on disk any longer; the previews go as well. */
  async forget(): Promise<void> {
    this.stopAll();
    this.#translations.clear();
    await closeTabs((uri) => uri.scheme === scheme);
  }

  /** One after the other: what is older is not written last. */
  #keep(translation: Translation): Promise<void> {
    this.#keeping = this.#keeping
      .then(async () => {
        if (translation.isOpen && translation.text !== "")
          await (await this.#app()).translations.save(kept(translation));
      })
      .catch(this.#report);
    return this.#keeping;
  }

  async #close(uri: vscode.Uri): Promise<void> {
    if (tabsWith((each) => each.toString() === uri.toString()).length > 0) return;
    const translation = this.#translations.get(uri.toString());
    translation?.stop.abort();
    if (translation) translation.isOpen = false;
    await this.#keeping;
    await (await this.#app()).translations.delete(uri.query).catch(this.#report);
  }

  /** The editor opens again what was closed. */
  #reopen(uri: vscode.Uri): void {
    const translation = this.#translations.get(uri.toString());
    if (!translation || translation.isOpen) return;
    translation.isOpen = true;
    void this.#keep(translation);
  }

  /** One of a window that was loaded anew is read from disk. */
  async #file(uri: vscode.Uri): Promise<PreviewFile> {
    const known = this.#translations.get(uri.toString());
    if (known) return known;
    const stored = uri.scheme === scheme ? await (await this.#app()).translations.load(uri.query) : undefined;
    // It may have been asked for twice.
    const found = this.#translations.get(uri.toString()) ?? (stored && restored(stored));
    const gone = vscode.l10n.t("This translation is not kept any longer. Translate its original again.");
    if (!found) return { text: gone, changedMs: 1 };
    this.#translations.set(uri.toString(), found);
    this.#notes.tellChange();
    this.#showState();
    return found;
  }

  isBusy(): boolean {
    return [...this.#translations.values()].some((translation) => translation.state === "running");
  }

  /**
   * Opens a preview of each part, all in one group, and fills one after the other: what is being read is not covered by
   * the next one. Ends when the last one has ended.
   */
  async translate(parts: readonly TranslatedPart[]): Promise<void> {
    const previews: [vscode.Uri, Translation][] = [];
    let column: vscode.ViewColumn | undefined;
    for (const part of parts) {
      const preview = newTranslation(part);
      this.#translations.set(preview[0].toString(), preview[1]);
      column = await this.#open(preview, column);
      previews.push(preview);
    }
    const first = previews[0]?.[0];
    if (first && previews.length > 1) await showDocument(first);
    try {
      for (const [uri, translation] of previews) await this.#fill(uri, translation);
    } finally {
      // What failed before its first word leaves no empty editor behind.
      const empty = new Set(previews.flatMap(([uri, { text }]) => (text === "" ? [uri.toString()] : [])));
      await closeTabs((uri) => empty.has(uri.toString()));
    }
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
    void tellNotes(uri, translation);
    if (translation.summary === "") return;
    vscode.window.setStatusBarMessage(`$(check) ${translation.summary}`, badgeShownMs);
  }

  async #write(uri: vscode.Uri, translation: Translation, tell: (text: string) => void): Promise<void> {
    const { source, target, stop } = translation;
    const tally = createTally(() => performance.now());
    let drawnAtMs = 0;
    let keptAtMs = 0;
    const draw = (now = false) => {
      if (!now && performance.now() - drawnAtMs < redrawMs) return;
      drawnAtMs = performance.now();
      translation.changedMs = Math.max(Date.now(), translation.changedMs + 1);
      this.#files.tellChange(uri);
      if (now || drawnAtMs - keptAtMs < keepEveryMs) return;
      keptAtMs = drawnAtMs;
      void this.#keep(translation);
    };
    const wait = (text: string) => {
      translation.summary = text;
      tell(text);
    };
    translation.state = "running";
    translation.text = "";
    translation.by = "";
    translation.notes = [];
    this.#showState();
    const ask = { kind: "translate", text: "", sources: [source], history: [], targetLanguage: target } as const;
    try {
      for await (const event of (await this.#app()).run(ask, stop.signal)) {
        tally.see(event);
        if (event.kind === "text") {
          translation.text += event.text;
          draw();
        }
        if (event.kind === "routed") wait(say(beforeFirstWord(event.route)));
        if (event.kind === "progress") wait(vscode.l10n.t("{0} of {1} parts", event.done, event.total));
        if (event.kind === "waiting") wait(say(waitingText(event.before)));
        if (event.kind === "loading") wait(say(loadingText(event)));
        if (event.kind === "notice") translation.notes = withNote(translation, say(event.text), event.places);
        if (event.kind !== "text") this.#showState();
      }
      translation.state = "done";
      setContextKey("hasTranslation", true);
    } catch (error) {
      translation.state = "incomplete";
      if (!stop.signal.aborted) throw error;
    } finally {
      const badge = tally.badge(translation.state === "done" ? "done" : "stopped");
      translation.summary = badge ? badgeText(badge) : "";
      translation.by = badge ? `${badge.route.model} · ${say(placeName(badge.route.place))}` : "";
      draw(true);
      this.#showState();
      await this.#keep(translation);
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
    this.#notes.tellChange();
    const translation = this.#active()?.translation;
    setContextKey("translating", translation?.state === "running");
    if (!translation) return;
    this.#status.text = stateName(translation.state);
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

  async about(given: unknown): Promise<void> {
    const meant = this.#meant(given);
    if (meant) await showAbout(meant.translation);
  }

  async replace(given: unknown): Promise<void> {
    const meant = this.#meant(given);
    if (meant) await replaceOriginal(meant.translation);
  }
}

const previewsIn = (tabs: readonly vscode.Tab[]) =>
  tabs.flatMap((tab) => shownIn(tab) ?? []).filter((uri) => uri.scheme === scheme);
const withNote = ({ notes }: Translation, text: string, places: readonly number[] = []) => [...notes, { text, places }];
