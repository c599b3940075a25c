// What would happen, before anything runs.
import * as vscode from "vscode";
import type { App } from "../core/app.ts";
import { evidenceTexts, kindName, placeName, serverName } from "../core/names.ts";
import type { Route } from "../core/route.ts";
import type { Ask, Source } from "../core/task.ts";
import { setContextKey } from "./context-keys.ts";
import { say } from "./say.ts";

/** Asks for the question, then shows kind, evidence, model and alternatives. */
export async function whichModel(app: App, sources: readonly Source[]): Promise<void> {
  const text = await vscode.window.showInputBox({
    title: vscode.l10n.t("Which model would you pick?"),
    prompt:
      sources.length > 0
        ? vscode.l10n.t("What would you ask about {0}?", sources.map((source) => source.label).join(", "))
        : vscode.l10n.t("What would you ask?"),
    placeHolder: vscode.l10n.t("Is there a race condition in this?"),
  });
  if (text === undefined) return;
  const ask: Ask = { text, sources, history: [] };
  const route = await app.preview(ask, new AbortController().signal);
  setContextKey("hasPreview", true);
  const picked = await vscode.window.showQuickPick(rows(route), {
    title: vscode.l10n.t("{0} would answer", route.model),
    placeHolder: vscode.l10n.t("Nothing has run yet. Choose “Ask now” to run it."),
    matchOnDetail: true,
  });
  if (picked?.ask) await vscode.commands.executeCommand("switchyard.startChat", { text, sources });
}

interface Row extends vscode.QuickPickItem {
  readonly ask?: boolean;
}

function rows(route: Route): readonly Row[] {
  const { kind, confidence, evidence } = route.classification;
  const seen = evidenceTexts(evidence, kind, say);
  return [
    { label: `$(play) ${vscode.l10n.t("Ask now")}`, ask: true },
    { label: vscode.l10n.t("Task"), kind: vscode.QuickPickItemKind.Separator },
    {
      label: `$(tag) ${say(kindName(kind))}`,
      description: vscode.l10n.t("{0} % sure", Math.round(confidence * 100)),
      detail:
        seen.length > 0
          ? vscode.l10n.t("Seen: {0}", seen.join(", "))
          : vscode.l10n.t("Nothing points to a special kind of task"),
    },
    { label: vscode.l10n.t("Model"), kind: vscode.QuickPickItemKind.Separator },
    {
      label: `$(hubot) ${route.model}`,
      description: `${say(serverName(route.backend))} · ${say(placeName(route.place))}`,
      detail: say(route.why),
    },
    { label: vscode.l10n.t("Alternatives"), kind: vscode.QuickPickItemKind.Separator },
    ...route.alternatives.map((alternative) => ({
      label: `$(circle-outline) ${alternative.model}`,
      description: alternative.backend ? say(serverName(alternative.backend)) : "",
      detail: say(alternative.why),
    })),
  ];
}
