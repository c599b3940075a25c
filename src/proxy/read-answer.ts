// From the app's events to the pieces a client gets.
import type { AnswerEvent } from "../core/answer.ts";
import { estimateTokens } from "../core/estimate-tokens.ts";
import { formatMessage, type Message } from "../core/message.ts";
import type { Route } from "../core/route.ts";
import { eachUntil, type Stream, stream, takeAll } from "../core/stream.ts";
import type { Ending, Piece } from "./exchange.ts";
import { ProxyError } from "./proxy-error.ts";
import { createStopWords } from "./stop-words.ts";

export type ReadEvent =
  | { readonly kind: "routed"; readonly route: Route }
  /** Comes once, before the first piece: from here on there is an answer. */
  | { readonly kind: "begin"; readonly isKept: boolean }
  | Piece
  | { readonly kind: "end"; readonly ending: Ending };

export interface ReadOptions {
  readonly events: AsyncIterable<AnswerEvent>;
  readonly stops: readonly string[];
  /** For the figures where the model was stopped before its server told them. */
  readonly promptText: () => string;
}

interface Seen {
  hasBegun: boolean;
  hasEnded: boolean;
  hasCalled: boolean;
  /** Why there is no answer in what the model said. */
  fault?: Message;
}

/** What an answer can begin with. */
const beginning = new Set<AnswerEvent["kind"]>(["text", "thinking", "tool-call", "done"]);

/** Ends with `end`, once, or throws. Leaving it early stops the model. */
export function readAnswer({ events, stops, promptText }: ReadOptions): Stream<ReadEvent> {
  return stream(async (take) => {
    const startMs = performance.now();
    const totalMs = () => performance.now() - startMs;
    const words = createStopWords(stops);
    const hasStops = stops.length > 0;
    const seen: Seen = { hasBegun: false, hasEnded: false, hasCalled: false };
    let shown = "";
    const text = (said: string): readonly ReadEvent[] => (said === "" ? [] : [{ kind: "text", text: said }]);
    const read = (event: AnswerEvent): readonly ReadEvent[] => {
      if (event.kind === "routed" || event.kind === "thinking") return [event];
      if (event.kind === "text") {
        const { text: said, stop } = words.push(event.text);
        shown += said;
        if (stop === undefined) return text(said);
        const ending = { ...estimated(promptText(), shown, totalMs()), stopSequence: stop };
        return [...text(said), { kind: "end", ending }];
      }
      if (event.kind === "tool-call") {
        seen.hasCalled = true;
        return [...text(words.rest()), event];
      }
      if (event.kind === "notice" && event.failed === "form") seen.fault = event.text;
      if (event.kind !== "done") return [];
      // An empty answer that looks whole would hide it.
      if (!seen.hasBegun && seen.fault) throw new ProxyError(502, formatMessage(seen.fault));
      const finish = seen.hasCalled && event.finish === "stop" ? "tool-calls" : event.finish;
      return [...text(words.rest()), { kind: "end", ending: { ...event.stats, finish, totalMs: totalMs() } }];
    };
    await eachUntil(events, (event, enough) => {
      // Nothing is looked for in it.
      if (event.kind === "text" && event.text !== "" && seen.hasBegun && !hasStops) return take(event);
      const found = read(event);
      const begins = !seen.hasBegun && beginning.has(event.kind);
      seen.hasBegun ||= begins;
      const wait = takeAll(begins ? [beginOf(event), ...found] : found, take);
      seen.hasEnded = found.at(-1)?.kind === "end";
      // After its own end nothing comes: there is nothing to stop.
      if (!seen.hasEnded || event.kind === "done") return wait;
      return wait === undefined ? enough() : wait.then(enough);
    });
    if (!seen.hasEnded) throw new ProxyError(502, "The answer ended without its end.");
  });
}

function beginOf(event: AnswerEvent): ReadEvent {
  return { kind: "begin", isKept: "keptAtMs" in event && event.keptAtMs !== undefined };
}

function estimated(prompt: string, answer: string, totalMs: number): Ending {
  return {
    finish: "stop-sequence",
    promptTokens: estimateTokens(prompt),
    answerTokens: estimateTokens(answer),
    loadMs: 0,
    prefillMs: 0,
    decodeMs: totalMs,
    totalMs,
  };
}
