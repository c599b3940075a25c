// One question with its answer.
import type { Badge } from "../core/answer.ts";
import type { ToPage } from "../core/page-protocol.ts";
import type { Exchange, ExchangeState } from "../core/session.ts";
import type { TaskKind } from "../core/task.ts";
import { isUnsure, likelyKinds } from "../core/unsure.ts";
import { createAnswerRenderer } from "./answer-renderer.ts";
import { createCodeBlocks } from "./code-block.ts";
import { element } from "./element.ts";
import { createActions, isRunning } from "./exchange-actions.ts";
import { createPlaces, type ExchangeParts } from "./exchange-places.ts";
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

export function createExchangeView(exchange: Exchange, parts: ExchangeParts): ExchangeView {
  const { strings, post } = parts;
  const exchangeId = exchange.id;
  let { state } = exchange;
  let answerText = exchange.answer;
  let { better } = exchange;
  let unsure: UnsureRow | undefined;
  const places = createPlaces(exchange, parts);
  const actions = createActions(places.actions, exchange, parts);
  const codeBlocks = createCodeBlocks({
    strings,
    highlight: parts.highlight,
    run: (action, code, language) => post({ kind: "code", exchangeId, action, code, language }),
  });
  const renderer = createAnswerRenderer(places.answer, codeBlocks);
  const thinking = createThinking(places.thinking, strings);
  const correct = (task: TaskKind) => post({ kind: "correct", exchangeId, task });

  function show(badge: Badge | undefined, detail?: string): void {
    places.showState(state, detail);
    actions.show(state, answerText, better);
    // What a command stated cannot have been taken for something else.
    places.showBadge(isRunning(state) ? undefined : badge, exchange.statedKind ? undefined : correct);
  }
  /** Asked once, while the answer is under way; later the badge has the same question. */
  function askKind(badge: Badge | undefined): void {
    if (unsure || !badge || !isRunning(state) || exchange.statedKind || exchange.retryOf) return;
    const { classification } = badge.route;
    if (!isUnsure(classification)) return;
    unsure = createUnsureRow(likelyKinds(classification), strings, correct);
    places.unsure.append(unsure.element);
  }

  renderer.append(exchange.answer);
  renderer.draw();
  if (!isRunning(state)) renderer.finish();
  thinking.append(exchange.thinking);
  thinking.draw();
  for (const notice of exchange.notices) places.addNotice(strings.say(notice));
  places.showFindings(exchange.findings);
  if (exchange.error) places.showError({ ...exchange.error, text: strings.say(exchange.error.text) });
  show(exchange.badge);

  return {
    element: places.element,
    state: () => state,
    append(channel, text) {
      if (channel === "thinking") return thinking.append(text);
      answerText += text;
      renderer.append(text);
    },
    update(status) {
      state = status.state;
      if (status.notice !== undefined) places.addNotice(status.notice);
      if (status.findings) places.showFindings(status.findings);
      if (status.error) places.showError(status.error);
      better = status.better ?? better;
      if (!isRunning(state)) renderer.finish();
      thinking.draw();
      show(status.badge, status.detail);
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
