// Reviews: of what is selected, of files, of what changed.
import * as vscode from "vscode";
import type { Source } from "../core/task.ts";
import { gatherChanges } from "./gather-changes.ts";
import type { Host } from "./host.ts";
import { titled } from "./task-title.ts";

/** @param given what a menu hands over, as `gatherChanges` takes it */
export async function reviewChanges(host: Host, given: readonly unknown[]): Promise<void> {
  const changes = await gatherChanges(given);
  if (!changes) return;
  const { sources, leftOut } = changes;
  const left = leftOut.length > 0 ? vscode.l10n.t("Left out: {0}", leftOut.join(", ")) : "";
  const none = vscode.l10n.t("Nothing has changed that could be reviewed.");
  const said = [...(sources.length === 0 ? [none] : []), ...(left === "" ? [] : [left])].join(" ");
  if (said !== "") void vscode.window.showInformationMessage(said);
  if (sources.length > 0) await review(host, sources, vscode.l10n.t("Review Changes"));
}

export async function review(host: Host, sources: readonly Source[], title = vscode.l10n.t("Review")): Promise<void> {
  const status = vscode.languages.createLanguageStatusItem("switchyard.review", { pattern: "**" });
  status.name = "Switchyard";
  status.text = vscode.l10n.t("Reviewing…");
  status.busy = true;
  try {
    const exchange = await host.ask({
      title: titled(title, sources),
      ask: { kind: "review", text: "", sources },
    });
    if (exchange.state !== "done" && exchange.findings.length === 0) return;
    const reviewed = [...new Set(sources.map((source) => source.uri))].map((uri) => vscode.Uri.parse(uri));
    host.findings.show(reviewed, exchange.findings);
  } finally {
    status.dispose();
  }
}
