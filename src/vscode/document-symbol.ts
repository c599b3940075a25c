// The symbol at the cursor, its documentation comment, and where that goes.
import * as vscode from "vscode";
import { commentIn, commentSpot, nameIn } from "../core/doc-comment.ts";
import { msg } from "../core/message.ts";
import type { Source } from "../core/task.ts";
import { TaskError } from "../core/task-error.ts";
import { fromRange } from "./gather-sources.ts";
import type { Change } from "./proposals.ts";
import { rangeOfText } from "./range-of-text.ts";

export interface DocumentedSymbol {
  readonly document: vscode.TextDocument;
  readonly name: string;
  readonly range: vscode.Range;
  readonly source: Source;
}

const documented = new Set([
  vscode.SymbolKind.Class,
  vscode.SymbolKind.Method,
  vscode.SymbolKind.Function,
  vscode.SymbolKind.Constructor,
  vscode.SymbolKind.Interface,
  vscode.SymbolKind.Enum,
  vscode.SymbolKind.Struct,
  vscode.SymbolKind.Module,
  vscode.SymbolKind.Namespace,
  vscode.SymbolKind.Property,
  vscode.SymbolKind.Variable,
  vscode.SymbolKind.Constant,
]);

/** Of every cursor, in their order in the document; several in the same symbol are one. */
export async function symbolsAtCursors(): Promise<readonly DocumentedSymbol[]> {
  const editor = vscode.window.activeTextEditor;
  if (!editor) throw new TaskError("bad-input", msg("Open a file and put the cursor into a function or class first."));
  const { document } = editor;
  const inOrder = [...editor.selections].sort((a, b) => a.start.compareTo(b.start));
  const symbols = await Promise.all(inOrder.map((selection) => symbolAt(document, selection)));
  return symbols.filter((each, at) => symbols.findIndex(({ range }) => range.isEqual(each.range)) === at);
}

/** The selection, else the innermost symbol around the cursor that can have a comment. */
async function symbolAt(document: vscode.TextDocument, selection: vscode.Selection): Promise<DocumentedSymbol> {
  if (!selection.isEmpty) {
    const whole = new vscode.Range(selection.start.line, 0, selection.end.line, Number.MAX_SAFE_INTEGER);
    const range = document.validateRange(whole);
    return { document, name: nameOf(document, range), range, source: fromRange(document, range) };
  }
  const symbols: unknown = await vscode.commands.executeCommand("vscode.executeDocumentSymbolProvider", document.uri);
  const found = Array.isArray(symbols) ? innermost(symbols.filter(isDocumentSymbol), selection.active) : undefined;
  const range = found ? fullLines(document, found.range) : paragraphAround(document, selection.active);
  if (!range) {
    throw new TaskError("bad-input", msg("There is no function or class at the cursor. Select the code to document."));
  }
  return { document, name: found?.name ?? nameOf(document, range), range, source: fromRange(document, range) };
}

/** The change that puts the answer's comment where it belongs; undefined where the answer holds none, or the symbol has changed. */
export function commentChange(answer: string, symbol: DocumentedSymbol): Change | undefined {
  const { document } = symbol;
  const comment = commentIn(answer, document.languageId);
  // What was edited above it meanwhile has moved it.
  const range = rangeOfText(document, symbol.source.text, symbol.range.start);
  if (!comment || !range) return undefined;
  const lines = Array.from({ length: document.lineCount }, (_, line) => document.lineAt(line).text);
  const spot = commentSpot(lines, range.start.line, range.end.line, document.languageId);
  return {
    range: new vscode.Range(spot.from, 0, spot.to, 0),
    text: `${comment.map((line) => (line === "" ? line : spot.indent + line)).join("\n")}\n`,
  };
}

function isDocumentSymbol(value: unknown): value is vscode.DocumentSymbol {
  return typeof value === "object" && value !== null && "children" in value && "range" in value;
}

function innermost(
  symbols: readonly vscode.DocumentSymbol[],
  cursor: vscode.Position,
): vscode.DocumentSymbol | undefined {
  for (const symbol of symbols) {
    if (!symbol.range.contains(cursor)) continue;
    const inner = innermost(symbol.children, cursor);
    if (inner && isWorthIt(inner)) return inner;
    if (isWorthIt(symbol)) return symbol;
  }
  return undefined;
}

/** A one-line variable inside a function is not what a person at that line wants documented. */
function isWorthIt({ kind, range }: vscode.DocumentSymbol): boolean {
  const isValue = [vscode.SymbolKind.Property, vscode.SymbolKind.Variable, vscode.SymbolKind.Constant].includes(kind);
  return documented.has(kind) && (!isValue || range.end.line > range.start.line);
}

function fullLines(document: vscode.TextDocument, range: vscode.Range): vscode.Range {
  return document.validateRange(new vscode.Range(range.start.line, 0, range.end.line, Number.MAX_SAFE_INTEGER));
}

/** Where no language support names symbols: the lines around the cursor up to blank ones. */
function paragraphAround(document: vscode.TextDocument, cursor: vscode.Position): vscode.Range | undefined {
  const isBlank = (line: number) => document.lineAt(line).isEmptyOrWhitespace;
  if (isBlank(cursor.line)) return undefined;
  let [start, end] = [cursor.line, cursor.line];
  while (start > 0 && !isBlank(start - 1)) start--;
  while (end < document.lineCount - 1 && !isBlank(end + 1)) end++;
  return fullLines(document, new vscode.Range(start, 0, end, 0));
}

function nameOf(document: vscode.TextDocument, range: vscode.Range): string {
  return nameIn(document.lineAt(range.start.line).text);
}
