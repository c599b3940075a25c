// Small models fall into counting for ever: `1. 2. 3. 4. …` in one line, where no unit comes twice.

/** How long a count has to be to be one without end, characters: points of a list that say nothing, or anything else. */
const lengths = { points: 2400, values: 24_000 };
/** Of that many characters one at least is a number: rules and rows of dots are no count. */
const longestPlace = 24;

/**
 * Where a count without end begins, after its first number: the end of the text is nothing but numbers that go on by the
 * same step, with signs between them. Values of an array or of a column may be asked for, some thousands of them.
 */
export function countAtEnd(text: string): number | undefined {
  const end = text.slice(-lengths.points);
  if (!isCount(end, lengths.points)) return undefined;
  const length = /\d[.)]\s+\d+[.)]?$/.test(end.trimEnd()) ? lengths.points : lengths.values;
  if (length > lengths.points && !isCount(text.slice(-length), length)) return undefined;
  return firstOf(text, text.length - length, stepOf(end));
}

function isCount(end: string, length: number): boolean {
  // Nearly no text ends without a letter for so long, and this is looked at of every answer.
  if (end.length < length || /\p{L}/u.test(end.slice(-40)) || /\p{L}/u.test(end)) return false;
  const values = valuesOf(end);
  const step = stepOf(end);
  if (values.length < length / longestPlace || step === 0) return false;
  return values.every((value, at) => at === 0 || value - (values[at - 1] ?? 0) === step);
}

/** The first and the last may be cut. */
const valuesOf = (text: string) => [...text.matchAll(/\d+/g)].slice(1, -1).map(([digits]) => Number(digits));

function stepOf(end: string): number {
  const [first = 0, second = 0] = valuesOf(end);
  return second - first;
}

/** Goes back from a place within the count to the end of its first number. */
function firstOf(text: string, from: number, step: number): number {
  const before = [...text.slice(0, from).matchAll(/\d+/g)].slice(0, -1);
  let first = before.length - 1;
  const valueAt = (at: number) => Number(before[at]?.[0]);
  const endAt = (at: number) => (before[at]?.index ?? 0) + (before[at]?.[0].length ?? 0);
  while (first > 0 && valueAt(first) - valueAt(first - 1) === step) {
    if (/\p{L}/u.test(text.slice(endAt(first - 1), before[first]?.index))) break;
    first--;
  }
  return first < 0 ? from : endAt(first);
}
