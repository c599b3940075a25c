// From the app's events to the pieces a client gets.
import type { AnswerEvent } from "../core/answer.ts";
import { estimateTokens } from "../core/context.ts";
import type { Route } from "../core/route.ts";
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
  readonly run: (signal: AbortSignal) => AsyncIterable<AnswerEvent>;
  readonly stops: readonly string[];
  /** For the figures where the model was stopped before its server told them. */
  readonly promptText: () => string;
}

/** What an answer can begin with. */
const beginning = new Set<AnswerEvent["kind"]>(["text", "thinking", "tool-call", "done"]);

/** Ends with `end`, once, or throws. Leaving it early stops the model. */
export async function* readAnswer(
  { run, stops, promptText }: ReadOptions,
  signal: AbortSignal,
): AsyncGenerator<ReadEvent> {
  const startMs = performance.now();
  const left = new AbortController();
  const iterator = run(AbortSignal.any([signal, left.signal]))[Symbol.asyncIterator]();
  const words = createStopWords(stops);
  let hasBegun = false;
  let isWhole = false;
  let hasCalled = false;
  let shown = "";
  const totalMs = () => performance.now() - startMs;
  try {
    for (let next = await iterator.next(); !next.done; ) {
      const event = next.value;
      const following = !hasBegun && event.kind === "text" ? peek(iterator) : undefined;
      if (!hasBegun && beginning.has(event.kind)) {
        hasBegun = true;
        yield { kind: "begin", isKept: following === undefined ? isKeptEnd(event) : await isEndOfKept(following) };
      }
      if (event.kind === "routed") yield event;
      if (event.kind === "thinking") yield { kind: "thinking", text: event.text };
      if (event.kind === "tool-call") {
        const rest = words.rest();
        if (rest !== "") yield { kind: "text", text: rest };
        hasCalled = true;
        yield event;
      }
      if (event.kind === "text") {
        const { text, stop } = words.push(event.text);
        shown += text;
        if (text !== "") yield { kind: "text", text };
        if (stop !== undefined) {
          yield { kind: "end", ending: { ...estimated(promptText(), shown, totalMs()), stopSequence: stop } };
          return;
        }
      }
      if (event.kind === "done") {
        const rest = words.rest();
        if (rest !== "") yield { kind: "text", text: rest };
        isWhole = true;
        const finish = hasCalled && event.finish === "stop" ? "tool-calls" : event.finish;
        yield { kind: "end", ending: { ...event.stats, finish, totalMs: totalMs() } };
        return;
      }
      next = await (following ?? iterator.next());
    }
    throw new ProxyError(502, "The answer ended without its end.");
  } finally {
    if (!isWhole) left.abort();
    await iterator.return?.();
  }
}

function peek(iterator: AsyncIterator<AnswerEvent>): Promise<IteratorResult<AnswerEvent>> {
  const following = iterator.next();
  following.catch(() => undefined); // awaited later; this keeps a failure before then from being "unhandled"
  return following;
}

/**
 * A kept answer is one piece, and its end is there at once. Whether this is one is told before the first piece, because
 * it stands in a header; a model's second token takes longer than a turn of the event loop.
 */
function isEndOfKept(following: Promise<IteratorResult<AnswerEvent>>): Promise<boolean> {
  const isKept = following.then(
    (next) => !next.done && isKeptEnd(next.value),
    () => false,
  );
  return Promise.race([isKept, new Promise<boolean>((resolve) => setImmediate(resolve, false))]);
}

const isKeptEnd = (event: AnswerEvent) => event.kind === "done" && event.keptAtMs !== undefined;

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
