// What did not fit the context window is asked again: with a larger window, or another model.
import * as vscode from "vscode";
import type { ToHost } from "../core/page-protocol.ts";
import type { LargerWindow } from "../core/remedy.ts";
import type { Conversation } from "./conversation.ts";
import { readAttached } from "./open-source.ts";
import { say } from "./say.ts";
import type { SessionKeeper } from "./session-keeper.ts";

export type RemedyWish = Extract<ToHost, { kind: "remedy" }>;

/** Only what was offered is done: the page cannot name another window, nor another model. */
export async function applyRemedy(
  { exchangeId, model }: RemedyWish,
  keeper: SessionKeeper,
  conversation: Conversation,
): Promise<void> {
  const session = await keeper.current();
  const remedies = session.exchanges.find((each) => each.id === exchangeId)?.error?.remedies;
  if (!remedies) return;
  if (model !== undefined) {
    if (remedies.models.includes(model)) await conversation.retry(exchangeId, readAttached, { model });
    return;
  }
  if (remedies.window && (await enlarge(remedies.model, remedies.window)))
    await conversation.retry(exchangeId, readAttached, {});
}

/** @returns whether the person wanted it */
async function enlarge(model: string, { contextTokens, says, lines }: LargerWindow): Promise<boolean> {
  const use = vscode.l10n.t("Use It");
  const detail = [
    ...lines.map(say),
    say(says),
    "",
    vscode.l10n.t("The model is loaded anew. The setting “switchyard.maxContextTokens” becomes {0}.", contextTokens),
  ].join("\n");
  const title = vscode.l10n.t("Let {0} use a context window of {1} tokens?", model, contextTokens);
  if ((await vscode.window.showWarningMessage(title, { modal: true, detail }, use)) !== use) return false;
  const configuration = vscode.workspace.getConfiguration("switchyard");
  const isOfWorkspace = configuration.inspect("maxContextTokens")?.workspaceValue !== undefined;
  const target = isOfWorkspace ? vscode.ConfigurationTarget.Workspace : vscode.ConfigurationTarget.Global;
  await configuration.update("maxContextTokens", contextTokens, target);
  return true;
}
