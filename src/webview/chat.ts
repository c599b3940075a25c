// Entry of the chat page: a view of the session that the host owns.
import { protocolVersion, type ToHost, type ToPage } from "../core/page-protocol.ts";
import type { Exchange } from "../core/session.ts";
import { badgeLine } from "./announce.ts";
import { type Composer, createComposer } from "./composer.ts";
import { button, element } from "./element.ts";
import { isRunning } from "./exchange-actions.ts";
import { createExchangeView, type ExchangeView } from "./exchange-view.ts";
import { createEndFollower, type EndFollower } from "./follow-end.ts";
import { createHighlight } from "./highlight.ts";
import { readHostMessage } from "./host-messages.ts";
import { keepFocus } from "./keep-focus.ts";
import { createSessionBar, type SessionBar } from "./session-bar.ts";
import { createStrings, type Strings } from "./strings.ts";
import { onHostMessage } from "./vscode-api.ts";

const api = acquireVsCodeApi();
const post = (message: ToHost) => api.postMessage(message);
const highlight = createHighlight();

interface Page {
  readonly strings: Strings;
  readonly log: HTMLElement;
  readonly empty: HTMLElement;
  readonly noModel: HTMLElement;
  readonly announcer: HTMLElement;
  readonly composer: Composer;
  readonly sessionBar: SessionBar;
  readonly end: EndFollower;
  readonly views: Map<string, ExchangeView>;
  sessionId: string;
  lastQuestion: string | undefined;
}

let page: Page | undefined;
let drawnSeq = 0;
let seenSeq = 0;

function savedDraft(): string {
  const state = api.getState();
  const draft = typeof state === "object" && state !== null && "draft" in state ? state.draft : undefined;
  return typeof draft === "string" ? draft : "";
}

function build(message: Extract<ToPage, { kind: "init" }>): Page {
  const strings = createStrings(message.strings);
  const { t } = strings;
  const views = new Map<string, ExchangeView>();
  document.documentElement.lang = message.locale;
  const composer = createComposer({
    strings,
    draft: savedDraft(),
    onDraft: (draft) => api.setState({ draft }),
    onSend: (text) => post({ kind: "send", text }),
    onStop: stopRunning,
    onDetach: (uri) => post({ kind: "detach", uri }),
    onAttach: () => post({ kind: "command", name: "attachSelection" }),
    onPickModel: () => post({ kind: "pickModel" }),
    lastQuestion: () => page?.lastQuestion,
  });
  const sessionBar = createSessionBar(strings, post);
  const log = element("div", { class: "log", role: "log", "aria-live": "off", "aria-label": t("Conversation") });
  const noModel = noModelHint(strings);
  const empty = emptyState(strings, composer, noModel);
  const announcer = element("div", { class: "visually-hidden", role: "status", "aria-live": "polite" });
  const heading = element("h1", { class: "visually-hidden" }, t("Conversation"));
  const scroller = element("main", { class: "scroller", tabindex: "-1" }, heading, empty, log);
  document.body.replaceChildren(sessionBar.element, scroller, announcer, composer.element);
  return {
    strings,
    log,
    empty,
    noModel,
    announcer,
    composer,
    sessionBar,
    end: createEndFollower(scroller, [empty, log]),
    views,
    sessionId: message.session.id,
    lastQuestion: undefined,
  };
}

function noModelHint({ t }: Strings): HTMLElement {
  const says = t(
    "There is no model yet. One is fetched when you ask for it, and you see first whether it fits this machine.",
  );
  const get = button("cloud-download", t("Get a Model…"), () => post({ kind: "command", name: "getModel" }), true);
  const hint = element("div", { class: "no-model", role: "status" }, element("p", {}, says), get);
  hint.hidden = true;
  return hint;
}

function emptyState({ t }: Strings, composer: Composer, noModel: HTMLElement): HTMLElement {
  const examples = [
    t("Explain what a race condition is, with a short example"),
    t("Write a regular expression for ISO dates, with tests"),
    t("Translate into Chinese: The build is green."),
  ];
  const rows = examples.map((text) =>
    element(
      "li",
      {},
      button("comment", text, () => composer.focus(text), true),
    ),
  );
  return element(
    "section",
    { class: "empty" },
    element("h2", {}, t("Ask a model on your own machine")),
    noModel,
    element("p", {}, t("Select code and choose Review, Explain or Translate from its menu, or ask here.")),
    element("ul", {}, ...rows),
  );
}

function stopRunning(): void {
  for (const [exchangeId, view] of page?.views ?? []) {
    if (isRunning(view.state())) post({ kind: "stop", exchangeId });
  }
}

