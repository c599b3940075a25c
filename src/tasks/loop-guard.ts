// Small models fall into saying the same for ever. That is noticed, and the model is stopped.
import type { AnswerEvent } from "../core/answer.ts";
import { estimateTokens } from "../core/context.ts";
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

/** A loop that counts, as a numbered list does, has to be of words and come more often. */
const counting = { minLetters: 12, minRepeats: 6 };

/** True when the text ends in one unit again and again, be it as a list whose numbers go on. */
export function endsInLoop(text: string): boolean {
  const end = text.slice(-windowLength);
  if (
    repeats(end, (unit) =>
      Math.max(unit.length * minRepeats, unit.length < shortUnit ? minLength.short : minLength.long),
    )
  )
    return true;
  return repeats(end.replace(/^([ \t]*)\d+(?=[.)])/gm, "$10"), (unit) => {
    const letters = unit.filter((sign) => /\p{L}/u.test(sign)).length;
    return letters < counting.minLetters ? Number.POSITIVE_INFINITY : unit.length * counting.minRepeats;
  });
}

/** @param needed signs that the repetitions of a unit must have in all */
function repeats(text: string, needed: (unit: readonly string[]) => number): boolean {
  const end = [...text].reverse();
  // Prefix function: `border[i]` is the longest proper prefix of the first i+1 signs that is also their suffix.
  const border = new Int32Array(end.length);
  for (let at = 1, length = 0; at < end.length; at++) {
    while (length > 0 && end[at] !== end[length]) length = border[length - 1] ?? 0;
    if (end[at] === end[length]) length++;
    border[at] = length;
    const unit = at + 1 - length;
    // Most units come once or twice; only the others are looked at.
    if ((at + 1) / unit >= minRepeats && at + 1 >= needed(end.slice(0, unit))) return true;
  }
  return false;
}

/** Counts what a model said, for when it is stopped before it tells its own figures. */
export interface Counted {
  see(event: ModelEvent): void;
  stats(): AnswerStats;
}

/** @param nowMs a clock that never goes back, ms */
export function countAnswer(promptTokens: () => number, nowMs: () => number): Counted {
  let answerTokens = 0;
  let firstMs: number | undefined;
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
