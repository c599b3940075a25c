// Fetching a model, with progress; a cancelled download goes on later where it stopped.

import * as vscode from "vscode";
import type { App, OfferedModel } from "../core/app.ts";
import { formatBytes } from "../core/format-bytes.ts";
import { signalOf } from "./cancellation.ts";

interface OfferItem extends vscode.QuickPickItem {
  readonly offer?: OfferedModel;
}

/** @param wanted tag to fetch without asking */
export async function getModel(app: App, wanted?: string): Promise<void> {
  const name = wanted ?? (await chooseOffer(app));
  if (!name) return;
  await vscode.window.withProgress(
    {
      location: vscode.ProgressLocation.Notification,
      title: vscode.l10n.t("Getting {0}", name),
      cancellable: true,
    },
    (progress, token) => pull(app, name, progress, signalOf(token)),
  );
  await vscode.commands.executeCommand("setContext", "switchyard.hasModel", true);
  void vscode.window.showInformationMessage(vscode.l10n.t("{0} is ready.", name));
}

async function pull(
  app: App,
  name: string,
  progress: vscode.Progress<{ message?: string; increment?: number }>,
  signal: AbortSignal,
): Promise<void> {
  let shownPercent = 0;
  const meter = createSpeedMeter();
  for await (const { status, completedBytes, totalBytes } of app.pull(name, signal)) {
    if (completedBytes === undefined || !totalBytes) {
      progress.report({ message: status });
      continue;
    }
    const percent = (completedBytes / totalBytes) * 100;
    const speed = meter(completedBytes);
    const left = speed > 0 ? (totalBytes - completedBytes) / speed : undefined;
    progress.report({
      message: [
        vscode.l10n.t("{0} of {1}", formatBytes(completedBytes), formatBytes(totalBytes)),
        ...(speed > 0 ? [vscode.l10n.t("{0}/s", formatBytes(speed))] : []),
        ...(left === undefined ? [] : [vscode.l10n.t("{0} s left", Math.ceil(left))]),
      ].join(" · "),
      increment: Math.max(0, percent - shownPercent),
    });
    shownPercent = Math.max(shownPercent, percent);
  }
}

/** Bytes a second since the first call. */
function createSpeedMeter(): (bytes: number) => number {
  let first: { readonly bytes: number; readonly atMs: number } | undefined;
  return (bytes) => {
    first ??= { bytes, atMs: performance.now() };
    const seconds = (performance.now() - first.atMs) / 1000;
    return seconds > 0.5 ? (bytes - first.bytes) / seconds : 0;
  };
}

async function chooseOffer(app: App): Promise<string | undefined> {
  const { signal } = new AbortController();
  const offers = await app.offers(signal);
  const items: OfferItem[] = [
    ...offers.map(
      (offer): OfferItem => ({
        offer,
        label: offer.name,
        description: [
          formatBytes(offer.sizeBytes),
          offer.fits ? vscode.l10n.t("fits this machine") : vscode.l10n.t("may not fit this machine’s memory"),
        ].join(" · "),
        detail: offer.backend,
      }),
    ),
    { label: "", kind: vscode.QuickPickItemKind.Separator },
    { label: `$(edit) ${vscode.l10n.t("Another model, by its name…")}` },
  ];
  const picked = await vscode.window.showQuickPick(items, {
    title: vscode.l10n.t("Get a model"),
    placeHolder: vscode.l10n.t("The first one suits this machine best"),
  });
  if (!picked) return undefined;
  if (picked.offer) return picked.offer.name;
  const named = await vscode.window.showInputBox({
    title: vscode.l10n.t("Name of the model"),
    placeHolder: "qwen3.5:9b",
    validateInput: (value) =>
      /^[\w./-]+(:[\w.-]+)?$/.test(value.trim()) ? undefined : vscode.l10n.t("A name looks like qwen3.5:9b"),
  });
  return named?.trim();
}
