import type { Source } from "./task.ts";

/** A fence longer than any inside the text, so that nothing in it can end the block. */
export function fenced(source: Source): string {
  const longest = Math.max(2, ...[...source.text.matchAll(/`{3,}/g)].map((match) => match[0].length));
  const fence = "`".repeat(longest + 1);
  return `${source.label}:\n${fence}${source.languageId ?? ""}\n${source.text}\n${fence}`;
}
