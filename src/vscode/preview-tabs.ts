// Tabs by what they show.
import * as vscode from "vscode";

/** Undefined where it is no text, or two. */
export function shownIn({ input }: vscode.Tab): vscode.Uri | undefined {
  return input instanceof vscode.TabInputText ? input.uri : undefined;
}

export function tabsWith(isMeant: (uri: vscode.Uri) => boolean): readonly vscode.Tab[] {
  const tabs = vscode.window.tabGroups.all.flatMap((group) => group.tabs);
  return tabs.filter((tab) => {
    const uri = shownIn(tab);
    return uri !== undefined && isMeant(uri);
  });
}

export async function closeTabs(isMeant: (uri: vscode.Uri) => boolean): Promise<void> {
  await vscode.window.tabGroups.close(tabsWith(isMeant));
}
