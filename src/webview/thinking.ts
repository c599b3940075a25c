import { element } from "./element.ts";
import type { Strings } from "./strings.ts";

/** What the model thinks aloud, folded away, with a count that shows that it lives. */
export function createThinking(place: HTMLElement, { t }: Strings) {
  const text = element("div", { class: "thinking-text" });
  const summary = element("summary", {});
  const details = element("details", { class: "thinking" }, summary, text);
  let waiting = "";
  let length = 0;
  return {
    append(added: string): void {
      waiting += added;
    },
    draw(): boolean {
      if (waiting === "") return false;
      if (length === 0) place.replaceChildren(details);
      length += waiting.length;
      text.append(element("span", {}, waiting));
      waiting = "";
      summary.textContent = t("Thinking: {0} characters", length);
      return true;
    },
  };
}
