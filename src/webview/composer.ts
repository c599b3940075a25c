// The box for the next question.
import { button, element, icon } from "./element.ts";
import type { Strings } from "./strings.ts";

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

export interface ComposerParts {
  readonly strings: Strings;
  readonly draft: string;
  readonly onDraft: (text: string) => void;
  readonly onSend: (text: string) => void;
  readonly onStop: () => void;
  readonly onDetach: (uri: string) => void;
  readonly onAttach: () => void;
  readonly onPickModel: () => void;
  /** What was asked last, for Arrow Up in the empty box. */
  readonly lastQuestion: () => string | undefined;
}

const maxHeightPx = 240;

export function createComposer(parts: ComposerParts): Composer {
  const { t } = parts.strings;
  const chips = element("ul", { class: "sources", "aria-label": t("Goes with the question") });
  const box = element("textarea", { id: "question", rows: "1", placeholder: t("Ask about your code…") });
  box.value = parts.draft;
  const model = element("button", { type: "button", class: "text-button", onclick: parts.onPickModel });
  const attach = button("add", t("Add the selection or file"), parts.onAttach);
  const send = button("send", t("Send"), submit);
  const stop = button("debug-stop", t("Stop"), parts.onStop);
  const hint = element("p", { class: "hint", id: "hint" }, t("Enter sends, Shift+Enter makes a new line, Esc stops"));
  box.setAttribute("aria-describedby", "hint");
  const label = element("label", { for: "question", class: "visually-hidden" }, t("Your question"));
  const row = element("div", { class: "composer-row" }, attach, model, element("span", { class: "grow" }), stop, send);
  const root = element("form", { class: "composer", "aria-label": t("Your question") }, chips, label, box, row, hint);

  function submit(): void {
    const text = box.value.trim();
    if (text === "") return;
    parts.onSend(text);
    setText("");
  }
  function setText(text: string): void {
    box.value = text;
    changed();
  }
  function changed(): void {
    parts.onDraft(box.value);
    box.style.height = "auto";
    box.style.height = `${Math.min(maxHeightPx, box.scrollHeight)}px`;
  }
  root.addEventListener("submit", (event) => {
    event.preventDefault();
    submit();
  });
  box.addEventListener("input", changed);
  box.addEventListener("keydown", (event) => {
    // While an input method composes, Enter chooses a character; 229 is how older ones say so.
    if (event.isComposing || event.keyCode === 229) return;
    if (event.key === "Enter" && !event.shiftKey) {
      event.preventDefault();
      submit();
    } else if (event.key === "ArrowUp" && box.value === "") {
      const last = parts.lastQuestion();
      if (last === undefined) return;
      event.preventDefault();
      setText(last);
    }
  });
  stop.hidden = true;
  queueMicrotask(changed);

  return {
    element: root,
    focus(text) {
      if (text !== undefined) setText(text);
      box.focus();
      box.setSelectionRange(box.value.length, box.value.length);
    },
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
