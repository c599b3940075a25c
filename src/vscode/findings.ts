// A review in the editor: problems, comments beside the lines, quick fixes.
import * as vscode from "vscode";
import type { Finding } from "../core/finding.ts";
import { revealHidden } from "../core/hidden-characters.ts";
import { msg } from "../core/message.ts";
import type { Settings } from "../core/settings.ts";
import { TaskError } from "../core/task-error.ts";
import { setContextKey } from "./context-keys.ts";
import { nearestOffset } from "./place-of-text.ts";
import { showDocument } from "./show-document.ts";
import { moved, type TrackedFinding } from "./tracked-findings.ts";

type Presentation = Settings["reviewPresentation"];

interface Shown {
  readonly uri: vscode.Uri;
  tracked: TrackedFinding;
  thread?: vscode.CommentThread;
}

/** A person reads problems of a model as warnings at most: nothing of it is certain. */
const severities = {
  problem: vscode.DiagnosticSeverity.Warning,
  suggestion: vscode.DiagnosticSeverity.Information,
  style: vscode.DiagnosticSeverity.Hint,
} as const;

export class Findings implements vscode.CodeActionProvider, vscode.Disposable {
  readonly #diagnostics = vscode.languages.createDiagnosticCollection("switchyard");
  readonly #comments = vscode.comments.createCommentController("switchyard.review", "Switchyard");
  readonly #presentation: () => Presentation;
  readonly #disposables: vscode.Disposable[];
  #shown: Shown[] = [];
  #lastId = 0;

  constructor(presentation: () => Presentation) {
    this.#presentation = presentation;
    this.#disposables = [
      this.#diagnostics,
      this.#comments,
      vscode.languages.registerCodeActionsProvider({ pattern: "**" }, this, {
        providedCodeActionKinds: [vscode.CodeActionKind.QuickFix],
      }),
      vscode.workspace.onDidChangeTextDocument((event) => this.#follow(event)),
      vscode.workspace.onDidDeleteFiles(({ files }) => {
        for (const uri of files) this.clear(uri);
      }),
    ];
  }

  dispose(): void {
    vscode.Disposable.from(...this.#disposables).dispose();
  }

  /** Replaces what an earlier review said about the same files. */
  show(reviewed: readonly vscode.Uri[], findings: readonly Finding[]): void {
    for (const uri of reviewed) this.#drop((each) => each.uri.toString() === uri.toString());
    for (const finding of findings) this.#add(finding);
    this.#draw();
  }

  clear(uri?: vscode.Uri): void {
    this.#drop((each) => !uri || each.uri.toString() === uri.toString());
    this.#draw();
  }

  #add(finding: Finding): void {
    const uri = vscode.Uri.parse(finding.uri);
    const tracked = { id: ++this.#lastId, finding, ...linesNow(finding) };
    const shown: Shown = { uri, tracked };
    if (["comments", "both"].includes(this.#presentation())) shown.thread = this.#createThread(shown);
    this.#shown.push(shown);
  }

  #createThread({ uri, tracked }: Shown): vscode.CommentThread {
    const { finding } = tracked;
    const body = new vscode.MarkdownString();
    body.appendText(revealHidden(finding.body));
    if (finding.replacement !== undefined) body.appendCodeblock(revealHidden(finding.replacement));
    const thread = this.#comments.createCommentThread(uri, rangeOf(tracked), [
      { body, mode: vscode.CommentMode.Preview, author: { name: `Switchyard · ${severityName(finding)}` } },
    ]);
    thread.label = revealHidden(finding.title);
    thread.canReply = false;
    thread.collapsibleState = vscode.CommentThreadCollapsibleState.Collapsed;
    thread.contextValue = finding.replacement === undefined ? "finding" : "finding-fix";
    return thread;
  }

  #drop(isGone: (shown: Shown) => boolean): void {
    for (const shown of this.#shown.filter(isGone)) shown.thread?.dispose();
    this.#shown = this.#shown.filter((shown) => !isGone(shown));
  }

