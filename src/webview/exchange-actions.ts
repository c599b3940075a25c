// The buttons under an answer.
import type { ToHost } from "../core/page-protocol.ts";
import type { Exchange, ExchangeState } from "../core/session.ts";
import { button } from "./element.ts";
import type { Strings } from "./strings.ts";

export interface ActionParts {
  readonly strings: Strings;
  readonly post: (message: ToHost) => void;
}

export interface Actions {
  /** Shows what can be done now with the answer as far as it has come. */
  show(state: ExchangeState, answer: string, better: Exchange["better"]): void;
}

const running: readonly ExchangeState[] = ["queued", "routing", "loading", "streaming"];

export function isRunning(state: ExchangeState): boolean {
  return running.includes(state);
}

export function createActions(place: HTMLElement, exchange: Exchange, parts: ActionParts): Actions {
  const { post } = parts;
  const { t } = parts.strings;
  const { id: exchangeId, retryOf } = exchange;
  const thumbs = createThumbs(exchange, parts);
  let answer = "";
  let shown = "";

  function askBetter({ model, place }: NonNullable<Exchange["better"]>): HTMLElement {
    const label = place === "cloud" ? t("Ask {0}: you see first what is sent", model) : t("Ask the larger {0}", model);
    return button("sparkle", label, () => post({ kind: "askBetter", exchangeId }), true);
  }
  function buttonsFor(state: ExchangeState, better: Exchange["better"]): readonly HTMLElement[] {
    if (isRunning(state)) return [button("debug-stop", t("Stop"), () => post({ kind: "stop", exchangeId }), true)];
    const retry = (pickModel: boolean) => () => post({ kind: "retry", exchangeId, pickModel });
    const compare = () => post({ kind: "compare", exchangeId });
    const copy = () => post({ kind: "code", exchangeId, action: "copy", code: answer, language: "markdown" });
    return [
      ...(answer === "" ? [] : [button("copy", t("Copy answer"), copy), ...thumbs]),
      ...(better ? [askBetter(better)] : []),
      button("refresh", t("Try again"), retry(false)),
      button("hubot", t("Try again with another model"), retry(true)),
      ...(retryOf ? [button("diff", t("Compare with the first answer"), compare)] : []),
    ];
  }
  return {
    /** Buttons stay the same elements while they mean the same: the focus and a click on its way are kept. */
    show(state, text, better) {
      answer = text;
      const meaning = isRunning(state) ? "running" : `ended ${answer === ""} ${better?.model}`;
      if (meaning === shown) return;
      shown = meaning;
      const hadFocus = place.contains(document.activeElement);
      const buttons = buttonsFor(state, better);
      place.replaceChildren(...buttons);
      // Who has stopped by keyboard is at what can be done next.
      if (hadFocus) buttons[0]?.focus();
    },
  };
}

function createThumbs({ id: exchangeId, rating: first }: Exchange, { strings, post }: ActionParts) {
  const { t } = strings;
  let rating = first;
  const good = button("thumbsup", t("Good answer"), () => rate(true));
  const bad = button("thumbsdown", t("Bad answer"), () => rate(false));
  const show = () => {
    good.setAttribute("aria-pressed", String(rating === "good"));
    bad.setAttribute("aria-pressed", String(rating === "bad"));
  };
  const rate = (isGood: boolean) => {
    const said = isGood ? "good" : "bad";
    if (rating === said) return;
    rating = said;
    show();
    post({ kind: "rate", exchangeId, isGood });
  };
  show();
  return [good, bad];
}