function showExchange(target: Page, exchange: Exchange): void {
  const view = createExchangeView(exchange, { strings: target.strings, highlight, post });
  const old = target.views.get(exchange.id);
  if (old) old.element.replaceWith(view.element);
  else target.log.append(view.element);
  target.views.set(exchange.id, view);
  target.lastQuestion = exchange.question;
  target.empty.hidden = true;
}

/** Draws a session from its beginning. The frame stays, with what is typed in it and where the cursor is. */
function start(message: Extract<ToPage, { kind: "init" }>): void {
  page ??= build(message);
  const made = page;
  made.sessionId = message.session.id;
  made.lastQuestion = undefined;
  made.views.clear();
  made.log.replaceChildren();
  made.empty.hidden = false;
  for (const exchange of message.session.exchanges) showExchange(made, exchange);
  made.sessionBar.show(message.sessions, made.sessionId);
  made.composer.showModel(message.modelLabel);
  made.composer.showAttached(message.attached);
  drawnSeq = message.seq;
  seenSeq = message.seq;
  showBusy(made);
  made.end.follow();
}

function showBusy(target: Page): void {
  target.composer.setBusy([...target.views.values()].some((view) => isRunning(view.state())));
}

function receive(message: ToPage): void {
  if (message.kind === "init") start(message);
  else if (page) update(page, message);
}

function update(target: Page, message: Exclude<ToPage, { kind: "init" }>): void {
  switch (message.kind) {
    case "exchange":
      showExchange(target, message.exchange);
      showBusy(target);
      return target.end.follow();
    case "delta":
      target.views.get(message.exchangeId)?.append(message.channel, message.text);
      seenSeq = Math.max(seenSeq, message.seq);
      return requestDraw();
    case "status":
      target.views.get(message.exchangeId)?.update(message);
      announce(target, badgeLine(message, target.strings));
      return showBusy(target);
    case "sessions":
      return target.sessionBar.show(message.sessions, target.sessionId);
    case "model":
      return target.composer.showModel(message.label);
    case "models":
      target.noModel.hidden = !message.isNone;
      return;
    case "attached":
      return target.composer.showAttached(message.attached);
    case "focusInput":
      return target.composer.focus(message.text);
  }
}

/** What was said last is not said again with every sign of life. */
function announce({ announcer }: Page, text: string): void {
  if (announcer.textContent !== text) announcer.textContent = text;
}

let isRequested = false;
function requestDraw(): void {
  if (isRequested) return;
  isRequested = true;
  requestAnimationFrame(() => {
    isRequested = false;
    for (const view of page?.views.values() ?? []) if (isRunning(view.state())) view.draw();
    if (seenSeq > drawnSeq) {
      drawnSeq = seenSeq;
      post({ kind: "ack", seq: drawnSeq });
    }
    // A block that is drawn less often may have something left.
    if ([...(page?.views.values() ?? [])].some((view) => isRunning(view.state()) && view.isWaiting())) requestDraw();
  });
}

onHostMessage((raw) => {
  const message = readHostMessage(raw);
  if (message) keepFocus(() => receive(message));
});
document.addEventListener("keydown", (event) => {
  if (event.key === "Escape" && !event.isComposing) stopRunning();
  if (/^[1-9]$/.test(event.key) && isPlain(event) && pickKind(Number(event.key))) event.preventDefault();
  if (event.key === "Enter" && event.target instanceof HTMLAnchorElement) followLink(event.target);
});
document.addEventListener("click", (event) => {
  const link = event.target instanceof Element ? event.target.closest("a") : null;
  if (link instanceof HTMLAnchorElement) {
    event.preventDefault();
    followLink(link);
  }
});

/** A key that is not part of a text: the box takes it for its first letter only where nothing is asked. */
function isPlain({ target, ctrlKey, altKey, metaKey, isComposing }: KeyboardEvent): boolean {
  if (ctrlKey || altKey || metaKey || isComposing) return false;
  if (target instanceof HTMLSelectElement) return false;
  return !(target instanceof HTMLTextAreaElement || target instanceof HTMLInputElement) || target.value === "";
}

/** The kind of the last question, where it is asked and still under way. */
function pickKind(digit: number): boolean {
  const last = [...(page?.views.values() ?? [])].at(-1);
  return last !== undefined && isRunning(last.state()) && last.pickKind(digit);
}

function followLink(link: HTMLAnchorElement): void {
  const href = link.getAttribute("data-href");
  if (href) post({ kind: "openLink", href });
}

post({ kind: "ready", protocol: protocolVersion });
