import * as vscode from "vscode";
import type { Badge } from "../core/answer.ts";
import { kindName, placeName } from "../core/names.ts";
import { say } from "./say.ts";

/** One line: what answered, where, how fast, why. */
export function badgeText({ route, tokensPerSecond, firstTokenMs }: Badge): string {
  return [
    say(kindName(route.task)),
    route.model,
    say(placeName(route.place)),
    ...(firstTokenMs === undefined ? [] : [vscode.l10n.t("first token {0} s", (firstTokenMs / 1000).toFixed(1))]),
    ...(tokensPerSecond === undefined ? [] : [vscode.l10n.t("{0} tokens/s", tokensPerSecond.toFixed(1))]),
    say(route.why),
  ].join(" · ");
}
