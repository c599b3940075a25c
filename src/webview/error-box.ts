// What went wrong, with what can be done about it.
import type { ToHost } from "../core/page-protocol.ts";
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
  if (kind === "model-missing") {
    const get = () => post({ kind: "command", name: "getModel" });
    box.append(button("cloud-download", strings.t("Get a Model…"), get, true));
  }
  if (remedies) box.append(...remedyButtons(remedies, exchangeId, parts));
  return box;
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
