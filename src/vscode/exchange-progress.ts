// The events of one answer, turned into its exchange and into what the page needs to hear.
import type { AnswerEvent } from "../core/answer.ts";
import { type Message, msg } from "../core/message.ts";
import { loadingText, waitingText } from "../core/names.ts";
import type { ToPage } from "../core/page-protocol.ts";
import type { Exchange } from "../core/session.ts";
import { createTally } from "../core/tally.ts";
import { TaskError } from "../core/task-error.ts";
import type { DeltaStream } from "./delta-stream.ts";
import type { SessionKeeper } from "./session-keeper.ts";

export interface ProgressParts {
  readonly keeper: Pick<SessionKeeper, "put">;
  readonly stream: DeltaStream;
  /** To the page where it shows this session; nothing where it does not. */
  readonly post: (sessionId: string, message: ToPage) => void;
  readonly isShown: (sessionId: string) => boolean;
  readonly say: (message: Message) => string;
  readonly onFailure: (error: unknown) => void;
}

export type Progress = ReturnType<typeof createProgress>;

export function createProgress(sessionId: string, first: Exchange, parts: ProgressParts) {
  const { keeper, stream, post, isShown, say } = parts;
  let exchange = first;
  let hasFailed = false;
  const tally = createTally(() => performance.now());
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
    const { findings } = change;
    const more = { ...(findings ? { findings } : {}), ...(notice ? { notice: say(notice) } : {}) };
    post(sessionId, { ...statusOf(exchange, say), ...more });
  }
  function tellDetail(text: Message, state: Exchange["state"] = exchange.state): void {
    if (exchange.state !== state) update({ state });
    post(sessionId, { kind: "status", exchangeId: exchange.id, state, detail: say(text) });
  }
  function addText(channel: "answer" | "thinking", text: string): void {
    // What was told of the writing while nothing could be shown of it goes with the first word.
    const isFirst = channel === "answer" && exchange.answer === "";
    if (exchange.state !== "streaming" || isFirst) tell({ state: "streaming", ...badgeNow("done") });
    update({ [channel]: exchange[channel] + text });
    if (isShown(sessionId)) stream.push(exchange.id, channel, text);
  }
  const badgeNow = (outcome: Outcome) => withBadge(tally.badge(outcome));
  return {
    exchange: () => exchange,
    see(event: AnswerEvent): void {
      tally.see(event);
      if (event.kind === "routed") {
        const { localOnly } = event.route;
        tell({ state: "routing", ...badgeNow("done"), ...(localOnly ? { localOnly } : {}) });
      } else if (event.kind === "notice") {
        hasFailed ||= event.failed !== undefined;
        if (!hasNotice(exchange, event.text)) tell({ notices: [...exchange.notices, event.text] }, event.text);
      } else if (event.kind === "loading") tellDetail(loadingText(event), "loading");
      else if (event.kind === "waiting") tellDetail(waitingText(event.before));
      else if (event.kind === "writing") tellDetail(writingText(event.answerTokens), "streaming");
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
      tell({ state: "failed", error: shownError(error), ...badgeNow("failed") });
      parts.onFailure(error);
    },
  };
}

type Outcome = "done" | "stopped" | "failed";

const withBadge = (badge: Exchange["badge"]): Pick<Exchange, "badge"> => (badge ? { badge } : {});

const writingText = (answerTokens: number) => msg("Writing: {0} tokens so far", answerTokens);

/** As it stands, without what was new in it once. */
function statusOf({ id, state, badge, better, error }: Exchange, say: (message: Message) => string) {
  return {
    kind: "status" as const,
    exchangeId: id,
    state,
    ...(badge ? { badge } : {}),
    ...(better ? { better } : {}),
    ...(error ? { error: { ...error, text: say(error.text) } } : {}),
  };
}

function shownError(error: unknown): NonNullable<Exchange["error"]> {
  if (!(error instanceof TaskError)) {
    return { kind: "internal", text: msg("Something went wrong inside Switchyard; the log says more.") };
  }
  const { kind, text, details } = error;
  const shown = details.areContainersAway ? "containers-away" : kind;
  return { kind: shown, text, ...(details.remedies ? { remedies: details.remedies } : {}) };
}

/** Each part of a long task may say the same. */
function hasNotice({ notices }: Exchange, { template, args }: Message): boolean {
  return notices.some((notice) => notice.template === template && JSON.stringify(notice.args) === JSON.stringify(args));
}
