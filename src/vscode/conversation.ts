// Runs asks and keeps their exchanges; the chat page is one view of them.

import type { AnswerEvent } from "../core/answer.ts";
import type { App } from "../core/app.ts";
import { fenced } from "../core/fence.ts";
import { type Message, msg } from "../core/message.ts";
import { loadingText } from "../core/names.ts";
import type { ToPage } from "../core/page-protocol.ts";
import { picturesOf, textsOf } from "../core/pictures.ts";
import type { AttachedSource, Exchange, Session } from "../core/session.ts";
import { createTally, type Tally } from "../core/tally.ts";
import type { Ask, Source, Turn } from "../core/task.ts";
import { isAbort, TaskError } from "../core/task-error.ts";
import type { DeltaStream } from "./delta-stream.ts";
import type { SessionKeeper } from "./session-keeper.ts";

/** What a person asked, by a command or in the chat. */
export interface Question {
  /** Shown above the answer: what was typed, or the title of the command. */
  readonly title: string;
  readonly ask: Omit<Ask, "history">;
}

export interface Conversation {
  /** Answers in the open session. Failures are kept in the exchange; nothing is thrown but our own mistakes. */
  run(question: Question): Promise<Exchange>;
  /** Asks the same again; `otherwise` says what is to be different. */
  retry(
    exchangeId: string,
    readAgain: (source: AttachedSource) => Promise<Source>,
    otherwise: Pick<Ask, "model" | "kind">,
  ): Promise<void>;
  /** Asks the better model that was offered; nothing where none was. */
  askBetter(exchangeId: string, readAgain: (source: AttachedSource) => Promise<Source>): Promise<void>;
  stop(exchangeId: string): void;
  stopAll(): void;
  isBusy(): boolean;
}

export interface ConversationParts {
  readonly app: () => Promise<App>;
  readonly keeper: SessionKeeper;
  readonly stream: DeltaStream;
  /** To the page where it shows this session; nothing where it does not. */
  readonly post: (sessionId: string, message: ToPage) => void;
  readonly isShown: (sessionId: string) => boolean;
  readonly say: (message: Message) => string;
  readonly onBusy: (isBusy: boolean) => void;
  readonly onFailure: (error: unknown) => void;
}

export function createConversation(parts: ConversationParts): Conversation {
  const { keeper } = parts;
  const running = new Map<string, AbortController>();
  const asked = new Map<string, Question>();

  async function run(question: Question, retryOf?: string, unbidden?: Pick<Ask, "isUnbidden">): Promise<Exchange> {
    const session = await keeper.current();
    const id = crypto.randomUUID();
    const stop = new AbortController();
    running.set(id, stop);
    asked.set(id, question);
    parts.onBusy(true);
    let next: string | undefined;
    const progress = createProgress(session.id, newExchange(id, question, retryOf), parts);
    try {
      const app = await parts.app();
      const history = historyOf(session, question, asked, retryOf);
      // Its beginning is best asked where it was read before.
      const ask = { ...question.ask, ...unbidden, conversation: session.id, history };
      for await (const event of app.run(ask, stop.signal)) progress.see(event);
      const better = await betterFor(app, progress, stop.signal);
      progress.end("done", better);
      if (better && app.settings().escalation === "auto") next = better.model;
    } catch (error) {
      if (stop.signal.aborted || isAbort(error)) progress.end("stopped");
      else progress.fail(error);
    } finally {
      running.delete(id);
      parts.onBusy(running.size > 0);
      await keeper.save();
    }
    if (next !== undefined) await again(id, question, next);
    return progress.exchange();
  }

  /** Beside the first answer, which stays. What would leave is asked about on its way, whatever was allowed before. */
  async function again(first: string, question: Question, model: string): Promise<void> {
    await run({ ...question, ask: { ...question.ask, model, isFresh: true } }, first, { isUnbidden: true });
  }

  const find = async (exchangeId: string) => (await keeper.current()).exchanges.find((each) => each.id === exchangeId);
  const retry: Conversation["retry"] = async (exchangeId, readAgain, otherwise) => {
    const exchange = await find(exchangeId);
    if (!exchange) return;
    const known = asked.get(exchangeId) ?? (await rebuild(exchange, readAgain));
    await run({ ...known, ask: { ...known.ask, ...otherwise, isFresh: true } }, exchange.retryOf ?? exchangeId);
  };

  return {
    run,
    retry,
    async askBetter(exchangeId, readAgain) {
      const model = (await find(exchangeId))?.better?.model;
      if (model) await retry(exchangeId, readAgain, { model });
    },
    stop: (exchangeId) => running.get(exchangeId)?.abort(),
    stopAll() {
      for (const stop of running.values()) stop.abort();
    },
    isBusy: () => running.size > 0,
  };
}

/** Asked once: a second answer is not judged again. */
async function betterFor(app: App, progress: Progress, signal: AbortSignal): Promise<Exchange["better"]> {
  const { badge, retryOf } = progress.exchange();
  if (!badge || retryOf || !progress.hasFailed() || app.settings().escalation === "off") return undefined;
  const better = await app.better(badge.route, signal).catch(() => undefined);
  return better && { model: better.name, place: better.place };
}

/** After a reload the texts are read again from where they came from. */
async function rebuild(exchange: Exchange, readAgain: (source: AttachedSource) => Promise<Source>): Promise<Question> {
  const sources = await Promise.all(exchange.sources.map(readAgain));
  return {
    title: exchange.question,
    ask: exchange.statedKind ? { kind: exchange.statedKind, text: "", sources } : { text: exchange.question, sources },
  };
}

