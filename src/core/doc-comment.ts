// The documentation comment of a function or class: found in a model's answer, and where it goes in the code.

interface Style {
  /** How one line of it begins; absent: a block with a beginning and an end. */
  readonly line?: string;
  /** Under the head of what it documents rather than above it. */
  readonly isInside?: boolean;
}

const block: Style = {};
const styles: Readonly<Record<string, Style>> = {
  python: { isInside: true },
  go: { line: "//" },
  rust: { line: "///" },
  csharp: { line: "///" },
  swift: { line: "///" },
  ruby: { line: "#" },
};

const docstring = /[rRuU]?("""|''')[\s\S]*?\1/;
const blockComment = /\/\*\*[\s\S]*?\*\//;

/**
 * The comment in the answer, line by line and without indentation: small models give the code again as well, or give
 * no comment at all. Undefined where there is none.
 */
export function commentIn(answer: string, languageId: string): readonly string[] | undefined {
  const fenced = /^[ \t]*(`{3,})[^\n]*\n([\s\S]*?)\n?[ \t]*\1`*[ \t]*$/m.exec(answer)?.[2];
  const text = fenced ?? answer.trim();
  const { line, isInside } = styles[languageId] ?? block;
  if (isInside) return linesOf(docstring.exec(text)?.[0]);
  // Where lines are the custom, a block is understood as well.
  return (line ? runOf(text.split(/\r?\n/), line) : undefined) ?? starred(linesOf(blockComment.exec(text)?.[0]));
}

/** The first lines in a row that begin with the mark. */
function runOf(lines: readonly string[], mark: string): readonly string[] | undefined {
  const isComment = (text: string | undefined) => text?.trimStart().startsWith(mark) ?? false;
  const from = lines.findIndex(isComment);
  if (from < 0) return undefined;
  const after = lines.findIndex((text, index) => index > from && !isComment(text));
  return lines.slice(from, after < 0 ? lines.length : after).map((text) => text.trim());
}

/** Without what all lines but the first are indented by; the first lost it by being cut out. */
function linesOf(comment: string | undefined): readonly string[] | undefined {
  if (comment === undefined) return undefined;
  const [first = "", ...rest] = comment.split(/\r?\n/).map((line) => line.trimEnd());
  const indents = rest.filter((line) => line !== "").map((line) => /^\s*/.exec(line)?.[0].length ?? 0);
  const shared = indents.length === 0 ? 0 : Math.min(...indents);
  return [first, ...rest.map((line) => line.slice(shared))];
}

/** The stars stand one column in. */
function starred(lines: readonly string[] | undefined): readonly string[] | undefined {
  return lines?.map((line, index) => (index > 0 && line.startsWith("*") ? ` ${line}` : line));
}

export interface CommentSpot {
  /** Lines from `from` up to `to` are the comment that is there already; equal where there is none. From 0. */
  readonly from: number;
  readonly to: number;
  readonly indent: string;
}

/** @param start line of the code that is documented, from 0 @param end its last one */
export function commentSpot(lines: readonly string[], start: number, end: number, languageId: string): CommentSpot {
  const style = styles[languageId] ?? block;
  const indent = /^\s*/.exec(lines[start] ?? "")?.[0] ?? "";
  if (style.isInside) return spotInside(lines, start, end, indent);
  return { from: beginningAbove(lines, start, style), to: start, indent };
}

/** Where a comment that ends right above the line begins; the line itself where there is none. */
function beginningAbove(lines: readonly string[], start: number, { line }: Style): number {
  let from = start;
  if (line) {
    while (from > 0 && (lines[from - 1] ?? "").trimStart().startsWith(line)) from--;
    return from;
  }
  if (!(lines[start - 1] ?? "").trimEnd().endsWith("*/")) return start;
  do from--;
  while (from > 0 && !(lines[from] ?? "").includes("/*"));
  return (lines[from] ?? "").trimStart().startsWith("/**") ? from : start;
}

/** Under the line that ends the head with a colon, as deep as the code there. */
function spotInside(lines: readonly string[], start: number, end: number, indent: string): CommentSpot {
  const head = lines.findIndex((line, index) => index >= start && index <= end && /:\s*(?:#.*)?$/.test(line));
  const from = head < 0 ? start : head + 1;
  const body = lines.slice(from, end + 1).find((line) => line.trim() !== "");
  const inner = head < 0 ? indent : (/^\s*/.exec(body ?? `${indent}    `)?.[0] ?? indent);
  const quote = /^\s*[rRuU]?("""|''')/.exec(lines[from] ?? "")?.[1];
  if (!quote) return { from, to: from, indent: inner };
  const isOneLine = (lines[from] ?? "").split(quote).length > 2;
  const last = isOneLine ? from : lines.findIndex((line, index) => index > from && line.includes(quote));
  return { from, to: last < 0 ? from : last + 1, indent: inner };
}

/** What the first line of code names, for people. */
export function nameIn(head: string): string {
  const named =
    /\b(?:function|def|class|interface|enum|struct|trait|type|func|fn|fun|module)\s+(?:\([^)]*\)\s*)?([\p{L}_$][\p{L}\p{N}_$]*)/u;
  return named.exec(head)?.[1] ?? head.trim().slice(0, 60);
}
