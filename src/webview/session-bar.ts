// Earlier conversations, and a new one.
import type { ToHost } from "../core/page-protocol.ts";
import type { SessionSummary } from "../core/session.ts";
import { button, element } from "./element.ts";
import type { Strings } from "./strings.ts";

export interface SessionBar {
  readonly element: HTMLElement;
  show(sessions: readonly SessionSummary[], currentId: string): void;
}

export function createSessionBar({ t }: Strings, post: (message: ToHost) => void): SessionBar {
  const select = element("select", { "aria-label": t("Conversations") });
  select.addEventListener("change", () => post({ kind: "openSession", sessionId: select.value }));
  const start = button("add", t("New conversation"), () => post({ kind: "newSession" }));
  const remove = button("trash", t("Delete this conversation"), () =>
    post({ kind: "deleteSession", sessionId: select.value }),
  );
  const root = element("header", { class: "session-bar" }, select, start, remove);
  return {
    element: root,
    show(sessions, currentId) {
      const isListed = sessions.some((session) => session.id === currentId);
      const current = isListed ? [] : [{ id: currentId, title: "", updatedAtMs: 0 }];
      const options = [...current, ...sessions].map(({ id, title }) =>
        element("option", { value: id, selected: id === currentId }, title || t("New conversation")),
      );
      select.replaceChildren(...options);
      remove.disabled = !isListed;
      root.hidden = sessions.length === 0;
    },
  };
}
