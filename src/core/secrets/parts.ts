// Secrets in parts, as code joins them: `"ghp_" + "…"`, `'…' . '…'`, and literals below each other without a sign.
import type { Span } from "./rule.ts";

const blank = "(?:[ \\t\\r\\n]|\\\\[nrt]){0,80}";
const quote = "\\\\?[\"'`]";
/** From the end of one part to the beginning of the next. Below each other: not the name of the next entry of a list. */
const joint = new RegExp(
  [
    `${quote}(?:${blank}(?:\\+|\\.{1,2}|&|\\|\\|)${blank}|[ \\t]{0,80}\\\\?\\r?\\n[ \\t]{0,80}(?!${quote}[^"'\`\\n]{0,160}${quote}[ \\t]{0,8}[:=]))`,
    `[rRbBuUfFL@$]{0,2}${quote}`,
  ].join(""),
  "g",
);
/** What is looked at around the places where parts are joined: a name before, and the rest of a value. */
const around = 400;

/** Where a part stands in the text, and where in what they make together. */
interface Part {
  readonly from: number;
  readonly at: number;
}

/** What is found where parts are joined, and only there; the quotes and signs in between belong to it. */
export function findInParts<Found extends Span>(
  text: string,
  find: (joined: string) => readonly Found[],
): readonly Found[] {
  const found: Found[] = [];
  for (const group of groupsOf(text)) {
    const { joined, parts } = join(text, group);
    for (const each of find(joined)) {
      const first = partAt(parts, each.start);
      const last = partAt(parts, each.end - 1);
      if (!first || !last || first === last) continue;
      found.push({ ...each, start: first.from + each.start - first.at, end: last.from + each.end - last.at });
    }
  }
  return found;
}

/** Joints that are so near to each other that a secret may go over several. */
function groupsOf(text: string): readonly (readonly Span[])[] {
  const groups: Span[][] = [];
  let before = Number.NEGATIVE_INFINITY;
  for (const { index: start, 0: sign } of text.matchAll(joint)) {
    const end = start + sign.length;
    if (start - before > 2 * around) groups.push([]);
    groups.at(-1)?.push({ start, end });
    before = end;
  }
  return groups;
}

function join(text: string, joints: readonly Span[]): { readonly joined: string; readonly parts: readonly Part[] } {
  const parts: Part[] = [];
  let joined = "";
  let from = Math.max(0, (joints[0]?.start ?? 0) - around);
  const add = (to: number) => {
    parts.push({ from, at: joined.length });
    joined += text.slice(from, to);
  };
  for (const { start, end } of joints) {
    add(start);
    from = end;
  }
  add(from + around);
  return { joined, parts };
}

function partAt(parts: readonly Part[], at: number): Part | undefined {
  let low = 0;
  let high = parts.length;
  while (high - low > 1) {
    const middle = (low + high) >> 1;
    if ((parts[middle]?.at ?? 0) <= at) low = middle;
    else high = middle;
  }
  return parts[low];
}
