// Where what belongs to an exchange stands in the page, and how it looks there.

import type { Badge } from "../core/answer.ts";
import type { Finding } from "../core/finding.ts";
import { formatLines } from "../core/format-lines.ts";
import type { ToHost } from "../core/page-protocol.ts";
import type { AttachedSource, Exchange, ExchangeState } from "../core/session.ts";
import type { TaskKind } from "../core/task.ts";
import { badgeView } from "./badge-view.ts";
import { element, icon } from "./element.ts";
import { errorBox, type ShownError } from "./error-box.ts";
import { isRunning } from "./exchange-actions.ts";
import { visible } from "./hidden-characters.ts";
import type { Highlight } from "./highlight.ts";
import type { Strings } from "./strings.ts";

export interface ExchangeParts {
  readonly strings: Strings;
  readonly highlight: Highlight;
  readonly post: (message: ToHost) => void;
}

export interface ExchangePlaces {
  readonly element: HTMLElement;
  readonly answer: HTMLElement;
  readonly thinking: HTMLElement;
  readonly unsure: HTMLElement;
  readonly actions: HTMLElement;
  showState(state: ExchangeState, detail?: string): void;
  /** @param correct absent where the kind of task cannot have been taken for another */
  showBadge(badge: Badge | undefined, correct: ((task: TaskKind) => void) | undefined): void;
  showError(error: ShownError): void;
  showFindings(findings: readonly Finding[]): void;
  addNotice(text: string): void;
}

export function createPlaces(exchange: Exchange, parts: ExchangeParts): ExchangePlaces {
  const { strings } = parts;
  const { t } = strings;
  const places = {
    thinking: element("div", { class: "thinking-place" }),
    unsure: element("div", {}),
    notices: element("ul", { class: "notices" }),
    findings: element("ul", { class: "findings" }),
    answer: element("div", { class: "answer" }),
    state: element("p", { class: "state" }),
    error: element("div", { class: "error-place" }),
    badge: element("div", {}),
    actions: element("div", { class: "actions", role: "group", "aria-label": t("Actions for this answer") }),
  };
  const { answer, thinking, unsure, actions } = places;
  return {
    element: layout(exchange, places, parts),
    answer,
    thinking,
    unsure,
    actions,
    showState(state, detail) {
      const text = stateText(state, detail, strings);
      places.state.replaceChildren(...(text ? [icon(isRunning(state) ? "loading" : "info"), ` ${text}`] : []));
      places.state.hidden = !text;
      answer.setAttribute("aria-busy", String(isRunning(state)));
    },
    showBadge(badge, correct) {
      const wasOpen = places.badge.querySelector("details")?.open ?? false;
      places.badge.replaceChildren(...(badge ? [badgeView(badge, strings, wasOpen, correct)] : []));
    },
    showError: (error) => places.error.replaceChildren(errorBox(error, exchange.id, parts)),
    showFindings: (findings) =>
      places.findings.replaceChildren(...findings.map((finding) => findingRow(finding, parts))),
    addNotice: (text) => places.notices.append(element("li", {}, icon("info"), ` ${text}`)),
  };
}

type PlaceName = "thinking" | "unsure" | "notices" | "findings" | "answer" | "state" | "error" | "badge" | "actions";

function layout(
  exchange: Exchange,
  places: Readonly<Record<PlaceName, HTMLElement>>,
  parts: ExchangeParts,
): HTMLElement {
  return element(
    "article",
    { class: "exchange", "aria-label": exchange.question },
    element("h2", { class: "question" }, exchange.question),
    sourceList(exchange.sources, parts),
    places.unsure,
    places.thinking,
    places.notices,
    places.findings,
    places.answer,
    places.state,
    places.error,
    places.badge,
    places.actions,
  );
}

function stateText(state: ExchangeState, detail: string | undefined, { t }: Strings): string | undefined {
  const texts: Partial<Record<ExchangeState, string>> = {
    queued: t("Waiting…"),
    routing: t("Choosing a model…"),
    loading: t("Loading the model…"),
    interrupted: t("The window was closed in the middle. What had arrived is kept."),
  };
  return (isRunning(state) ? detail : undefined) ?? texts[state];
}

function sourceList(sources: readonly AttachedSource[], { post, strings }: ExchangeParts): HTMLElement {
  const rows = sources.map(({ uri, label, startLine, endLine }) => {
    const lines = formatLines(startLine, endLine);
    const open = () => post({ kind: "openSource", uri, ...(startLine === undefined ? {} : { line: startLine }) });
    const chip = element("button", { type: "button", class: "chip", onclick: open }, icon("file"), ` ${label}${lines}`);
    return element("li", {}, chip);
  });
  const list = element("ul", { class: "sources", "aria-label": strings.t("Sources") }, ...rows);
  list.hidden = rows.length === 0;
  return list;
}

function findingRow(finding: Finding, { post, strings }: ExchangeParts): HTMLElement {
  const { t } = strings;
  const icons = { problem: "warning", suggestion: "lightbulb", style: "paintcan" };
  const names = { problem: t("problem"), suggestion: t("suggestion"), style: t("style") };
  const open = () => post({ kind: "openSource", uri: finding.uri, line: finding.startLine });
  const row = element(
    "button",
    { type: "button", class: "finding", onclick: open },
    icon(icons[finding.severity]),
    element("span", { class: "finding-kind" }, names[finding.severity]),
    element("span", { class: "finding-title" }, ...visible(finding.title)),
    element("span", { class: "dim" }, t("line {0}", finding.startLine)),
  );
  return element("li", {}, row);
}
