// Cuts source code into the prose of its comments, which is translated, and everything else, which stays to the byte.
import hljs from "highlight.js/lib/common";
import type { Part } from "./parts.ts";

/** VS Code's name of a language where it is another one than the highlighter's. */
const names: Readonly<Record<string, string>> = {
  typescriptreact: "typescript",
  javascriptreact: "javascript",
  shellscript: "bash",
  jsonc: "json",
  html: "xml",
  vue: "xml",
  svelte: "xml",
  "objective-c": "objectivec",
  vb: "vbnet",
};
const mark = /<span class="([^"]*)">|<\/span>|&(amp|lt|gt|quot|#x27);|[^<&]+|[<&]/g;
const entities: Readonly<Record<string, string>> = { amp: "&", lt: "<", gt: ">", quot: '"', "#x27": "'" };

/** Signs before the prose of a line, with a documentation tag and the name it is about; and those after it. */
const before =
  /^[ \t]*(?:\/\*\*?|\/\/[/!]?|\*(?!\/)|#+!?|--+|;+|%+|<!--|"""|'''|\(\*)?[ \t]*(?:@\w+(?:[ \t]+\{[^}\n]*\})?(?:[ \t]+[\w.$[\]]+[ \t]*-?)?[ \t]*|:\w+[ \t]*\w*:[ \t]*)?/;
const after = /[ \t]*(?:\*+\/|-->|"""|'''|\*\))?[ \t]*$/;
/** Directives to tools look like comments and are none. */
const directive =
  /^(?:eslint|biome|prettier|ts-|@ts-|noqa|pylint|type:|pragma|!\/|istanbul|c8 |v8 |clang-format|region|endregion)/i;

/** The parts joined are the source again. Undefined where the language is not known. */
export function splitCode(text: string, languageId: string): readonly Part[] | undefined {
  const language = names[languageId] ?? languageId;
  if (!hljs.getLanguage(language)) return undefined;
  const comments = findComments(text, language);
  const parts: Part[] = [];
  let at = 0;
  for (const { start, end } of comments) {
    if (start > at) parts.push({ kind: "keep", text: text.slice(at, start) });
    for (const part of splitComment(text.slice(start, end))) parts.push(part);
    at = end;
  }
  if (at < text.length) parts.push({ kind: "keep", text: text.slice(at) });
  return parts;
}

interface Range {
  readonly start: number;
  readonly end: number;
}

function findComments(text: string, language: string): readonly Range[] {
  const { value } = hljs.highlight(text, { language, ignoreIllegals: true });
  const found: Range[] = [];
  const open: string[] = [];
  let at = 0;
  let start = 0;
  for (const [whole, name, entity] of value.matchAll(mark)) {
    if (name !== undefined) {
      if (!open.some(isProse)) start = at;
      open.push(name);
    } else if (whole === "</span>") {
      const closed = open.pop() ?? "";
      if (!isProse(closed) || open.some(isProse)) continue;
      if (/comment/.test(closed) || isDocstring(text, start, language)) found.push({ start, end: at });
    } else at += entity === undefined ? whole.length : (entities[entity] ?? "").length;
  }
  // A highlighter that changed the text would have us cut it in the wrong places.
  return at === text.length ? found : [];
}

const isProse = (name: string) => /comment|string/.test(name);

/** In Python, a string that stands alone is documentation. */
function isDocstring(text: string, start: number, language: string): boolean {
  if (language !== "python" || !/^(?:"""|''')/.test(text.slice(start, start + 3))) return false;
  return /(?:^|\n)[ \t]*$/.test(text.slice(0, start));
}

function splitComment(comment: string): readonly Part[] {
  return comment.split(/(\r?\n)/).flatMap((line): readonly Part[] => {
    const lead = before.exec(line)?.[0] ?? "";
    const body = line.slice(lead.length);
    const trail = after.exec(body)?.[0] ?? "";
    const prose = body.slice(0, body.length - trail.length);
    if (!/\p{L}{2}/u.test(prose) || directive.test(prose)) return line === "" ? [] : [{ kind: "keep", text: line }];
    return [
      ...(lead === "" ? [] : [{ kind: "keep" as const, text: lead }]),
      { kind: "translate", original: prose, text: prose, held: [], isComment: true },
      ...(trail === "" ? [] : [{ kind: "keep" as const, text: trail }]),
    ];
  });
}
