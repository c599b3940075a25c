// What a person has to know of a translation, at the place in its preview that it is about, for as long as that is open.
import * as vscode from "vscode";
import type { TranslationNote } from "../core/kept-translation.ts";
import type { Translated } from "./put-translation.ts";
import { showDocument } from "./show-document.ts";

export interface Noted extends Pick<Translated, "text" | "state" | "original"> {
  readonly by: string;
  readonly summary: string;
  readonly notes: readonly TranslationNote[];
}

export class TranslationNotes implements vscode.CodeLensProvider, vscode.Disposable {
  readonly #find: (uri: vscode.Uri) => Noted | undefined;
  readonly #changed = new vscode.EventEmitter<void>();
  readonly onDidChangeCodeLenses = this.#changed.event;

  constructor(find: (uri: vscode.Uri) => Noted | undefined) {
    this.#find = find;
  }

  tellChange(): void {
    this.#changed.fire();
  }

  provideCodeLenses(document: vscode.TextDocument): vscode.CodeLens[] {
    const noted = this.#find(document.uri);
    if (!noted) return [];
    const top = new vscode.Range(0, 0, 0, 0);
    const about = { command: "switchyard.aboutTranslation", arguments: [document.uri] };
    const head = new vscode.CodeLens(top, { ...about, title: headOf(noted), tooltip: noted.summary });
    const again = { command: "switchyard.retranslate", arguments: [document.uri] };
    const retry = new vscode.CodeLens(top, { ...again, title: vscode.l10n.t("Translate Again") });
    const notes = noted.notes.flatMap(({ text: said, places }) =>
      places.map((offset) => {
        const place = document.positionAt(startOf(offset, noted.text));
        const lens = { ...about, title: `$(warning) ${said}`, tooltip: said };
        return new vscode.CodeLens(new vscode.Range(place, place), lens);
      }),
    );
    return [head, ...(noted.state === "incomplete" ? [retry] : []), ...notes];
  }

  dispose(): void {
    this.#changed.dispose();
  }
}

export const stateName = (state: Translated["state"]): string =>
  ({
    running: vscode.l10n.t("Translating…"),
    done: vscode.l10n.t("Translated"),
    incomplete: vscode.l10n.t("Translation is incomplete"),
  })[state];

function headOf({ state, by, notes }: Noted): string {
  const icon = { running: "sync~spin", done: notes.length > 0 ? "info" : "check", incomplete: "warning" }[state];
  const more = notes.length > 0 ? vscode.l10n.t("Remarks: {0}", notes.length) : by;
  return [`$(${icon}) ${stateName(state)}`, ...(more === "" ? [] : [more])].join(" · ");
}

/** A part begins with its first letter, not with the blank lines before it. */
function startOf(offset: number, text: string): number {
  return offset + (/^\s*/.exec(text.slice(offset))?.[0].length ?? 0);
}

/** All there is to know, until the person closes it. */
export async function showAbout({ state, summary, notes }: Noted): Promise<void> {
  const detail = [summary, ...textsOf(notes)].filter((line) => line !== "").join("\n\n");
  await vscode.window.showInformationMessage(stateName(state), { modal: true, detail });
}

/** Said once at the end, with the way to where it stays. */
export async function tellNotes(uri: vscode.Uri, noted: Noted): Promise<void> {
  const { original, notes, text } = noted;
  if (notes.length === 0) return;
  const [first] = notes.flatMap(({ places }) => places);
  const show = first === undefined ? vscode.l10n.t("Details") : vscode.l10n.t("Show Where");
  const name = original.path.split("/").at(-1) ?? "";
  if ((await vscode.window.showWarningMessage(`${name}: ${textsOf(notes).join(" ")}`, show)) !== show) return;
  if (first === undefined) return showAbout(noted);
  const editor = await showDocument(uri);
  const place = editor.document.positionAt(startOf(first, text));
  editor.selection = new vscode.Selection(place, place);
  editor.revealRange(new vscode.Range(place, place), vscode.TextEditorRevealType.InCenter);
}

const textsOf = (notes: readonly TranslationNote[]) => [...new Set(notes.map(({ text }) => text))];
