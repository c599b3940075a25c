// The downloads that this window shows: one notification a model, whoever does the work.
import * as vscode from "vscode";
import type { App } from "../core/app.ts";
import type { PullProgress } from "../core/backend.ts";
import { percentOf, progressParts, stepText } from "../core/progress-text.ts";
import { isAbort } from "../core/task-error.ts";
import { signalOf } from "./cancellation.ts";
import { lookForModel } from "./context-keys.ts";
import { inform } from "./inform.ts";
import { say } from "./say.ts";

export interface DownloadTray {
  /** Gets a model and shows how it comes; one that is shown already is not shown twice. */
  show(app: App, model: string): Promise<void>;
  /** Goes on with what a window was getting when it was closed; costs nothing where there is nothing. */
  resume(app: () => Promise<App>): Promise<void>;
}

/** Remembered over windows: somebody is getting a model. */
const stateKey = "switchyard.downloading";

export function createDownloadTray(state: vscode.Memento, report: (error: unknown) => void): DownloadTray {
  const shown = new Set<string>();
  const tray: DownloadTray = {
    async show(app, model) {
      if (shown.has(model)) return;
      shown.add(model);
      await state.update(stateKey, true);
      let isThere = false;
      try {
        isThere = await pullShown(app, model);
      } catch (error) {
        report(error);
        return;
      } finally {
        shown.delete(model);
        if (shown.size === 0) await state.update(stateKey, undefined);
      }
      if (isThere) await tellReady(app, model);
      // Not waited for: it can also be gone on with elsewhere.
      else offerToGoOn(app, model, tray).catch(report);
    },
    async resume(app) {
      if (!state.get(stateKey)) return;
      const loaded = await app();
      // Who was getting it may not have ended yet, as after a reload: it is followed, and gone on with when that has.
      const left = (await loaded.downloads.list()).filter(({ state: now }) => ["interrupted", "running"].includes(now));
      if (left.length === 0) await state.update(stateKey, undefined);
      for (const { model } of left) void tray.show(loaded, model);
    },
  };
  return tray;
}

/** @returns false where it was paused or cancelled, here or in another window */
async function pullShown(app: App, model: string): Promise<boolean> {
  const title = vscode.l10n.t("Getting {0}", model);
  const options = { location: vscode.ProgressLocation.Notification, title, cancellable: true };
  try {
    await vscode.window.withProgress(options, (progress, token) => follow(app, model, progress, signalOf(token)));
    return true;
  } catch (error) {
    if (isAbort(error)) return false;
    throw error;
  }
}

async function follow(
  app: App,
  model: string,
  progress: vscode.Progress<{ message?: string; increment?: number }>,
  signal: AbortSignal,
): Promise<void> {
  let shownPercent = 0;
  for await (const each of app.pull(model, signal)) {
    if (each.warning) void vscode.window.showWarningMessage(`${model}: ${say(each.warning)}`);
    const percent = percentOf(each) ?? 0;
    progress.report({ message: textOf(each), increment: Math.max(0, percent - shownPercent) });
    shownPercent = Math.max(shownPercent, percent);
  }
}

function textOf(progress: PullProgress): string {
  const parts = progressParts(progress).map(say);
  return parts.length > 0 ? parts.join(" · ") : stepText(progress.status, say);
}

async function tellReady(app: App, model: string): Promise<void> {
  await lookForModel(app);
  await vscode.commands.executeCommand("switchyard.refreshServices");
  inform(vscode.l10n.t("{0} is ready.", model));
}

async function offerToGoOn(app: App, model: string, tray: DownloadTray): Promise<void> {
  const isPaused = (await app.downloads.list()).some((each) => each.model === model && each.state === "paused");
  if (!isPaused) return;
  const resume = vscode.l10n.t("Go On");
  const discard = vscode.l10n.t("Throw Away");
  const text = vscode.l10n.t("The download of {0} is paused; what arrived is kept.", model);
  const chosen = await vscode.window.showInformationMessage(text, resume, discard);
  if (chosen === discard) await app.downloads.cancel(model, new AbortController().signal);
  if (chosen === resume) await tray.show(app, model);
}
