/** `:3-5` behind the name of a file, `:3` for one line; empty where the lines are not known. */
export function formatLines(startLine: number | undefined, endLine = startLine): string {
  if (startLine === undefined) return "";
  return endLine === startLine ? `:${startLine}` : `:${startLine}-${endLine}`;
}
