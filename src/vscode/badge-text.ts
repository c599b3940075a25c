import * as vscode from "vscode";
import type { Badge } from "../core/answer.ts";
import type { TaskKind } from "../core/task.ts";
import { say } from "./say.ts";

export function kindName(kind: TaskKind): string {
  const names: Readonly<Record<TaskKind, string>> = {
    review: vscode.l10n.t("Review"),
    translate: vscode.l10n.t("Translate"),
    explain: vscode.l10n.t("Explain"),
    document: vscode.l10n.t("Document"),
    create: vscode.l10n.t("Create"),
    analyze: vscode.l10n.t("Analyze"),
    code: vscode.l10n.t("Code"),
    chat: vscode.l10n.t("Chat"),
  };
  return names[kind];
}

/** One line: what answered, where, how fast, why. */
export function badgeText({ route, tokensPerSecond, firstTokenMs }: Badge): string {
  const places = {
    "this-machine": vscode.l10n.t("this machine"),
    network: vscode.l10n.t("your network"),
    cloud: vscode.l10n.t("cloud"),
  };
  return [
    kindName(route.task),
    route.model,
    places[route.place],
    ...(firstTokenMs === undefined ? [] : [vscode.l10n.t("first token {0} s", (firstTokenMs / 1000).toFixed(1))]),
    ...(tokensPerSecond === undefined ? [] : [vscode.l10n.t("{0} tokens/s", tokensPerSecond.toFixed(1))]),
    say(route.why),
  ].join(" · ");
}

export function gigabytes(bytes: number): string {
  return bytes < 1e9 ? `${Math.round(bytes / 1e6)} MB` : `${(bytes / 1e9).toFixed(1)} GB`;
}
