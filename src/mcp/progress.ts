// Tells a waiting client how far a task is: clients give up on what says nothing for minutes.
import type { AnswerEvent } from "../core/answer.ts";
import { formatMessage } from "../core/message.ts";
import { loadingText } from "../core/names.ts";

export interface Progress {
  see(event: AnswerEvent): void;
  dispose(): void;
}

/** No more often than this while much happens, ms. */
const leastMs = 400;
/** At least this often while nothing happens, ms. */
const mostMs = 5000;

/**
 * @param tell gets the seconds since the start, each time more than the last, and what is being done
 * @param nowMs a clock that never goes back, ms
 */
export function createProgress(tell: (seconds: number, text: string) => void, nowMs: () => number): Progress {
  const startMs = nowMs();
  let text = "Choosing a model";
  let pieces = 0;
  let lastMs = Number.NEGATIVE_INFINITY;
  let toldMs = -1;
  const send = () => {
    lastMs = nowMs();
    toldMs = Math.max(toldMs + 1, Math.round(lastMs - startMs));
    tell(toldMs / 1000, text);
  };
  const timer = setInterval(() => {
    if (nowMs() - lastMs >= mostMs) send();
  }, mostMs / 2);
  return {
    see(event) {
      if (event.kind === "text" || event.kind === "thinking") pieces++;
      const next = textOf(event, pieces);
      if (next === undefined) return;
      text = next;
      // Which model it is comes once, and is told however soon it follows on the wait for it.
      if (event.kind === "routed" || nowMs() - lastMs >= leastMs) send();
    },
    dispose: () => clearInterval(timer),
  };
}

function textOf(event: AnswerEvent, pieces: number): string | undefined {
  switch (event.kind) {
    case "routed":
      return `Asked ${event.route.model}`;
    case "waiting":
      return `Waiting: ${event.before} before this one`;
    case "loading":
      return formatMessage(loadingText(event));
    case "thinking":
      return "Thinking";
    case "text":
      return `Writing: about ${pieces} tokens so far`;
    case "writing":
      return `Writing: ${event.answerTokens} tokens so far`;
    case "progress":
      return `${event.done} of ${event.total} parts`;
    default:
      return undefined;
  }
}
