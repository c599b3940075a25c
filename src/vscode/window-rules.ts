// Says what this window keeps on this machine, for the service that its agents ask and that other windows share.
import { homedir } from "node:os";
import * as vscode from "vscode";
import { reasonOf } from "../core/reason-of.ts";
import type { WindowRules } from "../core/window-rules.ts";
import { strictest } from "../core/workspace-rules.ts";
import type { Announcement } from "../service/open-windows.ts";

/** From now until it is disposed, also when the rules change. */
export function announceRules(log: vscode.LogOutputChannel): vscode.Disposable {
  let announcement: Promise<Announcement> | undefined;
  async function announce(): Promise<void> {
    const rules = currentRules();
    // Most windows have none: their start does not pay for it.
    if (!announcement && !rules.offline && rules.localOnly.length === 0) return;
    announcement ??= openAnnouncement();
    await (await announcement).say(rules);
  }
  const tell = () =>
    void announce().catch((error: unknown) => {
      log.error(`rules of this window: ${String(error)}`);
      const text = vscode.l10n.t(
        "Other programs are not told what this window keeps here: {0}. Until that is mended they may send its texts through the service; Stop API for Other Programs ends it.",
        reasonOf(error),
      );
      void vscode.window.showErrorMessage(text);
    });
  tell();
  return vscode.Disposable.from(
    vscode.workspace.onDidChangeWorkspaceFolders(tell),
    vscode.workspace.onDidChangeConfiguration((event) => {
      if (event.affectsConfiguration("switchyard")) tell();
    }),
    { dispose: () => void announcement?.then((each) => each.dispose()) },
  );
}

async function openAnnouncement(): Promise<Announcement> {
  const [{ announceWindow }, { defaultHome }] = await Promise.all([
    import("../service/open-windows.ts"),
    import("../home.ts"),
  ]);
  return announceWindow(defaultHome(process.env, process.platform, homedir()));
}

function currentRules(): WindowRules {
  const configuration = vscode.workspace.getConfiguration("switchyard");
  const isOn = (key: string) => strictest(key, configuration.inspect(key)) === true;
  const folders = (vscode.workspace.workspaceFolders ?? []).map(({ uri }) => uri.fsPath);
  return { offline: isOn("offline"), localOnly: isOn("localOnly") ? folders : [] };
}
