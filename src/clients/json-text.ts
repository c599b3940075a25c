// JSON with or without comments.
import {
  applyEdits,
  findNodeAtLocation,
  modify,
  type ParseError,
  parse,
  parseTree,
  printParseErrorCode,
} from "jsonc-parser";
import type { Step } from "./client.ts";

type JsonPath = (string | number)[];

export const jsonText = {
  parse(text: string): unknown {
    if (text.trim() === "") return undefined;
    const errors: ParseError[] = [];
    const value: unknown = parse(text, errors, { allowTrailingComma: true, disallowComments: false });
    const [first] = errors;
    if (first) throw new Error(`${printParseErrorCode(first.error)} at ${first.offset}`);
    return value;
  },

  set(text: string, path: readonly Step[], value: unknown): string {
    const last = path.at(-1);
    const base = text.trim() === "" ? (typeof path[0] === "object" ? "[]\n" : "{}\n") : text;
    const options = { formattingOptions: formatOf(base) };
    const { found, rest } = locate(jsonText.parse(base), path);
    const keys = [...found, ...rest.filter((step) => typeof step === "string")];
    if (typeof last === "string" || rest.length === 0) return applyEdits(base, modify(base, keys, value, options));
    // The last step is an element: of a list that is there, else of a new one.
    return appended(base, keys, value) ?? applyEdits(base, modify(base, keys, [value], options));
  },

  remove(text: string, path: readonly Step[]): string {
    const { found, rest } = locate(jsonText.parse(text), path);
    if (rest.length > 0) return text;
    return applyEdits(text, modify(text, found, undefined, { formattingOptions: formatOf(text) }));
  },
};

/** The part of the path that is there, with places in lists as numbers, and the part that is not. */
function locate(value: unknown, path: readonly Step[]): { found: JsonPath; rest: readonly Step[] } {
  const found: JsonPath = [];
  let current = value;
  for (const [index, step] of path.entries()) {
    const at = placeOf(current, step);
    if (at === undefined) return { found, rest: path.slice(index) };
    found.push(at);
    current = Object(current)[at];
  }
  return { found, rest: [] };
}

function placeOf(value: unknown, step: Step): string | number | undefined {
  if (typeof value !== "object" || value === null) return undefined;
  if (typeof step === "string") return !Array.isArray(value) && step in value ? step : undefined;
  if (!Array.isArray(value)) return undefined;
  const at = value.findIndex((each) => typeof each === "object" && each !== null && each[step.key] === step.is);
  return at < 0 ? undefined : at;
}

/** After the last element, which stays as it is written; undefined where there is no list with elements. */
function appended(text: string, path: JsonPath, value: unknown): string | undefined {
  const root = parseTree(text, [], { allowTrailingComma: true });
  const list = root && findNodeAtLocation(root, path);
  const last = list?.type === "array" ? list.children?.at(-1) : undefined;
  if (!last) return undefined;
  const { tabSize, insertSpaces, eol } = formatOf(text);
  const indent = /(?:^|\n)([ \t]*)$/.exec(text.slice(0, last.offset))?.[1];
  const written = JSON.stringify(value, undefined, insertSpaces ? " ".repeat(tabSize) : "\t");
  const element =
    indent === undefined
      ? ` ${JSON.stringify(value)}`
      : `${eol}${indent}${written.replaceAll("\n", `${eol}${indent}`)}`;
  const end = last.offset + last.length;
  return `${text.slice(0, end)},${element}${text.slice(end)}`;
}

/** As the rest of the file is indented. */
function formatOf(text: string) {
  const indent = /\n([ \t]+)\S/.exec(text)?.[1] ?? "  ";
  return {
    insertSpaces: !indent.startsWith("\t"),
    tabSize: indent.startsWith("\t") ? 1 : indent.length,
    eol: text.includes("\r\n") ? "\r\n" : "\n",
  };
}
