// What went wrong, with what can be done about it.
import type { PageCommand, ToHost } from "../core/page-protocol.ts";
import type { Remedies } from "../core/remedy.ts";
import { button, element, icon } from "./element.ts";
import type { Strings } from "./strings.ts";

export interface ShownError {
  readonly kind: string;
  readonly text: string;
  readonly remedies?: Remedies;
}

export interface ErrorParts {
  readonly strings: Strings;
  readonly post: (message: ToHost) => void;
}

export function errorBox({ kind, text, remedies }: ShownError, exchangeId: string, parts: ErrorParts): HTMLElement {
  const { strings, post } = parts;
  const box = element("div", { class: "error", role: "alert" }, icon("error"), element("span", {}, text));
  box.append(
    ...(helps(strings)[kind] ?? []).map(([icon, title, name, argument]) =>
      button(icon, title, () => post({ kind: "command", name, ...(argument ? { argument } : {}) }), true),
    ),
  );
  if (remedies) box.append(...remedyButtons(remedies, exchangeId, parts));
  return box;
}

type Help = readonly [icon: string, title: string, name: PageCommand, argument?: string];

/** What helps against each kind of failure; the others say in their text what to do. */
function helps({ t }: Strings): Readonly<Record<string, readonly Help[]>> {
  const settings = (key: string): Help => ["gear", t("Open Settings"), "openSettings", key];
  const log: Help = ["output", t("Show Log"), "showLog"];
  const pick: Help = ["hubot", t("Choose Model…"), "pickModel"];
  return {
    "model-missing": [["cloud-download", t("Get a Model…"), "getModel"]],
    "containers-away": [["play", t("Start Services"), "startServices"], log],
    "server-unreachable": [settings("ollamaUrl"), log],
    "server-error": [["lightbulb", t("Advice…"), "showAdvice"], log],
    "local-only": [pick, settings("localOnly")],
    "cloud-refused": [["key", t("Set Claude API Key…"), "setClaudeKey"]],
    "cloud-limit": [settings("dailyBudgetUsd")],
    internal: [log],
  };
}

function remedyButtons({ window, models }: Remedies, exchangeId: string, { strings, post }: ErrorParts) {
  const { t } = strings;
  const larger = window
    ? [
        button(
          "arrow-both",
          t("Use a window of {0} tokens…", window.contextTokens),
          () => post({ kind: "remedy", exchangeId }),
          true,
        ),
      ]
    : [];
  const others = models.map((model) =>
    button("hubot", t("Ask {0}, which holds it", model), () => post({ kind: "remedy", exchangeId, model }), true),
  );
  return [...larger, ...others];
}
