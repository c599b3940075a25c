// Where a text that was asked about stands now, and which part of a text an answer's code is another form of.

/** Offsets of every place where it stands, in order. */
export function offsetsOf(whole: string, text: string): readonly number[] {
  if (text === "") return [];
  const offsets: number[] = [];
  for (let at = whole.indexOf(text); at >= 0; at = whole.indexOf(text, at + text.length)) offsets.push(at);
  return offsets;
}

/** Of several, the one nearest to where it stood; undefined: nowhere. */
export function nearestOffset(whole: string, text: string, wasAt: number): number | undefined {
  return [...offsetsOf(whole, text)].sort((a, b) => Math.abs(a - wasAt) - Math.abs(b - wasAt))[0];
}

/** Lines from 0, both inclusive. */
export interface Lines {
  readonly first: number;
  readonly last: number;
}

/**
 * The lines that code begins and ends like, the last as deep below the first as in the code: inner blocks end like
 * outer ones.
 * @param within lines to look at
 */
export function linesLike(lines: readonly string[], code: string, within: Lines): Lines | undefined {
  const own = code.split(/\r?\n/).filter((line) => line.trim() !== "");
  const [head, end] = [own[0], own.at(-1)];
  if (head === undefined || end === undefined) return undefined;
  const deeper = depthOf(end) - depthOf(head);
  for (let first = within.first; first <= within.last; first++) {
    const line = lines[first] ?? "";
    if (line.trim() !== head.trim()) continue;
    for (let last = first; last <= within.last; last++) {
      const other = lines[last] ?? "";
      if (other.trim() === end.trim() && depthOf(other) - depthOf(line) === deeper) return { first, last };
    }
  }
  return undefined;
}

const depthOf = (line: string) => line.length - line.trimStart().length;
