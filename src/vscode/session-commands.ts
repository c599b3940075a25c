// Finding and keeping conversations.
import * as vscode from "vscode";
import type { App } from "../core/app.ts";
import { placeName } from "../core/names.ts";
import type { Exchange, Session } from "../core/session.ts";
import { inform } from "./inform.ts";
import { say } from "./say.ts";
import type { SessionKeeper } from "./session-keeper.ts";

interface FoundItem extends vscode.QuickPickItem {
  readonly sessionId: string;
}

/** All conversations; what is typed is looked for in questions and answers. @returns id of the chosen one */
export async function findSession(app: App, keeper: SessionKeeper): Promise<string | undefined> {
  const summaries = await keeper.list();
  const sessions = await Promise.all(summaries.map(({ id }) => app.sessions.load(id)));
  const items = sessions.flatMap((session): readonly FoundItem[] => (session ? itemsOf(session) : []));
  const picked = await vscode.window.showQuickPick(items, {
    title: vscode.l10n.t("Find in Conversations"),
    placeHolder: vscode.l10n.t("Words of a question or an answer"),
    matchOnDetail: true,
    matchOnDescription: true,
  });
  return picked?.sessionId;
}

function itemsOf(session: Session): readonly FoundItem[] {
  return session.exchanges.map(({ question, answer, askedAtMs }) => ({
    label: question.replace(/\s+/g, " ").slice(0, 100),
    description: new Date(askedAtMs).toLocaleString(),
    detail: answer.replace(/\s+/g, " ").slice(0, 4000),
    sessionId: session.id,
  }));
}

/** Opens the open conversation as a markdown document, to be saved anywhere. */
export async function exportSession(keeper: SessionKeeper): Promise<void> {
  const session = await keeper.current();
  if (session.exchanges.length === 0) {
    inform(vscode.l10n.t("This conversation is empty."));
    return;
  }
  const content = [`# ${session.title}`, ...session.exchanges.map(asMarkdown)].join("\n\n");
  const document = await vscode.workspace.openTextDocument({ language: "markdown", content: `${content}\n` });
  await vscode.window.showTextDocument(document, { preview: false });
  if (session.exchanges.every(({ localOnly = [] }) => localOnly.length === 0)) return;
  void vscode.window.showWarningMessage(
    vscode.l10n.t(
      "Texts in this conversation are local only. This copy is a text like any other: save it where local-only files are, or nothing keeps it on this machine.",
    ),
  );
}

function asMarkdown({ question, answer, badge, sources }: Exchange): string {
  const from = sources.map(({ label, startLine }) => `\`${label}${startLine === undefined ? "" : `:${startLine}`}\``);
  const route = badge ? [`*${badge.route.model} · ${say(placeName(badge.route.place))}*`] : [];
  return [`## ${question}`, ...(from.length > 0 ? [from.join(", ")] : []), answer, ...route].join("\n\n");
}
