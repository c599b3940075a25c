// Translations in a document of their own beside the original, growing as they are written.
import * as vscode from "vscode";
import type { App } from "../core/app.ts";
import { msg } from "../core/message.ts";
import { loadingText } from "../core/names.ts";
import { createTally } from "../core/tally.ts";
import type { AnswerLanguage, Source } from "../core/task.ts";
import { TaskError } from "../core/task-error.ts";
import { translatedPath } from "../core/translation-batch.ts";
import { translationTarget } from "../core/translation-target.ts";
import { badgeText } from "./badge-text.ts";
import { setContextKey } from "./context-keys.ts";
import { say } from "./say.ts";

export const translationScheme = "switchyard-translation";
/** Redrawing an editor is slow; ten times a second looks alive. */
const redrawMs = 100;

interface Translation {
  readonly source: Source;
  readonly original: vscode.Uri;
  /** What the translation may replace; absent: the whole document. */
  readonly range?: vscode.Range;
  readonly originalVersion: number;
  readonly target: AnswerLanguage;
  text: string;
  state: "running" | "done" | "incomplete";
  summary: string;
  stop: AbortController;
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

  /** Opens the preview and fills it; ends when the translation has ended. */
  async translate(source: Source, range?: vscode.Range): Promise<void> {
    const original = vscode.Uri.parse(source.uri);
    const document = await vscode.workspace.openTextDocument(original);
    const target: AnswerLanguage = translationTarget(source);
    const uri = vscode.Uri.from({
      scheme: translationScheme,
      path: translatedPath(original.path, target),
      query: String(++this.#last),
    });
    const translation: Translation = {
      source,
      original,
      ...(range ? { range } : {}),
      originalVersion: document.version,
      target,
      text: "",
      state: "running",
      summary: "",
      stop: new AbortController(),
    };
    this.#translations.set(uri.toString(), translation);
    await this.#open(uri, document.languageId);
    try {
      await this.#fill(uri, translation);
    } catch (error) {
      // What failed before its first word leaves no empty editor behind.
      if (translation.text === "") await closeTabs(uri);
      throw error;
    }
  }

  async #open(uri: vscode.Uri, languageId: string): Promise<void> {
    let preview = await vscode.workspace.openTextDocument(uri);
    if (preview.languageId !== languageId) {
      preview = await vscode.languages.setTextDocumentLanguage(preview, languageId);
    }
    await vscode.window.showTextDocument(preview, { viewColumn: vscode.ViewColumn.Beside, preview: false });
    this.#showState();
  }

  async #fill(uri: vscode.Uri, translation: Translation): Promise<void> {
    const { source, target, stop } = translation;
    const tally = createTally(() => performance.now());
    const notices: string[] = [];
    let drawnAtMs = 0;
    const draw = (now = false) => {
      if (!now && performance.now() - drawnAtMs < redrawMs) return;
      drawnAtMs = performance.now();
      this.#changed.fire(uri);
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
        if (event.kind === "progress") translation.summary = vscode.l10n.t("{0} of {1} parts", event.done, event.total);
        if (event.kind === "waiting") translation.summary = vscode.l10n.t("Waiting: {0} before this one", event.before);
        if (event.kind === "loading") translation.summary = say(loadingText(event));
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

  stop(): void {
    this.#active()?.translation.stop.abort();
  }

  async again(): Promise<void> {
    const active = this.#active();
    if (!active) return;
    active.translation.stop = new AbortController();
    await this.#fill(active.uri, active.translation);
  }

  /** Writes `NAME.zh-CN.md` or `NAME.en.md` beside the original. */
  async save(): Promise<void> {
    const active = this.#active();
    if (!active) return;
    const { translation } = active;
    const { original, target } = translation;
    const beside = original.with({ path: translatedPath(original.path, target) });
    const canWrite = vscode.workspace.fs.isWritableFileSystem(original.scheme);
    const file = canWrite ? beside : await vscode.window.showSaveDialog(proposed(beside));
    if (!file || !(await this.#mayWrite(file, translation))) return;
    try {
      await vscode.workspace.fs.writeFile(file, new TextEncoder().encode(translation.text));
    } catch (cause) {
      throw new TaskError("storage", msg("{0} cannot be written: {1}", file.path, String(cause)), { cause });
    }
    await vscode.window.showTextDocument(file);
  }

  async #mayWrite(file: vscode.Uri, { state }: Translation): Promise<boolean> {
    const exists = await vscode.workspace.fs.stat(file).then(
      () => true,
      () => false,
    );
    if (!exists && state === "done") return true;
    const question = exists
      ? vscode.l10n.t("{0} is there already. Replace it?", vscode.workspace.asRelativePath(file))
      : vscode.l10n.t("The translation is incomplete. Save it all the same?");
    const yes = exists ? vscode.l10n.t("Replace") : vscode.l10n.t("Save");
    return (await vscode.window.showWarningMessage(question, { modal: true }, yes)) === yes;
  }

  /** One step that can be undone. */
  async replace(): Promise<void> {
    const active = this.#active();
    if (!active) return;
    const { original, originalVersion, range, text, state } = active.translation;
    const document = await vscode.workspace.openTextDocument(original);
    if (document.version !== originalVersion) {
      throw new TaskError("bad-input", msg("The original has changed since; translate it again."));
    }
    if (state !== "done") throw new TaskError("bad-input", msg("The translation is incomplete; translate it again."));
    const end = document.lineAt(document.lineCount - 1).range.end;
    const edit = new vscode.WorkspaceEdit();
    edit.replace(original, range ?? new vscode.Range(new vscode.Position(0, 0), end), text);
    await vscode.workspace.applyEdit(edit);
    await vscode.window.showTextDocument(document, vscode.ViewColumn.One);
  }
}

async function closeTabs(uri: vscode.Uri): Promise<void> {
  const tabs = vscode.window.tabGroups.all
    .flatMap((group) => group.tabs)
    .filter(({ input }) => input instanceof vscode.TabInputText && input.uri.toString() === uri.toString());
  await vscode.window.tabGroups.close(tabs);
}

/** Where an original lies in no folder, its translation is offered a place in the open one. */
function proposed({ path }: vscode.Uri): vscode.SaveDialogOptions {
  const folder = vscode.workspace.workspaceFolders?.[0]?.uri;
  const name = path.split("/").at(-1) ?? "";
  const title = vscode.l10n.t("Save the translation");
  return folder ? { title, defaultUri: vscode.Uri.joinPath(folder, name) } : { title };
}

/** What is said of many parts is shown once, with how often. */
function showOnce(notices: readonly string[]): void {
  for (const [text, all] of Map.groupBy(notices, (each) => each)) {
    void vscode.window.showInformationMessage(all.length > 1 ? `${text} (${all.length} ×)` : text);
  }
}
