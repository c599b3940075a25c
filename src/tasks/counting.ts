// Small models fall into counting for ever: `1. 2. 3. 4. …` in one line, where no unit comes twice.

/**
 * Where a count without end begins, after its first number: the end of the text is nothing but numbers that go on by the
 * same step, with signs between them.
 * @param length characters that have to be such: what somebody asks to be counted is shorter
 */
export function countAtEnd(text: string, length: number): number | undefined {
  if (text.length < length) return undefined;
  const end = text.slice(-length);
  // Nearly no text ends without a letter for so long, and this is looked at of every answer.
  if (/\p{L}/u.test(end.slice(-40)) || /\p{L}/u.test(end)) return undefined;
  // The first and the last may be cut.
  const values = [...end.matchAll(/\d+/g)].slice(1, -1).map(([digits]) => Number(digits));
  const step = (values[1] ?? 0) - (values[0] ?? 0);
  const goesOn = (before: number, after: number) => after - before === step;
  if (values.length < length / longestPlace || step === 0) return undefined;
  if (!values.every((value, at) => at === 0 || goesOn(values[at - 1] ?? 0, value))) return undefined;
  return firstOf(text, text.length - length, goesOn);
}

/** Of that many characters one at least is a number: rules and rows of dots are no count. */
const longestPlace = 24;

/** Goes back from a place within the count to the end of its first number. */
function firstOf(text: string, from: number, goesOn: (before: number, after: number) => boolean): number {
  const before = [...text.slice(0, from).matchAll(/\d+/g)].slice(0, -1);
  let first = before.length - 1;
  const valueAt = (at: number) => Number(before[at]?.[0]);
  const endAt = (at: number) => (before[at]?.index ?? 0) + (before[at]?.[0].length ?? 0);
  while (first > 0 && goesOn(valueAt(first - 1), valueAt(first))) {
    if (/\p{L}/u.test(text.slice(endAt(first - 1), before[first]?.index))) break;
    first--;
  }
  return first < 0 ? from : endAt(first);
}
