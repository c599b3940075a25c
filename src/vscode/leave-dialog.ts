// Asks before anything leaves this machine: what exactly, where to, and what it can cost.
import * as vscode from "vscode";
import { formatUsd } from "../core/cost.ts";
import { formatLines } from "../core/format-lines.ts";
import {
  type Allowed,
  allowedAlready,
  type LeaveAnswer,
  type LeaveQuestion,
  type SecretAtRisk,
  unsearchedText,
} from "../core/leave.ts";
import { say } from "./say.ts";

export interface LeaveDialog extends vscode.Disposable {
  ask(question: LeaveQuestion, signal: AbortSignal): Promise<LeaveAnswer>;
  /** Takes back what was allowed for this session and this workspace. */
  revoke(): Promise<void>;
}

const memoryKey = "switchyard.cloudConsent";
/** A dialog that fills the screen is not read. */
const shownRows = 8;

export function createLeaveDialog(memory: vscode.Memento): LeaveDialog {
  const marks = vscode.languages.createDiagnosticCollection("switchyard.secrets");
  const allowedHosts = new Set<string>();
  const remembered = ({ destination }: LeaveQuestion): "session" | "workspace" | undefined => {
    if (memory.get<readonly string[]>(memoryKey, []).includes(destination) && vscode.workspace.isTrusted)
      return "workspace";
    return allowedHosts.has(destination) ? "session" : undefined;
  };

  return {
    async ask(question, signal) {
      const by = allowedAlready(question, remembered(question));
      if (by && question.secrets.length === 0) return { kind: "allow", by, secrets: "mask" };
      const choices = choicesFor(question, by);
      const chosen = await untilAborted(
        vscode.window.showWarningMessage(
          vscode.l10n.t("Send this to {0} at {1}?", question.model, question.destination),
          { modal: true, detail: describe(question) },
          ...choices.map((choice) => choice.title),
        ),
        signal,
      );
      const choice = choices.find((each) => each.title === chosen);
      if (choice?.show) await showInPlace(question.secrets, marks);
      const answer = choice?.answer;
      if (!answer) return { kind: "refuse" };
      if (answer.by === "session") allowedHosts.add(question.destination);
      if (answer.by === "workspace" && question.needsConsent) {
        const hosts = memory.get<readonly string[]>(memoryKey, []);
        await memory.update(memoryKey, [...new Set([...hosts, question.destination])]);
      }
      marks.clear();
      return answer;
    },
    async revoke() {
      allowedHosts.clear();
      await memory.update(memoryKey, undefined);
    },
    dispose: () => marks.dispose(),
  };
}

interface Choice {
  readonly title: string;
  readonly answer?: Allowed;
  readonly show?: true;
}

function choicesFor({ secrets, isUnbidden }: LeaveQuestion, by: Allowed["by"] | undefined): readonly Choice[] {
  const allow = (title: string, how: Allowed["by"], what: Allowed["secrets"] = "mask"): Choice => ({
    title,
    answer: { kind: "allow", by: how, secrets: what },
  });
  if (secrets.length > 0) {
    return [
      allow(vscode.l10n.t("Mask Them and Send"), by ?? "once"),
      { title: vscode.l10n.t("Show Them"), show: true },
      allow(vscode.l10n.t("Send Unmasked, This Once"), by ?? "once", "send"),
    ];
  }
  const once = allow(vscode.l10n.t("Send Once"), "once");
  if (isUnbidden) return [once];
  return [
    once,
    allow(vscode.l10n.t("Send, This Session"), "session"),
    ...(vscode.workspace.isTrusted && vscode.workspace.workspaceFolders
      ? [allow(vscode.l10n.t("Send, Always in This Workspace"), "workspace")]
      : []),
  ];
}

function describe(question: LeaveQuestion): string {
  const { sources, turns, promptTokens, price, secrets } = question;
  const files = sources.map(({ label, startLine, endLine }) => `• ${label}${formatLines(startLine, endLine)}`);
  const unsearched = unsearchedText(question.pictures);
  const found = secrets.map((secret) => `• ${describeSecret(secret)}`);
  return [
    ...(question.isUnbidden
      ? [
          vscode.l10n.t(
            "A check found fault with the answer you have; this asks a better model, as “escalation” is set.",
          ),
        ]
      : []),
    ...(files.length > 0 ? [vscode.l10n.t("These texts go with your question:"), ...shortened(files)] : []),
    ...(turns > 0 ? [vscode.l10n.t("{0} earlier messages of this chat go along.", turns)] : []),
    vscode.l10n.t("About {0} tokens.", promptTokens),
    ...(price ? [vscode.l10n.t("It costs {0} at most.", formatUsd(price.maxUsd))] : []),
    ...(question.isNamed && !question.isUnbidden
      ? [vscode.l10n.t("You chose this model: without sending there is no answer. Choose another one to stay here.")]
      : []),
    ...(unsearched ? ["", say(unsearched)] : []),
    ...(found.length > 0
      ? [
          "",
          vscode.l10n.t("Secrets or personal data were found:"),
          ...shortened(found),
          vscode.l10n.t("Masked, they are replaced by placeholders; the answer gets the real values back."),
        ]
      : []),
  ].join("\n");
}

function describeSecret({ label, preview, source, line }: SecretAtRisk): string {
  const place = source === undefined ? "" : ` · ${source}${line === undefined ? "" : `:${line}`}`;
  return `${say(label)}${place} · ${preview}`;
}

function shortened(rows: readonly string[]): readonly string[] {
  const more = rows.length - shownRows;
  return more > 0 ? [...rows.slice(0, shownRows), vscode.l10n.t("… and {0} more", more)] : rows;
}

/** Marks the lines in their files, and opens the first. */
async function showInPlace(secrets: readonly SecretAtRisk[], marks: vscode.DiagnosticCollection): Promise<void> {
  const byUri = new Map<string, vscode.Diagnostic[]>();
  for (const { uri, line, label } of secrets) {
    if (uri === undefined || line === undefined) continue;
    const range = new vscode.Range(line - 1, 0, line - 1, Number.MAX_SAFE_INTEGER);
    const text = vscode.l10n.t("This would have left your machine: {0}", say(label));
    const mark = new vscode.Diagnostic(range, text, vscode.DiagnosticSeverity.Warning);
    mark.source = "Switchyard";
    byUri.set(uri, [...(byUri.get(uri) ?? []), mark]);
  }
  marks.clear();
  for (const [uri, each] of byUri) marks.set(vscode.Uri.parse(uri), each);
  const [first] = byUri;
  if (!first) return;
  const [uri, [mark]] = first;
  await vscode.window.showTextDocument(vscode.Uri.parse(uri), mark ? { selection: mark.range } : {});
}

/** A dialog cannot be closed from here; once the task is stopped its answer no longer counts. */
async function untilAborted<T>(asked: Thenable<T | undefined>, signal: AbortSignal): Promise<T | undefined> {
  const left = new Promise<undefined>((resolve) => {
    signal.addEventListener("abort", () => resolve(undefined), { once: true });
  });
  return Promise.race([asked, left]);
}
