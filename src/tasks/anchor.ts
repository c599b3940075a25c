// Finds the lines that a quoted piece of source text stands on: line numbers from a model are only a hint.

export interface Anchor {
  /** From 1, within the text. */
  readonly startLine: number;
  readonly endLine: number;
  /** The text as it really stands there; empty when the quote is nowhere. */
  readonly quote: string;
}

/** Blanks count as equal; of several places the one nearest to the hint is taken. */
export function findAnchor(text: string, quote: string, hintLine: number): Anchor {
  const lines = text.replace(/\n$/, "").split("\n");
  const wanted = quote
    .split("\n")
    .map(squeeze)
    .filter((line) => line !== "");
  const places = wanted.length === 0 ? [] : placesOf(lines, wanted);
  const nearest = places.sort((a, b) => Math.abs(a.startLine - hintLine) - Math.abs(b.startLine - hintLine))[0];
  if (nearest) return nearest;
  const line = Math.min(Math.max(1, Math.round(hintLine) || 1), lines.length);
  return { startLine: line, endLine: line, quote: "" };
}

function squeeze(line: string): string {
  // Models copy the line numbers they were shown.
  return line
    .replace(/^\s*\d+\+?\s*[|:]\s?/, "")
    .replace(/\s+/g, " ")
    .trim();
}

function placesOf(lines: readonly string[], wanted: readonly string[]): Anchor[] {
  const places: Anchor[] = [];
  const squeezed = lines.map((line) => line.replace(/\s+/g, " ").trim());
  for (let start = 0; start < lines.length; start++) {
    const end = matchFrom(squeezed, start, wanted);
    if (end !== undefined) {
      places.push({ startLine: start + 1, endLine: end + 1, quote: lines.slice(start, end + 1).join("\n") });
    }
  }
  return places;
}

/** Index of the last matched line; blank lines in between are passed over. */
function matchFrom(squeezed: readonly string[], start: number, wanted: readonly string[]): number | undefined {
  let at = start;
  for (const [index, part] of wanted.entries()) {
    while (index > 0 && squeezed[at] === "") at++;
    const line = squeezed[at];
    if (line === undefined || line === "" || !line.includes(part)) return undefined;
    at++;
  }
  return at - 1;
}
