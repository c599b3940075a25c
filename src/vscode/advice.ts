// Switchyard: Advice… What to change, with the evidence; changed and measured again; taken back.
import * as vscode from "vscode";
import * as z from "zod/mini";
import type { Advice } from "../core/advice.ts";
import type { App } from "../core/app.ts";
import {
  type AppliedAdvice,
  applyAdvice,
  changedSince,
  comparison,
  type SettingsKeeper,
  undoAdvice,
} from "../core/apply-advice.ts";
import { msg } from "../core/message.ts";
import { TaskError } from "../core/task-error.ts";
import { signalOf } from "./cancellation.ts";
import type { DownloadTray } from "./download-tray.ts";
import { inform } from "./inform.ts";
import { say } from "./say.ts";

interface AdviceItem extends vscode.QuickPickItem {
  readonly run: () => Promise<void>;
}

export async function showAdvice(app: App, tray: DownloadTray): Promise<void> {
  const { signal } = new AbortController();
  const [list, applied] = await Promise.all([app.advice.list(signal), app.advice.applied()]);
  const items: readonly AdviceItem[] = [
    ...list.map((advice) => ({ ...itemOf(advice), run: () => offer(app, tray, advice) })),
    ...(applied
      ? [
          {
            label: `$(discard) ${vscode.l10n.t("Undo: {0}", say(applied.changeText))}`,
            detail: comparison(applied).map(say).at(-1) ?? "",
            run: () => undo(app),
          },
        ]
      : []),
  ];
  if (items.length === 0) {
    const text = vscode.l10n.t("No advice: what was recorded shows nothing to mend.");
    inform(text);
    return;
  }
  const title = vscode.l10n.t("Advice, from what was measured here");
  const picked = await vscode.window.showQuickPick(items, { title, matchOnDetail: true });
  await picked?.run();
}

function itemOf({ title, evidence, changeText }: Advice): vscode.QuickPickItem {
  return {
    label: `$(lightbulb) ${say(title)}`,
    description: `→ ${say(changeText)}`,
    detail: evidence.map(say).join(" · "),
  };
}

async function offer(app: App, tray: DownloadTray, advice: Advice): Promise<void> {
  const apply = vscode.l10n.t("Apply and Measure");
  const needed = advice.needs ? [vscode.l10n.t("{0} is downloaded first.", advice.needs)] : [];
  const detail = [...advice.evidence.map(say), "", `→ ${say(advice.changeText)}`, ...needed].join("\n");
  const options = { modal: true, detail };
  if ((await vscode.window.showInformationMessage(say(advice.title), options, apply)) !== apply) return;
  if (advice.needs) {
    await tray.show(app, advice.needs);
    const isThere = (await app.models(new AbortController().signal)).some(({ name }) => name === advice.needs);
    if (!isThere) return;
  }
  const applied = await vscode.window.withProgress(
    { location: vscode.ProgressLocation.Notification, title: say(advice.changeText), cancellable: true },
    (progress, token) => {
      const steps = { before: vscode.l10n.t("measuring as it is"), after: vscode.l10n.t("measuring after the change") };
      const tell = (step: "before" | "after") => progress.report({ message: steps[step] });
      return applyAdvice(advice, app.advice, createKeeper(), tell, signalOf(token));
    },
  );
  await showResult(app, applied);
}

async function showResult(app: App, applied: AppliedAdvice): Promise<void> {
  const keep = vscode.l10n.t("Keep");
  const takeBack = vscode.l10n.t("Undo");
  const detail = comparison(applied).map(say).join("\n");
  const text = vscode.l10n.t("Changed and measured: {0}", say(applied.changeText));
  const chosen = await vscode.window.showInformationMessage(text, { modal: true, detail }, keep, takeBack);
  if (chosen === takeBack) await undo(app);
}

async function undo(app: App): Promise<void> {
  const undone = await undoAdvice(app.advice, createKeeper());
  inform(vscode.l10n.t("Taken back: {0}", say(undone.changeText)));
}

const undoSchema = z.object({
  key: z.string(),
  isWorkspace: z.boolean(),
  /** Absent: it was not set. */
  before: z.optional(z.unknown()),
  after: z.unknown(),
});

/** Changes a setting where the person has it already, else for all their workspaces. */
function createKeeper(): SettingsKeeper {
  const settings = () => vscode.workspace.getConfiguration("switchyard");
  const targetOf = (isWorkspace: boolean) =>
    isWorkspace ? vscode.ConfigurationTarget.Workspace : vscode.ConfigurationTarget.Global;
  return {
    async change({ key, value }) {
      const found = settings().inspect(key);
      const isWorkspace = found?.workspaceValue !== undefined;
      const before = isWorkspace ? found.workspaceValue : found?.globalValue;
      await settings().update(key, value, targetOf(isWorkspace));
      return { key, isWorkspace, after: value, ...(before === undefined ? {} : { before }) };
    },
    async undo(changed) {
      const { data } = undoSchema.safeParse(changed);
      if (!data) throw new TaskError("bad-input", msg("This was changed from a shell; take it back there."));
      const found = settings().inspect(data.key);
      const now = data.isWorkspace ? found?.workspaceValue : found?.globalValue;
      if (JSON.stringify(now) !== JSON.stringify(data.after)) throw changedSince(data.key);
      await settings().update(data.key, data.before, targetOf(data.isWorkspace));
    },
  };
}
