// What the person says of an answer: good or bad, another kind of task, better or worse than the first.
import * as vscode from "vscode";
import type { App } from "../core/app.ts";
import type { ToHost } from "../core/page-protocol.ts";
import type { Exchange } from "../core/session.ts";
import type { Conversation } from "./conversation.ts";
import { readAttached } from "./open-source.ts";
import type { SessionKeeper } from "./session-keeper.ts";

export type Judgement = Extract<ToHost, { kind: "correct" | "rate" | "compare" }>;

export const answerScheme = "switchyard-answer";

export interface JudgementParts {
  readonly app: () => Promise<App>;
  readonly keeper: SessionKeeper;
  readonly conversation: () => Conversation;
}

export async function judge(message: Judgement, { app, keeper, conversation }: JudgementParts): Promise<void> {
  const session = await keeper.current();
  const exchange = session.exchanges.find((each) => each.id === message.exchangeId);
  if (!exchange) return;
  if (message.kind === "correct") {
    // The answer may be under way: the person need not wait for the wrong one.
    conversation().stop(exchange.id);
    await (await app()).feedback.correct(exchange.question, message.task);
    await conversation().retry(exchange.id, readAttached, { kind: message.task });
  } else if (message.kind === "rate") {
    keeper.put(session.id, { ...exchange, rating: message.isGood ? "good" : "bad" });
    const route = exchange.badge?.route;
    if (route) await (await app()).feedback.rate(route.model, route.task, message.isGood);
  } else {
    const first = session.exchanges.find((each) => each.id === exchange.retryOf);
    if (first) await compare(first, exchange);
  }
}

/** Both answers side by side, as documents nobody can change. */
async function compare(first: Exchange, second: Exchange): Promise<void> {
  const name = (exchange: Exchange) => exchange.badge?.route.model ?? vscode.l10n.t("Answer");
  await vscode.commands.executeCommand(
    "vscode.diff",
    uriOf(first),
    uriOf(second),
    vscode.l10n.t("{0} and {1}", name(first), name(second)),
    { preview: true },
  );
}

function uriOf(exchange: Exchange): vscode.Uri {
  return vscode.Uri.from({ scheme: answerScheme, path: `/${exchange.id}.md` });
}

/** Gives the text of an answer of the open session. */
export function createAnswerContent(keeper: SessionKeeper): vscode.TextDocumentContentProvider {
  return {
    async provideTextDocumentContent(uri) {
      const session = await keeper.current();
      return session.exchanges.find((exchange) => uri.path === `/${exchange.id}.md`)?.answer ?? "";
    },
  };
}
