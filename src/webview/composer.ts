// The box for the next question, with what goes with it and who answers it.
import { button, element, icon } from "./element.ts";
import { createQuestionBox, type QuestionBoxParts } from "./question-box.ts";

interface Attached {
  readonly uri: string;
  readonly label: string;
}

export interface Composer {
  readonly element: HTMLElement;
  focus(text?: string): void;
  showAttached(attached: readonly Attached[]): void;
  showModel(label: string): void;
  setBusy(isBusy: boolean): void;
}

export interface ComposerParts extends QuestionBoxParts {
  readonly onStop: () => void;
  readonly onDetach: (uri: string) => void;
  readonly onAttach: () => void;
  readonly onPickModel: () => void;
}

export function createComposer(parts: ComposerParts): Composer {
  const { t } = parts.strings;
  const box = createQuestionBox(parts, "hint");
  const chips = element("ul", { class: "sources", "aria-label": t("Goes with the question") });
  const model = element("button", { type: "button", class: "text-button", onclick: parts.onPickModel });
  const attach = button("add", t("Add the selection or file"), parts.onAttach);
  const send = button("send", t("Send"), box.submit);
  const stop = button("debug-stop", t("Stop"), parts.onStop);
  const hint = element("p", { class: "hint", id: "hint" }, t("Enter sends, Shift+Enter makes a new line, Esc stops"));
  const label = element("label", { for: "question", class: "visually-hidden" }, t("Your question"));
  const row = element("div", { class: "composer-row" }, attach, model, element("span", { class: "grow" }), stop, send);
  const named = { class: "composer", "aria-label": t("Your question") };
  const root = element("form", named, chips, label, box.element, row, hint);
  root.addEventListener("submit", (event) => {
    event.preventDefault();
    box.submit();
  });
  stop.hidden = true;

  return {
    element: root,
    focus: box.focus,
    showAttached(attached) {
      chips.replaceChildren(...attached.map((each) => chipOf(each, parts)));
      chips.hidden = attached.length === 0;
    },
    showModel(name) {
      model.replaceChildren(icon("hubot"), element("span", {}, name));
      model.setAttribute("aria-label", t("Model: {0}", name));
      model.title = t("Which model answers: click to choose");
    },
    setBusy(isBusy) {
      stop.hidden = !isBusy;
    },
  };
}

function chipOf({ uri, label }: Attached, { strings, onDetach }: ComposerParts): HTMLElement {
  const { t } = strings;
  const remove = button("close", t("Remove {0}", label), () => onDetach(uri));
  return element("li", { class: "chip" }, icon("file"), ` ${label}`, remove);
}
