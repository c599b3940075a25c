import * as vscode from "vscode";
import type { Source } from "../core/task.ts";
import { labelOf } from "./gather-sources.ts";

/** `Review: src/a.ts, src/b.ts` */
export function titled(verb: string, sources: readonly Source[]): string {
  const names = sources.map(({ uri, label, change }) => (change ? labelOf(vscode.Uri.parse(uri)) : label));
  const labels = [...new Set(names)];
  const shown = labels.slice(0, 3).join(", ");
  return labels.length > 3
    ? vscode.l10n.t("{0}: {1} and {2} more", verb, shown, labels.length - 3)
    : vscode.l10n.t("{0}: {1}", verb, shown);
}
