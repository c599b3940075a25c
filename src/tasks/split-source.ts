import type { Source } from "../core/task.ts";

/**
 * Cuts a long source into parts that fit, between top-level blocks where it can: before a line that begins at the margin
 * after a blank one, else at any blank line, else at any line. Nothing is dropped.
 */
export function splitSource(
  source: Source,
  maxTokens: number,
  estimateTokens: (text: string) => number,
): readonly Source[] {
  if (estimateTokens(source.text) <= maxTokens) return [source];
  const lines = source.text.split("\n");
  const costs = lines.map((line) => estimateTokens(line) + 1);
  const parts: Source[] = [];
  let start = 0;
  while (start < lines.length) {
    const end = endOfPart(lines, costs, start, maxTokens);
    const first = (source.startLine ?? 1) + start;
    parts.push({
      ...source,
      text: lines.slice(start, end).join("\n"),
      startLine: first,
      label: `${source.label} (${first}–${first + end - start - 1})`,
    });
    start = end;
  }
  return parts.filter((part) => part.text.trim() !== "");
}

/** Index after the last line of the part that begins at `start`. A single line that is too long stays whole. */
function endOfPart(lines: readonly string[], costs: readonly number[], start: number, maxTokens: number): number {
  let tokens = 0;
  let atBlock: number | undefined;
  let atBlank: number | undefined;
  for (let at = start; at < lines.length; at++) {
    tokens += costs[at] ?? 0;
    if (tokens > maxTokens && at > start) {
      const isFarEnough = (index: number | undefined) => index !== undefined && index - start > (at - start) / 3;
      if (isFarEnough(atBlock)) return atBlock ?? at;
      return isFarEnough(atBlank) ? (atBlank ?? at) : at;
    }
    const isBlank = (lines[at] ?? "").trim() === "";
    if (isBlank) atBlank = at + 1;
    if (isBlank && /^\S/.test(lines[at + 1] ?? "")) atBlock = at + 1;
  }
  return lines.length;
}
