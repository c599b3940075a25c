import type { ToPage } from "../core/page-protocol.ts";
import type { ExchangeState } from "../core/session.ts";
import type { Strings } from "./strings.ts";

/** What a screen reader hears when the state of an answer changes; never the answer piece by piece. */
export function badgeLine({ state, error }: Extract<ToPage, { kind: "status" }>, { t }: Strings): string {
  const texts: Readonly<Record<ExchangeState, string>> = {
    queued: t("Waiting…"),
    routing: t("Choosing a model…"),
    loading: t("Loading the model…"),
    streaming: t("The answer is being written"),
    done: t("The answer is complete"),
    stopped: t("Stopped"),
    failed: error?.text ?? t("failed"),
    interrupted: t("The window was closed in the middle. What had arrived is kept."),
  };
  return texts[state];
}
