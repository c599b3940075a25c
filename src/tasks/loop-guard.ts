// Small models fall into saying the same for ever. That is noticed, and the model is stopped.
import type { AnswerEvent } from "../core/answer.ts";
import { estimateTokens } from "../core/estimate-tokens.ts";
import type { AnswerStats, ModelEvent } from "../core/model-event.ts";
import { eachUntil, moreOf, type Stream, stream } from "../core/stream.ts";
import type { AnswerLanguage } from "../core/task.ts";
import { countAtEnd } from "./counting.ts";
import { beforeDrift } from "./language-guard.ts";

/** How much of the end is looked at, characters. */
const windowLength = 2400;
/** Looking costs some ten microseconds; once in so many pieces is soon enough. */
const everyPieces = 24;
/** Shorter than any repetition that counts, characters. */
const lastLength = 20;
/** A unit has to come this often. */
const minRepeats = 3;
/** Rules, dots and rows of zeros repeat for good reasons, up to a point. */
const minLength = { short: 600, long: 240 };
const shortUnit = 8;

/** A loop that counts, as a numbered list does, has to be of words and come more often. */
const counting = { minLetters: 12, minRepeats: 6 };

/** A text that ends in one unit again and again. */
export interface Loop {
  /** The text up to the end of the first time. */
  readonly good: string;
}

/** The loop a text ends in, be it a list whose numbers go on. */
export function loopAtEnd(text: string): Loop | undefined {
  const end = text.slice(-windowLength);
  const plain = repeated(end, (unit) =>
    Math.max(unit.length * minRepeats, unit.length < shortUnit ? minLength.short : minLength.long),
  );
  if (plain !== undefined) return { good: text.slice(0, text.length - plain) };
  const count = countAtEnd(text);
  if (count !== undefined) return { good: text.slice(0, count) };
  const inLine = numbersInLine(text);
  if (inLine !== undefined) return { good: text.slice(0, inLine) };
  const even = end.replace(/^([ \t]*)\d+(?=[.)])/gm, "$10");
  const counted = repeated(even, (unit) =>
    lettersIn(unit) < counting.minLetters ? Number.POSITIVE_INFINITY : unit.length * counting.minRepeats,
  );
  if (counted === undefined) return undefined;
  // Numbers differ in length; lines do not.
  const lines = even.slice(even.length - counted).split("\n").length - 1;
  return { good: text.split("\n").slice(0, -lines).join("\n") };
}

const lettersIn = (unit: readonly string[]) => unit.filter((sign) => /\p{L}/u.test(sign)).length;

/** Signs of data, where the same comes again with other numbers for a good reason. */
const ofData = /[\n{}[\]"'`|<>;]/;
/** Signs of one line that are the same but for their numbers; each number counts as one. */
const minEvenLength = 1000;

/** Where `20.67% of 30 = 21.31% of 30 = …` begins to come again in one line: the same few letters, with other numbers. */
function numbersInLine(text: string): number | undefined {
  const end = text.slice(-windowLength);
  if (!/\d/.test(end.slice(-80)) || ofData.test(end.slice(-minEvenLength))) return undefined;
  const number = /\d+(?:[.,:]\d+)*/g;
  const even = end.replace(number, "0");
  const again = repeated(even, (unit) => {
    const letters = lettersIn(unit);
    return unit.includes("0") && letters > 0 && letters < counting.minLetters
      ? minEvenLength
      : Number.POSITIVE_INFINITY;
  });
  if (again === undefined) return undefined;
  const numbers = even.slice(-again).split("0").length - 1;
  const first = [...end.matchAll(number)].at(-numbers);
  return text.length - end.length + (first?.index ?? 0);
}

/**
 * How much of the end is repetition, characters; undefined: nothing.
 * @param needed signs that the repetitions of a unit must have in all
 */
function repeated(text: string, needed: (unit: readonly string[]) => number): number | undefined {
  // What ends in repetition has its last signs in it before. Nearly no text has, and this is looked at of every answer.
  const lastAt = text.length - lastLength;
  if (lastAt < 0 || text.lastIndexOf(text.slice(lastAt), lastAt - 1) < 0) return undefined;
  const end = [...text].reverse();
  // Prefix function: `border[i]` is the longest proper prefix of the first i+1 signs that is also their suffix.
  const border = new Int32Array(end.length);
  for (let at = 1, length = 0; at < end.length; at++) {
    while (length > 0 && end[at] !== end[length]) length = border[length - 1] ?? 0;
    if (end[at] === end[length]) length++;
    border[at] = length;
    const unit = at + 1 - length;
    // Most units come once or twice; only the others are looked at.
    if ((at + 1) / unit < minRepeats || at + 1 < needed(end.slice(0, unit))) continue;
    let all = at + 1;
    while (all < end.length && end[all] === end[all - unit]) all++;
    return end.slice(0, all - unit).join("").length;
  }
  return undefined;
}

/** Why a model was stopped before it had said everything. */
export interface Cut {
  readonly kind: "loop" | "language";
  /** What it had said before that. */
  readonly good: string;
}

/** Follows an answer: counts it for when the model is stopped before it tells its own figures, and knows why it was. */
export interface Watched {
  see(event: ModelEvent): void;
  stats(): AnswerStats;
  stop(cut: Cut): void;
  cut(): Cut | undefined;
}

/** @param nowMs a clock that never goes back, ms */
export function watchAnswer(promptTokens: () => number, nowMs: () => number): Watched {
  let answerTokens = 0;
  let firstMs: number | undefined;
  let cut: Cut | undefined;
  return {
    see(event) {
      if (event.kind !== "text" && event.kind !== "thinking" && event.kind !== "tool-call") return;
      firstMs ??= nowMs();
      answerTokens += event.kind === "tool-call" ? estimateTokens(JSON.stringify(event.call)) : 1;
    },
    stats: () => ({
      promptTokens: promptTokens(),
      answerTokens,
      loadMs: 0,
      prefillMs: 0,
      decodeMs: firstMs === undefined ? 0 : nowMs() - firstMs,
      estimated: true,
    }),
    stop(why) {
      cut = why;
    },
    cut: () => cut,
  };
}

/**
 * Passes the events of a model on until it repeats itself or goes over to another language; then stops it, and ends the
 * answer there. `watched` knows why.
 */
export function cutShort(
  model: AsyncIterable<ModelEvent>,
  watched: Watched,
  language?: AnswerLanguage,
): Stream<AnswerEvent> {
  return stream((take) => {
    const takeMore = moreOf(take);
    let text = "";
    let pieces = 0;
    return eachUntil(model, (event, enough) => {
      watched.see(event);
      if (event.kind !== "text") return take(event);
      const wait = pieces === 0 ? take(event) : takeMore(event);
      text += event.text;
      if (++pieces % everyPieces !== 0) return wait;
      const cut = cutOf(text, language);
      if (!cut) return wait;
      watched.stop(cut);
      return endNow(wait, enough);
    });
    async function endNow(wait: Promise<void> | undefined, enough: () => never): Promise<void> {
      await wait;
      await take({ kind: "done", stats: watched.stats(), finish: "stop" });
      enough();
    }
  });
}

function cutOf(text: string, language: AnswerLanguage | undefined): Cut | undefined {
  const loop = loopAtEnd(text);
  if (loop) return { kind: "loop", good: loop.good };
  const good = language && beforeDrift(text, language);
  return good === undefined ? undefined : { kind: "language", good };
}
