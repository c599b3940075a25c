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
import { button, element, icon } from "./element.ts";
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

const running: readonly ExchangeState[] = ["queued", "routing", "loading", "streaming"];

export function isRunning(state: ExchangeState): boolean {
  return running.includes(state);
}

export function createExchangeView(exchange: Exchange, parts: ExchangeParts): ExchangeView {
  const { strings, post } = parts;
  const { t, say } = strings;
  const exchangeId = exchange.id;
  let { state, rating } = exchange;
  let answerText = exchange.answer;
  let shownActions = "";
  let unsure: UnsureRow | undefined;
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
  const codeBlocks = createCodeBlocks({
    strings,
    highlight: parts.highlight,
    run: (action, code, language) => post({ kind: "code", exchangeId, action, code, language }),
  });
  const renderer: AnswerRenderer = createAnswerRenderer(places.answer, codeBlocks);
  const thinking = createThinking(places.thinking, strings);

  function showState(detail?: string): void {
    const texts: Partial<Record<ExchangeState, string>> = {
      queued: t("Waiting…"),
      routing: t("Choosing a model…"),
      loading: t("Loading the model…"),
      interrupted: t("The window was closed in the middle. What had arrived is kept."),
    };
    const isTold = state === "streaming" || state === "loading";
    const text = (isTold ? detail : undefined) ?? texts[state];
    places.state.replaceChildren(...(text ? [icon(isRunning(state) ? "loading" : "info"), ` ${text}`] : []));
    places.state.hidden = !text;
    places.answer.setAttribute("aria-busy", String(isRunning(state)));
    showActions();
  }
  /** Buttons stay the same elements while they mean the same: the focus and a click on its way are kept. */
  function showActions(): void {
    const meaning = isRunning(state) ? "running" : `ended ${answerText === ""}`;
    if (meaning === shownActions) return;
    shownActions = meaning;
    places.actions.replaceChildren(...actionsFor(state));
  }
  function actionsFor(now: ExchangeState): readonly HTMLElement[] {
    if (isRunning(now)) return [button("debug-stop", t("Stop"), () => post({ kind: "stop", exchangeId }), true)];
    const retry = (pickModel: boolean) => () => post({ kind: "retry", exchangeId, pickModel });
    const compare = () => post({ kind: "compare", exchangeId });
    const copy = () => post({ kind: "code", exchangeId, action: "copy", code: answerText, language: "markdown" });
    return [
      ...(answerText === "" ? [] : [button("copy", t("Copy answer"), copy), ...thumbs()]),
      button("refresh", t("Try again"), retry(false)),
      button("hubot", t("Try again with another model"), retry(true)),
      ...(exchange.retryOf ? [button("diff", t("Compare with the first answer"), compare)] : []),
    ];
  }
  function thumbs(): readonly HTMLElement[] {
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
  function addNotice(text: string): void {
    places.notices.append(element("li", {}, icon("info"), ` ${text}`));
  }
  function finishIfEnded(): void {
    if (!isRunning(state)) renderer.finish();
  }

  const root = element(
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
  renderer.append(exchange.answer);
  renderer.draw();
  finishIfEnded();
  thinking.append(exchange.thinking);
  thinking.draw();
  for (const notice of exchange.notices) addNotice(say(notice));
  places.findings.replaceChildren(...exchange.findings.map((finding) => findingRow(finding, parts)));
  if (exchange.error) places.error.replaceChildren(errorBox(exchange.error.kind, say(exchange.error.text), parts));
  showState();
  showBadge(exchange.badge);

  return {
    element: root,
    state: () => state,
    append(channel, text) {
      if (channel === "thinking") return thinking.append(text);
      answerText += text;
      renderer.append(text);
    },
    update(status) {
      state = status.state;
      if (status.notice !== undefined) addNotice(status.notice);
      if (status.findings) {
        places.findings.replaceChildren(...status.findings.map((finding) => findingRow(finding, parts)));
      }
      if (status.error) places.error.replaceChildren(errorBox(status.error.kind, status.error.text, parts));
      finishIfEnded();
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

function errorBox(kind: string, text: string, { post, strings }: ExchangeParts): HTMLElement {
  const { t } = strings;
  const box = element("div", { class: "error", role: "alert" }, icon("error"), element("span", {}, text));
  if (kind === "model-missing") {
    const get = () => post({ kind: "command", name: "getModel" });
    box.append(button("cloud-download", t("Get a Model…"), get, true));
  }
  return box;
}