  #draw(): void {
    this.#diagnostics.clear();
    const byFile = Map.groupBy(this.#shown, (each) => each.uri.toString());
    if (["problems", "both"].includes(this.#presentation())) {
      for (const each of byFile.values()) {
        if (each[0]) this.#diagnostics.set(each[0].uri, each.map(diagnosticOf));
      }
    }
    setContextKey("hasFindings", this.#shown.length > 0);
  }

  #follow({ document, contentChanges }: vscode.TextDocumentChangeEvent): void {
    if (!this.#shown.some((each) => each.uri.toString() === document.uri.toString())) return;
    for (const { range, text } of contentChanges) {
      const change = {
        startLine: range.start.line,
        endLine: range.end.line,
        lineCount: text.split("\n").length,
        isBlank: range.isEmpty && text.trim() === "",
      };
      for (const shown of this.#shown.filter((each) => each.uri.toString() === document.uri.toString())) {
        const next = moved(shown.tracked, change);
        if (next) shown.tracked = next;
        else this.#drop((each) => each === shown);
        if (next && shown.thread) shown.thread.range = rangeOf(next);
      }
    }
    this.#draw();
  }

  provideCodeActions(
    document: vscode.TextDocument,
    range: vscode.Range,
    context: vscode.CodeActionContext,
  ): vscode.CodeAction[] {
    const here = this.#shown.filter(
      (each) =>
        each.uri.toString() === document.uri.toString() &&
        range.start.line <= each.tracked.endLine &&
        range.end.line >= each.tracked.startLine,
    );
    return here.flatMap(({ tracked }) => {
      const { finding, id } = tracked;
      const action = (title: string, command: string): vscode.CodeAction => {
        const made = new vscode.CodeAction(title, vscode.CodeActionKind.QuickFix);
        made.command = { command, title, arguments: [id] };
        made.diagnostics = context.diagnostics.filter((each) => each.source === "Switchyard");
        return made;
      };
      const fix = vscode.l10n.t("Apply fix: {0} (Switchyard)", finding.title);
      return [
        ...(finding.replacement === undefined ? [] : [action(fix, "switchyard.applyFinding")]),
        action(vscode.l10n.t("Discuss in chat: {0} (Switchyard)", finding.title), "switchyard.discussFinding"),
        action(vscode.l10n.t("Dismiss: {0} (Switchyard)", finding.title), "switchyard.dismissFinding"),
      ];
    });
  }

  /** @param target what a menu hands over: the number of a finding, or its comment thread */
  find(target: unknown): TrackedFinding | undefined {
    return this.#shown.find((each) => each.tracked.id === target || each.thread === target)?.tracked;
  }

  dismiss(target: unknown): void {
    const tracked = this.find(target);
    this.#drop((each) => each.tracked === tracked);
    this.#draw();
  }

  /** @throws TaskError `bad-input` when the quoted code is no longer there */
  async apply(target: unknown): Promise<void> {
    const tracked = this.find(target);
    const replacement = tracked?.finding.replacement;
    if (!tracked || replacement === undefined) return;
    const document = await vscode.workspace.openTextDocument(vscode.Uri.parse(tracked.finding.uri));
    const lines = document.validateRange(rangeOf(tracked));
    const at = document.getText(lines).indexOf(tracked.finding.quote);
    if (at < 0 || tracked.finding.quote === "") {
      throw new TaskError("bad-input", msg("The code this fix is for has changed; review it again."));
    }
    const start = document.offsetAt(lines.start) + at;
    const range = new vscode.Range(
      document.positionAt(start),
      document.positionAt(start + tracked.finding.quote.length),
    );
    const edit = new vscode.WorkspaceEdit();
    edit.replace(document.uri, range, replacement);
    await vscode.workspace.applyEdit(edit);
    this.dismiss(tracked.id);
  }

  /** Goes to the next finding after the cursor, or the one before it; over all files, round and round. */
  async go(step: 1 | -1): Promise<void> {
    const sorted = [...this.#shown].sort(
      (a, b) => a.uri.toString().localeCompare(b.uri.toString()) || a.tracked.startLine - b.tracked.startLine,
    );
    if (sorted.length === 0) return;
    const editor = vscode.window.activeTextEditor;
    const here = editor ? position(editor.document.uri, editor.selection.active.line) : "";
    const places = sorted.map((each) => position(each.uri, each.tracked.startLine));
    const after = places.findIndex((place) => place > here);
    const before = places.findLastIndex((place) => place < here);
    const next = sorted.at(step === 1 ? Math.max(0, after) : before);
    if (!next) return;
    await showDocument(next.uri, {
      selection: rangeOf(next.tracked).with({ end: rangeOf(next.tracked).start }),
    });
  }
}

/** Lines from 0. What was edited while it was reviewed may have moved what the review quotes. */
function linesNow({ uri, startLine, endLine, quote }: Finding): Pick<TrackedFinding, "startLine" | "endLine"> {
  const first = Math.max(0, startLine - 1);
  const count = Math.max(0, endLine - startLine);
  const document = vscode.workspace.textDocuments.find((each) => each.uri.toString() === uri);
  const was = document?.offsetAt(new vscode.Position(first, 0)) ?? 0;
  const at = document && nearestOffset(document.getText(), quote, was);
  const line = at === undefined ? first : (document?.positionAt(at).line ?? first);
  return { startLine: line, endLine: line + count };
}

function position(uri: vscode.Uri, line: number): string {
  return `${uri.toString()}\n${String(line).padStart(9, "0")}`;
}

function rangeOf({ startLine, endLine }: TrackedFinding): vscode.Range {
  return new vscode.Range(startLine, 0, endLine, Number.MAX_SAFE_INTEGER);
}

function diagnosticOf({ tracked }: Shown): vscode.Diagnostic {
  const { finding } = tracked;
  const diagnostic = new vscode.Diagnostic(
    rangeOf(tracked),
    revealHidden(`${finding.title}\n${finding.body}`),
    severities[finding.severity],
  );
  diagnostic.source = "Switchyard";
  return diagnostic;
}

function severityName({ severity }: Finding): string {
  const names = {
    problem: vscode.l10n.t("problem"),
    suggestion: vscode.l10n.t("suggestion"),
    style: vscode.l10n.t("style"),
  };
  return names[severity];
}
