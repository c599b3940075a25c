// What of a text stayed in its own language, and where it stands.
import { type Message, msg } from "../core/message.ts";

/** From 1; `label` names the text where there are several. */
export interface Lines {
  readonly first: number;
  readonly last: number;
  readonly label?: string;
}

/** More of them are not read. */
const shownRanges = 12;

/** @param begin of `text`, from 1 @returns the lines of what is in it, without blank ones around it */
export function linesOf(text: string, begin: number): Omit<Lines, "label"> {
  const lead = /^\s*/.exec(text)?.[0] ?? "";
  const first = begin + breaksIn(lead);
  return { first, last: first + breaksIn(text.trim()) };
}

export const breaksIn = (text: string): number => text.split("\n").length - 1;

/** @param left in their order @param total parts that were asked for */
export function untranslatedText(left: readonly Lines[], total: number): Message {
  if (left.length === total) return msg("The model did not answer as asked, twice; the original stands in its place.");
  const ranges = merged(left);
  const shown = ranges.slice(0, shownRanges).map(rangeText).join(", ");
  const where = ranges.length > shownRanges ? `${shown}, …` : shown;
  const isOne = ranges.length === 1 && ranges[0]?.first === ranges[0]?.last;
  return msg(
    "Not translated, for the model did not answer as asked, twice: {0} of {1} parts. The original stands in {2}.",
    left.length,
    total,
    isOne ? msg("line {0}", where) : msg("lines {0}", where),
  );
}

function rangeText({ first, last, label }: Lines): string {
  const numbers = first === last ? `${first}` : `${first}–${last}`;
  return label === undefined ? numbers : `${label}:${numbers}`;
}

/** Those that follow on each other as one. */
function merged(left: readonly Lines[]): readonly Lines[] {
  const ranges: Lines[] = [];
  for (const each of left) {
    const before = ranges.at(-1);
    if (before && before.label === each.label && each.first >= before.first && each.first <= before.last + 1)
      ranges[ranges.length - 1] = { ...before, last: Math.max(before.last, each.last) };
    else ranges.push(each);
  }
  return ranges;
}
