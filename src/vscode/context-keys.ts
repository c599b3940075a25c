// What menus, welcome texts and the steps of the walkthrough go by; package.json names each as `switchyard.KEY`.
import * as vscode from "vscode";
import type { App } from "../core/app.ts";
import { canChat } from "../core/can-chat.ts";
import type { Exchange } from "../core/session.ts";

/** `has…` of the walkthrough: it was done here, not only begun. The editor remembers its steps over windows. */
type ContextKey =
  | "busy"
  | "hasAnswer"
  | "hasDocker"
  | "hasDiagnosis"
  | "hasFindings"
  | "hasModel"
  | "hasPreview"
  | "hasReview"
  | "hasServices"
  | "hasTranslation"
  | "translating"
  | "walkthroughOpened";

export function setContextKey(key: ContextKey, value: boolean): void {
  void vscode.commands.executeCommand("setContext", `switchyard.${key}`, value);
}

/** Whether there is a model to answer. A server that cannot be asked is told of where it is wanted. */
export async function lookForModel(app: App): Promise<boolean> {
  const models = await app.models(new AbortController().signal).catch(() => undefined);
  if (!models) return true;
  const isThere = models.some(canChat);
  setContextKey("hasModel", isThere);
  return isThere;
}

/** What the walkthrough asks for, where this answer is it. */
export function noteAnswer({ state, badge, sources, statedKind }: Exchange): void {
  if (state !== "done") return;
  setContextKey("hasModel", true);
  if (badge?.route.task === "review" && sources.length > 0) setContextKey("hasReview", true);
  if (!statedKind) setContextKey("hasAnswer", true);
}
