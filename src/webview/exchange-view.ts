// One question with its answer.
import type { Badge } from "../core/answer.ts";
import type { Finding } from "../core/finding.ts";
import type { ToHost, ToPage } from "../core/page-protocol.ts";
import type { AttachedSource, Exchange, ExchangeState } from "../core/session.ts";
import type { TaskKind } from "../core/task.ts";
import { isUnsure, likelyKinds } from "../core/unsure.ts";
import { type AnswerRenderer, createAnswerRenderer } from "./answer-renderer.ts";
import { badgeView } from "./badge-view.ts";
import { createCodeBlocks } from "./code-block.ts";
import { element, icon } from "./element.ts";
import { errorBox, type ShownError } from "./error-box.ts";
import { createActions, isRunning } from "./exchange-actions.ts";
import { visible } from "./hidden-characters.ts";
import type { Highlight } from "./highlight.ts";
import type { Strings } from "./strings.ts";
import { createUnsureRow, type UnsureRow } from "./unsure-row.ts";

export interface ExchangeView {
  readonly element: HTMLElement;
  state(): ExchangeState;
  append(channel: "answer" | "thinking", text: string): void;
  update(status: Extract<ToPage, { kind: "status" }>): void;
  /** Draws what has come since the last time. @returns whether something was drawn */
  draw(): boolean;
  /** Says which kind of task it is, where that is asked. @returns whether it was */
  pickKind(digit: number): boolean;
  /** Whether something has come that is not drawn yet. */
  isWaiting(): boolean;
}

export interface ExchangeParts {
  readonly strings: Strings;
  readonly highlight: Highlight;
  readonly post: (message: ToHost) => void;
}

export function createExchangeView(exchange: Exchange, parts: ExchangeParts): ExchangeView {
  const { strings, post } = parts;
  const { say } = strings;
  const exchangeId = exchange.id;
  let { state } = exchange;
  let answerText = exchange.answer;
  let { better } = exchange;
  let unsure: UnsureRow | undefined;
  const places = createPlaces(strings);
  const actions = createActions(places.actions, exchange, parts);
  const codeBlocks = createCodeBlocks({
    strings,
    highlight: parts.highlight,
    run: (action, code, language) => post({ kind: "code", exchangeId, action, code, language }),
  });
  const renderer: AnswerRenderer = createAnswerRenderer(places.answer, codeBlocks);
  const thinking = createThinking(places.thinking, strings);

  function showState(detail?: string): void {
    const text = stateText(state, detail, strings);
    places.state.replaceChildren(...(text ? [icon(isRunning(state) ? "loading" : "info"), ` ${text}`] : []));
    places.state.hidden = !text;
    places.answer.setAttribute("aria-busy", String(isRunning(state)));
    actions.show(state, answerText, better);
  }
  function showBadge(badge: Badge | undefined): void {
    if (!badge || isRunning(state)) return places.badge.replaceChildren();
    const wasOpen = places.badge.querySelector("details")?.open ?? false;
    // What a command stated cannot have been taken for something else.
    const correct = exchange.statedKind ? undefined : (task: TaskKind) => post({ kind: "correct", exchangeId, task });
    places.badge.replaceChildren(badgeView(badge, strings, wasOpen, correct));
  }
  /** Asked once, while the answer is under way; later the badge has the same question. */
  function askKind(badge: Badge | undefined): void {
    if (unsure || !badge || !isRunning(state) || exchange.statedKind || exchange.retryOf) return;
    const { classification } = badge.route;
    if (!isUnsure(classification)) return;
    unsure = createUnsureRow(likelyKinds(classification), strings, (task) =>
      post({ kind: "correct", exchangeId, task }),
    );
    places.unsure.append(unsure.element);
  }
  const addNotice = (text: string) => places.notices.append(element("li", {}, icon("info"), ` ${text}`));
  const showError = (error: ShownError) => places.error.replaceChildren(errorBox(error, exchangeId, parts));
  const showFindings = (findings: readonly Finding[]) =>
    places.findings.replaceChildren(...findings.map((finding) => findingRow(finding, parts)));

  renderer.append(exchange.answer);
  renderer.draw();
  if (!isRunning(state)) renderer.finish();
  thinking.append(exchange.thinking);
  thinking.draw();
  for (const notice of exchange.notices) addNotice(say(notice));
  showFindings(exchange.findings);
  if (exchange.error) showError({ ...exchange.error, text: say(exchange.error.text) });
  showState();
  showBadge(exchange.badge);

  return {
    element: layout(exchange, places, parts),
    state: () => state,
    append(channel, text) {
      if (channel === "thinking") return thinking.append(text);
      answerText += text;
      renderer.append(text);
    },
    update(status) {
      state = status.state;
      if (status.notice !== undefined) addNotice(status.notice);
      if (status.findings) showFindings(status.findings);
      if (status.error) showError(status.error);
      better = status.better ?? better;
      if (!isRunning(state)) renderer.finish();
      thinking.draw();
      showState(status.detail);
      showBadge(status.badge);
      askKind(status.badge);
      if (!isRunning(state)) unsure?.element.remove();
    },
    pickKind: (digit) => unsure?.pick(digit) ?? false,
    draw() {
      const drewThinking = thinking.draw();
      return (isRunning(state) && renderer.draw()) || drewThinking;
    },
    isWaiting: () => renderer.isWaiting(),
  };
}

type Places = ReturnType<typeof createPlaces>;

function createPlaces({ t }: Strings) {
  return {
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
}

function layout(exchange: Exchange, places: Places, parts: ExchangeParts): HTMLElement {
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
  const isTold = state === "streaming" || state === "loading";
  return (isTold ? detail : undefined) ?? texts[state];
}

/** What the model thinks aloud, folded away, with a count that shows that it lives. */
function createThinking(place: HTMLElement, { t }: Strings) {
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

function sourceList(sources: readonly AttachedSource[], { post, strings }: ExchangeParts): HTMLElement {
  const rows = sources.map(({ uri, label, startLine, endLine }) => {
    const lines = startLine === undefined ? "" : `:${startLine}${endLine === startLine ? "" : `-${endLine}`}`;
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
