// Asked beside an answer that is under way where nobody could tell what kind of task it is. Nothing waits for the reply.
import { kindName } from "../core/names.ts";
import type { TaskKind } from "../core/task.ts";
import { element } from "./element.ts";
import { keepFocus } from "./keep-focus.ts";
import type { Strings } from "./strings.ts";

export interface UnsureRow {
  readonly element: HTMLElement;
  /** @param digit as on the key, from 1 @returns whether there was such a choice */
  pick(digit: number): boolean;
}

export function createUnsureRow(
  kinds: readonly TaskKind[],
  { t, say }: Strings,
  choose: (kind: TaskKind) => void,
): UnsureRow {
  let isAnswered = false;
  const pick = (kind: TaskKind) => {
    if (isAnswered) return;
    isAnswered = true;
    keepFocus(() => root.remove());
    choose(kind);
  };
  const buttons = kinds.map((kind, at) => {
    const key = element("kbd", {}, String(at + 1));
    return element(
      "button",
      { type: "button", class: "text-button", onclick: () => pick(kind) },
      key,
      say(kindName(kind)),
    );
  });
  const label = t("Not sure what kind of task this is; a generalist answers. Is it one of these?");
  const root = element(
    "div",
    { class: "unsure", role: "group", "aria-label": label },
    element("span", {}, label),
    ...buttons,
  );
  return {
    element: root,
    pick(digit) {
      const kind = isAnswered ? undefined : kinds[digit - 1];
      if (kind) pick(kind);
      return kind !== undefined;
    },
  };
}
