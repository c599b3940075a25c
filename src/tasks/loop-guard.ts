// Small models fall into saying the same for ever. That is noticed, and the model is stopped.
import type { AnswerEvent } from "../core/answer.ts";
import { msg } from "../core/message.ts";
import type { AnswerStats, ModelEvent } from "../core/model-event.ts";

/** How much of the end is looked at, characters. */
const windowLength = 2400;
/** Looking costs some ten microseconds; once in so many pieces is soon enough. */
const everyPieces = 24;
/** A unit has to come this often. */
const minRepeats = 3;
/** Rules, dots and rows of zeros repeat for good reasons, up to a point. */
const minLength = { short: 600, long: 240 };
const shortUnit = 8;

/** True when the text ends in one unit again and again. */
export function endsInLoop(text: string): boolean {
  const end = [...text.slice(-windowLength)].reverse();
  // Prefix function: `border[i]` is the longest proper prefix of the first i+1 signs that is also their suffix.
  const border = new Int32Array(end.length);
  for (let at = 1, length = 0; at < end.length; at++) {
    while (length > 0 && end[at] !== end[length]) length = border[length - 1] ?? 0;
    if (end[at] === end[length]) length++;
    border[at] = length;
    const unit = at + 1 - length;
    const needed = Math.max(unit * minRepeats, unit < shortUnit ? minLength.short : minLength.long);
    if (at + 1 >= needed) return true;
  }
  return false;
}

/** Counts what a model said, for when it is stopped before it tells its own figures. */
export interface Counted {
  see(event: ModelEvent): void;
  stats(): AnswerStats;
}

/** @param nowMs a clock that never goes back, ms */
export function countAnswer(promptTokens: number, nowMs: () => number): Counted {
  let answerTokens = 0;
  let firstMs: number | undefined;
  return {
    see(event) {
      if (event.kind !== "text" && event.kind !== "thinking") return;
      firstMs ??= nowMs();
      answerTokens++;
    },
    stats: () => ({
      promptTokens,
      answerTokens,
      loadMs: 0,
      prefillMs: 0,
      decodeMs: firstMs === undefined ? 0 : nowMs() - firstMs,
      estimated: true,
    }),
  };
}

/** Passes the events of a model on until it repeats itself; then stops it, says so, and ends the answer there. */
export async function* cutLoops(model: AsyncIterable<ModelEvent>, counted: Counted): AsyncIterable<AnswerEvent> {
  let text = "";
  let pieces = 0;
  for await (const event of model) {
    counted.see(event);
    yield event;
    if (event.kind !== "text") continue;
    text = (text + event.text).slice(-windowLength);
    if (++pieces % everyPieces !== 0 || !endsInLoop(text)) continue;
    yield { kind: "notice", text: msg("The model began to repeat itself and was stopped.") };
    yield { kind: "done", stats: counted.stats(), finish: "stop" };
    return;
  }
}
