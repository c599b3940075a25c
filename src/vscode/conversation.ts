// Runs asks and keeps their exchanges; the chat page is one view of them.

import type { App } from "../core/app.ts";
import { fenced } from "../core/fence.ts";
import { picturesOf, textsOf } from "../core/pictures.ts";
import type { AskedIn, AttachedSource, Exchange, Session } from "../core/session.ts";
import type { Ask, Source, Turn } from "../core/task.ts";
import { isAbort } from "../core/task-error.ts";
import type { About } from "./asked-place.ts";
import { createProgress, type Progress, type ProgressParts } from "./exchange-progress.ts";
import type { SessionKeeper } from "./session-keeper.ts";

/** What a person asked, by a command or in the chat. */
export interface Question {
  /** Shown above the answer: what was typed, or the title of the command. */
  readonly title: string;
  readonly ask: Omit<Ask, "history">;
  /** Where the person was; absent: in no editor. */
  readonly askedIn?: AskedIn;
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
  about(exchangeId: string): Promise<About>;
  stop(exchangeId: string): void;
  stopAll(): void;
  isBusy(): boolean;
}

export interface ConversationParts extends ProgressParts {
  readonly app: () => Promise<App>;
  readonly keeper: SessionKeeper;
  readonly onBusy: (isBusy: boolean) => void;
  /** Told of each answer when nothing more comes of it. */
  readonly onEnd: (exchange: Exchange) => void;
}

export function createConversation(parts: ConversationParts): Conversation {
  const { keeper } = parts;
  const running = createRunning(parts.onBusy);
  const asked = new Map<string, Question>();

  async function run(question: Question, retryOf?: string, unbidden?: Pick<Ask, "isUnbidden">): Promise<Exchange> {
    const session = await keeper.current();
    const id = crypto.randomUUID();
    const signal = running.begin(id);
    asked.set(id, question);
    let next: string | undefined;
    const progress = createProgress(session.id, newExchange(id, question, retryOf), parts);
    try {
      const app = await parts.app();
      const history = historyOf(session, question, asked, retryOf);
      // Its beginning is best asked where it was read before.
      const ask = { ...question.ask, ...unbidden, conversation: session.id, history };
      for await (const event of app.run(ask, signal)) progress.see(event);
      const better = await betterFor(app, progress, signal);
      progress.end("done", better);
      if (better && app.settings().escalation === "auto") next = better.model;
    } catch (error) {
      if (signal.aborted || isAbort(error)) progress.end("stopped");
      else progress.fail(error);
    } finally {
      running.end(id);
      parts.onEnd(progress.exchange());
      await keeper.save();
    }
    // Beside the first answer, which stays. What would leave is asked about on its way, whatever was allowed before.
    if (next !== undefined) await run(askedOf(next, question), id, { isUnbidden: true });
    return progress.exchange();
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
    async about(exchangeId) {
      const question = asked.get(exchangeId);
      return question ? aboutAsked(question) : aboutKept(await find(exchangeId));
    },
    stop: running.stop,
    stopAll: running.stopAll,
    isBusy: running.isBusy,
  };
}

function aboutAsked({ ask, askedIn }: Question): About {
  const sources = textsOf(ask.sources).map((source) => ({ ...attached(source), text: source.text }));
  return { sources, ...(askedIn ? { askedIn } : {}) };
}

/** After a reload the texts are not there any more. */
function aboutKept({ sources = [], askedIn }: Partial<Exchange> = {}): About {
  return { sources, ...(askedIn ? { askedIn } : {}) };
}

/** Which answers are under way, by their exchange. */
function createRunning(onBusy: ConversationParts["onBusy"]) {
  const running = new Map<string, AbortController>();
  const isBusy = () => running.size > 0;
  return {
    /** @returns aborted when it is to stop */
    begin(id: string): AbortSignal {
      const stop = new AbortController();
      running.set(id, stop);
      onBusy(true);
      return stop.signal;
    },
    end(id: string): void {
      running.delete(id);
      onBusy(isBusy());
    },
    stop: (id: string) => running.get(id)?.abort(),
    stopAll(): void {
      for (const stop of running.values()) stop.abort();
    },
    isBusy,
  };
}

const askedOf = (model: string, question: Question): Question => ({
  ...question,
  ask: { ...question.ask, model, isFresh: true },
});

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
    ...(exchange.askedIn ? { askedIn: exchange.askedIn } : {}),
    ask: exchange.statedKind ? { kind: exchange.statedKind, text: "", sources } : { text: exchange.question, sources },
  };
}

function newExchange(id: string, { title, ask, askedIn }: Question, retryOf: string | undefined): Exchange {
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
    ...(askedIn ? { askedIn } : {}),
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
