// The text of the next question: grows with what is typed, is kept as a draft, and knows its keys.
import { element } from "./element.ts";
import type { Strings } from "./strings.ts";

export interface QuestionBox {
  readonly element: HTMLTextAreaElement;
  /** Sends what is typed; nothing where that is nothing. */
  submit(): void;
  /** @param text in place of what is typed; absent: that stays */
  focus(text?: string): void;
}

export interface QuestionBoxParts {
  readonly strings: Strings;
  readonly draft: string;
  readonly onDraft: (text: string) => void;
  readonly onSend: (text: string) => void;
  /** What was asked last, for Arrow Up in the empty box. */
  readonly lastQuestion: () => string | undefined;
}

const maxHeightPx = 240;

/** @param describedBy id of what explains its keys */
export function createQuestionBox(parts: QuestionBoxParts, describedBy: string): QuestionBox {
  const { t } = parts.strings;
  const placeholder = t("Ask about your code…");
  const box = element("textarea", { id: "question", rows: "1", placeholder, "aria-describedby": describedBy });
  box.value = parts.draft;

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
  queueMicrotask(changed);
  return {
    element: box,
    submit,
    focus(text) {
      if (text !== undefined) setText(text);
      box.focus();
      box.setSelectionRange(box.value.length, box.value.length);
    },
  };
}
