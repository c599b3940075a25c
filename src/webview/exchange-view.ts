// One question with its answer.
import type { Badge } from "../core/answer.ts";
import { beforeFirstWord } from "../core/names.ts";
import type { ToPage } from "../core/page-protocol.ts";
import type { Exchange, ExchangeState } from "../core/session.ts";
import type { TaskKind } from "../core/task.ts";
import { isUnsure, likelyKinds } from "../core/unsure.ts";
import { type AnswerRenderer, createAnswerRenderer } from "./answer-renderer.ts";
import { createCodeBlocks } from "./code-block.ts";
import { createActions, isRunning } from "./exchange-actions.ts";
import { createPlaces, type ExchangeParts, type ExchangePlaces } from "./exchange-places.ts";
import { createThinking } from "./thinking.ts";
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
  const kindQuestion = createKindQuestion(places.unsure, exchange, { strings, correct });

  function show(badge: Badge | undefined, detail?: string): void {
    const route = state === "routing" ? badge?.route : undefined;
    places.showState(state, detail ?? (route && strings.say(beforeFirstWord(route))));
    actions.show(state, answerText, better);
    // What a command stated cannot have been taken for something else.
    places.showBadge(isRunning(state) ? undefined : badge, exchange.statedKind ? undefined : correct);
  }

  drawKept(exchange, { renderer, thinking, places, strings });
  show(exchange.badge);
  kindQuestion.update(state, exchange.badge);

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
      kindQuestion.update(state, status.badge);
    },
    pickKind: kindQuestion.pick,
    draw() {
      const drewThinking = thinking.draw();
      return (isRunning(state) && renderer.draw()) || drewThinking;
    },
    isWaiting: () => renderer.isWaiting(),
  };
}

/** Asked once, while the answer is under way; later the badge has the same question. */
function createKindQuestion(
  place: HTMLElement,
  { statedKind, retryOf }: Exchange,
  { strings, correct }: Pick<ExchangeParts, "strings"> & { readonly correct: (task: TaskKind) => void },
) {
  let row: UnsureRow | undefined;
  return {
    update(state: ExchangeState, badge: Badge | undefined): void {
      if (!isRunning(state)) return row?.element.remove();
      if (row || !badge || statedKind || retryOf || !isUnsure(badge.route.classification)) return;
      row = createUnsureRow(likelyKinds(badge.route.classification), strings, correct);
      place.append(row.element);
    },
    pick: (digit: number) => row?.pick(digit) ?? false,
  };
}

/** What the exchange has when it is shown first: all of it where it is an earlier one. */
function drawKept(
  { answer, state, thinking: thought, notices, findings, error }: Exchange,
  { renderer, thinking, places, strings }: KeptParts,
): void {
  renderer.append(answer);
  renderer.draw();
  if (!isRunning(state)) renderer.finish();
  thinking.append(thought);
  thinking.draw();
  for (const notice of notices) places.addNotice(strings.say(notice));
  places.showFindings(findings);
  if (error) places.showError({ ...error, text: strings.say(error.text) });
}

interface KeptParts extends Pick<ExchangeParts, "strings"> {
  readonly renderer: AnswerRenderer;
  readonly thinking: ReturnType<typeof createThinking>;
  readonly places: ExchangePlaces;
}
