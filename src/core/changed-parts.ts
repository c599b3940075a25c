// The parts of a file around what changed in it.
import type { Change, Source } from "./task.ts";

/** One run of lines, as line differs have it: what neither was added nor removed stands in both texts. */
export interface DiffPart {
  readonly added: boolean;
  readonly removed: boolean;
  /** The lines themselves, each with its end. */
  readonly value: string;
  /** How many lines these are. */
  readonly count: number;
}

/** How texts are to be compared: ends of lines are not what anybody means by a change. */
export const diffOptions = { stripTrailingCr: true, ignoreNewlineAtEof: true, timeout: 2000 } as const;

/** So much of what did not change is shown around a change, for a model to understand it. */
const linesAround = 20;
/** Of what was taken away at one place; more says nothing new. */
const mostRemoved = 30;

/**
 * Only what is new or different in the text, with the lines around: near changes come together in one part.
 * @param source the whole file
 * @param diff from the earlier text to this one; undefined: all of it is new
 * @returns nothing where nothing changed
 */
export function changedParts(source: Source, diff: readonly DiffPart[] | undefined): readonly Source[] {
  const lines = source.text.split("\n");
  // The end of the last line is no line.
  if (lines.at(-1) === "") lines.pop();
  const change = diff ? changeIn(diff) : { added: lines.map((_, index) => index + 1), removed: [] };
  const windows = windowsAround(change, lines.length);
  return windows.map(([first, last]) => {
    const isWhole = first === 1 && last === lines.length;
    const within = ({ before }: { readonly before: number }) => before >= first && before <= last + 1;
    return {
      ...source,
      ...(isWhole ? {} : { origin: "selection", label: `${source.label} (${first}–${last})` }),
      text: lines.slice(first - 1, last).join("\n"),
      startLine: first,
      change: {
        added: change.added.filter((line) => line >= first && line <= last),
        removed: change.removed.filter(within),
      },
    };
  });
}

function changeIn(diff: readonly DiffPart[]): Change {
  const added: number[] = [];
  const removed: Change["removed"][number][] = [];
  let line = 1;
  for (const part of diff) {
    if (part.removed) removed.push({ before: line, lines: shortened(part.value.replace(/\r?\n$/, "").split(/\r?\n/)) });
    else {
      if (part.added) for (let at = line; at < line + part.count; at++) added.push(at);
      line += part.count;
    }
  }
  return { added, removed };
}

function shortened(lines: readonly string[]): readonly string[] {
  if (lines.length <= mostRemoved) return lines;
  return [...lines.slice(0, mostRemoved), `… (${lines.length - mostRemoved} more)`];
}

/** First and last lines of the parts, from 1. */
function windowsAround(change: Change, count: number): readonly (readonly [number, number])[] {
  const places = [...change.added, ...change.removed.map(({ before }) => Math.min(before, count))];
  const windows: [number, number][] = [];
  for (const line of places.sort((a, b) => a - b)) {
    const last = Math.min(count, line + linesAround);
    const open = windows.at(-1);
    if (open && line - linesAround <= open[1] + 1) open[1] = Math.max(open[1], last);
    else if (count > 0) windows.push([Math.max(1, line - linesAround), last]);
  }
  return windows;
}

/** Whether lines are among those that changed, or stand where some were only taken away. */
export function touchesChange({ added, removed }: Change, firstLine: number, lastLine: number): boolean {
  const isReplaced = (line: number) => added.includes(line);
  return (
    added.some((line) => line >= firstLine && line <= lastLine) ||
    removed.some(({ before }) => !isReplaced(before) && before >= firstLine && before <= lastLine + 1)
  );
}