function newExchange(id: string, { title, ask }: Question, retryOf: string | undefined): Exchange {
  return {
    id,
    askedAtMs: Date.now(),
    question: title,
    sources: ask.sources.map(attached),
    answer: "",
    thinking: "",
    notices: [],
    findings: [],
    state: "queued",
    ...(ask.kind ? { statedKind: ask.kind } : {}),
    ...(retryOf ? { retryOf } : {}),
  };
}

export function attached({ uri, label, startLine, text, origin }: Source): AttachedSource {
  if (origin !== "selection" || startLine === undefined) return { uri, label };
  const lines = text.replace(/\r?\n$/, "").split("\n").length;
  return { uri, label, startLine, endLine: startLine + lines - 1 };
}

/**
 * Commands stand for themselves; what is typed goes on from everything before it, with the text it was about. Another
 * try knows nothing of the first one, and where there are several answers to a question, the last one counts.
 */
function historyOf(
  session: Session,
  question: Question,
  asked: ReadonlyMap<string, Question>,
  retryOf: string | undefined,
): readonly Turn[] {
  if (question.ask.kind) return [];
  const { exchanges } = session;
  const end = exchanges.findIndex((exchange) => exchange.id === retryOf);
  const before = end < 0 ? exchanges : exchanges.slice(0, end);
  return before
    .filter(
      (exchange) => before.findLast((each) => firstTry(each) === firstTry(exchange) && isUsable(each)) === exchange,
    )
    .flatMap((exchange): Turn[] => {
      const sources = asked.get(exchange.id)?.ask.sources ?? [];
      const text = [exchange.question, ...textsOf(sources).map(fenced)].join("\n\n");
      // Where it came from and what had to stay goes with it: the answer may tell as much as the text did.
      const from = {
        sources: exchange.sources.map(({ uri, label }) => ({ uri, label })),
        ...(exchange.localOnly ? { localOnly: exchange.localOnly } : {}),
      };
      const images = picturesOf({ sources });
      return [
        { role: "user", text, ...from, ...(images.length > 0 ? { images } : {}) },
        { role: "assistant", text: exchange.answer, ...from },
      ];
    });
}

const firstTry = ({ id, retryOf }: Exchange) => retryOf ?? id;
const isUsable = ({ answer, state }: Exchange) => answer !== "" && state !== "failed";

type Progress = ReturnType<typeof createProgress>;

/** Turns the events of one answer into its exchange and into what the page needs to hear. */
function createProgress(sessionId: string, first: Exchange, parts: ConversationParts) {
  const { keeper, stream, post, isShown } = parts;
  let exchange = first;
  let hasFailed = false;
  const tally: Tally = createTally(() => performance.now());
  keeper.put(sessionId, exchange);
  post(sessionId, { kind: "exchange", exchange });

  function update(change: Partial<Exchange>): void {
    exchange = { ...exchange, ...change };
    keeper.put(sessionId, exchange);
  }
  /** The page hears of it after the text that belongs before it. */
  function tell(change: Partial<Exchange>, notice?: Message): void {
    update(change);
    if (isShown(sessionId)) stream.flush();
    const { state, badge, error, better } = exchange;
    post(sessionId, {
      kind: "status",
      exchangeId: exchange.id,
      state,
      ...(badge ? { badge } : {}),
      ...(better ? { better } : {}),
      ...(change.findings ? { findings: change.findings } : {}),
      ...(notice ? { notice: parts.say(notice) } : {}),
      ...(error ? { error: { ...error, text: parts.say(error.text) } } : {}),
    });
  }
  function tellDetail(text: Message, state: Exchange["state"] = exchange.state): void {
    if (exchange.state !== state) update({ state });
    post(sessionId, { kind: "status", exchangeId: exchange.id, state, detail: parts.say(text) });
  }
  function addText(channel: "answer" | "thinking", text: string): void {
    if (exchange.state !== "streaming") tell({ state: "streaming", ...badgeNow("done") });
    update({ [channel]: exchange[channel] + text });
    if (isShown(sessionId)) stream.push(exchange.id, channel, text);
  }
  function badgeNow(outcome: "done" | "stopped" | "failed"): Pick<Exchange, "badge"> {
    const badge = tally.badge(outcome);
    return badge ? { badge } : {};
  }
  return {
    exchange: () => exchange,
    see(event: AnswerEvent): void {
      tally.see(event);
      if (event.kind === "routed") {
        const { localOnly } = event.route;
        tell({ state: "routing", ...badgeNow("done"), ...(localOnly ? { localOnly } : {}) });
      } else if (event.kind === "loading") tellDetail(loadingText(event), "loading");
      else if (event.kind === "waiting") tellDetail(msg("Waiting: {0} before this one", event.before));
      else if (event.kind === "notice") {
        hasFailed ||= event.failed !== undefined;
        tell({ notices: [...exchange.notices, event.text] }, event.text);
      } else if (event.kind === "writing")
        tellDetail(msg("Writing: {0} tokens so far", event.answerTokens), "streaming");
      else if (event.kind === "finding") tell({ findings: [...exchange.findings, event.finding] });
      else if (event.kind === "thinking") addText("thinking", event.text);
      else if (event.kind === "text") addText("answer", event.text);
    },
    /** Whether a check by machine found fault with it. */
    hasFailed: () => hasFailed,
    end(outcome: "done" | "stopped", better?: Exchange["better"]): void {
      tell({ state: outcome, ...badgeNow(outcome), ...(better ? { better } : {}) });
    },
    fail(error: unknown): void {
      const told = error instanceof TaskError ? error : undefined;
      const text = told?.text ?? msg("Something went wrong inside Switchyard; the log says more.");
      const remedies = told?.details.remedies;
      const shown = { kind: told?.kind ?? "internal", text, ...(remedies ? { remedies } : {}) };
      tell({ state: "failed", error: shown, ...badgeNow("failed") });
      parts.onFailure(error);
    },
  };
}
