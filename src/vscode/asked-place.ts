// Where the person was when they asked. By the time they use the answer they may have gone elsewhere: what is not clear
// is asked.
import * as vscode from "vscode";
import type { AskedIn, AttachedSource } from "../core/session.ts";
import type { Source } from "../core/task.ts";
import { labelOf } from "./gather-sources.ts";
import { editorsOf } from "./show-document.ts";

/** What an answer is about. */
export interface About {
  /** With its text where it was asked in this window. */
  readonly sources: readonly (AttachedSource & { readonly text?: string })[];
  readonly askedIn?: AskedIn;
}

/** Documents that nobody writes in. */
const shownOnly = /^(?:output|git|switchyard-.*)$/;

/** The active editor, where it is what is asked about; else what is asked about. */
export function askedInNow(sources: readonly Source[]): AskedIn | undefined {
  const active = vscode.window.activeTextEditor;
  const uri = active?.document.uri.toString() ?? "";
  const uris = sources.filter(({ image }) => image === undefined).map((source) => source.uri);
  const isMeant = uris.length === 0 ? !shownOnly.test(active?.document.uri.scheme ?? "output") : uris.includes(uri);
  if (active && isMeant) return { uri, ...(active.viewColumn === undefined ? {} : { column: active.viewColumn }) };
  return uris[0] === undefined ? undefined : { uri: uris[0] };
}

/**
 * The editor that code without a source of its own goes to. Undefined where none is open, or nothing was chosen.
 * @param title of the question that is put where the person has gone to another one since
 */
export async function chooseEditor(
  askedIn: AskedIn | undefined,
  title: string,
): Promise<vscode.TextEditor | undefined> {
  const now = activeEditor();
  if (!askedIn) return now;
  const shown = editorsOf(askedIn.uri);
  const then = shown.find(({ viewColumn }) => viewColumn === askedIn.column) ?? shown[0];
  if (now && then && isSamePlace(now, then)) return now;
  const open = () => then ?? openIn(askedIn);
  if (!now) return open();
  const uri = vscode.Uri.parse(askedIn.uri);
  const picked = await vscode.window.showQuickPick(
    [
      { label: then ? placeText(then) : labelOf(uri), description: vscode.l10n.t("where you asked"), editor: open },
      { label: placeText(now), description: vscode.l10n.t("where the cursor is now"), editor: () => now },
    ],
    { title },
  );
  return picked?.editor();
}

function activeEditor(): vscode.TextEditor | undefined {
  const { activeTextEditor, visibleTextEditors } = vscode.window;
  return activeTextEditor ?? (visibleTextEditors.length === 1 ? visibleTextEditors[0] : undefined);
}

function isSamePlace(a: vscode.TextEditor, b: vscode.TextEditor): boolean {
  if (a === b) return true;
  const isSame = a.document === b.document && a.selections.length === b.selections.length;
  return isSame && a.selections.every((each, at) => b.selections[at]?.isEqual(each));
}

/** Its cursor is where it was left. */
function openIn({ uri, column }: AskedIn): Thenable<vscode.TextEditor> {
  return vscode.window.showTextDocument(vscode.Uri.parse(uri), column === undefined ? {} : { viewColumn: column });
}

/** `src/a.ts, line 3` */
function placeText({ document, selection, selections }: vscode.TextEditor): string {
  const label = labelOf(document.uri);
  return selections.length > 1
    ? vscode.l10n.t("{0}, {1} cursors", label, selections.length)
    : vscode.l10n.t("{0}, line {1}", label, selection.start.line + 1);
}
