// YAML: a map with lists in it. Lines are put in and taken out; where a file is written in another way, it is written anew.
import { isDeepStrictEqual } from "node:util";
import {
  type Document,
  isMap,
  isScalar,
  isSeq,
  type Pair,
  parseDocument,
  stringify,
  type YAMLMap,
  type YAMLSeq,
} from "yaml";
import type { Step } from "./client.ts";

export const yamlText = {
  parse(text: string): unknown {
    return read(text).toJS() ?? undefined;
  },

  set(text: string, path: readonly Step[], value: unknown): string {
    const document = read(text);
    const wanted = read(text);
    const place = placeIn(wanted, path);
    if (typeof place.at(-1) === "number" && !wanted.hasIn(place.slice(0, -1))) {
      wanted.setIn(place.slice(0, -1), wanted.createNode([value]));
    } else wanted.setIn(place, wanted.createNode(value));
    return closest(withLines(text, document, path, value), wanted);
  },

  remove(text: string, path: readonly Step[]): string {
    const document = read(text);
    const wanted = read(text);
    const place = placeIn(wanted, path);
    if (!wanted.hasIn(place)) return text;
    wanted.deleteIn(place);
    return closest(withoutLines(text, document, place), wanted);
  },
};

function read(text: string): Document {
  const document = parseDocument(text);
  const [first] = document.errors;
  if (first) throw first;
  if (document.contents !== null && !isMap(document.contents)) throw new Error("not a map");
  return document;
}

/** The changed lines where they say what is wanted, else the whole document written anew. */
function closest(text: string | undefined, wanted: Document): string {
  try {
    if (text !== undefined && isDeepStrictEqual(read(text).toJS() ?? {}, wanted.toJS() ?? {})) return text;
  } catch {
    // Written anew.
  }
  return wanted.toString({ lineWidth: 0 });
}

/** An element that is not there has the place after the last one. */
function placeIn(document: Document, path: readonly Step[]): (string | number)[] {
  const place: (string | number)[] = [];
  for (const step of path) {
    if (typeof step === "string") place.push(step);
    else {
      const list = document.getIn(place);
      const items: readonly unknown[] = isSeq(list) ? list.items : [];
      const at = items.findIndex((each) => isMap(each) && each.get(step.key) === step.is);
      place.push(at < 0 ? items.length : at);
    }
  }
  return place;
}

function withLines(text: string, document: Document, path: readonly Step[], value: unknown): string | undefined {
  const [key, element] = path;
  if (typeof key !== "string" || path.length > 2) return undefined;
  const base = text === "" || text.endsWith("\n") ? text : `${text}\n`;
  const found = document.get(key, true);
  if (found === undefined) {
    return base + stringify({ [key]: element === undefined ? value : [value] }, { lineWidth: 0 });
  }
  if (element === undefined) {
    if (!isScalar(found) || !found.range) return undefined;
    return text.slice(0, found.range[0]) + stringify(value).trimEnd() + text.slice(found.range[1]);
  }
  if (!isSeq(found) || found.flow || found.items.length === 0) return undefined;
  const place = placeIn(document, path).at(-1);
  const at = typeof place === "number" ? place : 0;
  const lines = linesOf(base, found, at < found.items.length ? at : found.items.length - 1);
  if (!lines) return undefined;
  const item = stringify([value], { lineWidth: 0 }).replace(/^(?=.)/gm, " ".repeat(lines.indent));
  return base.slice(0, at < found.items.length ? lines.start : lines.end) + item + base.slice(lines.end);
}

function withoutLines(text: string, document: Document, place: readonly (string | number)[]): string | undefined {
  const [key, at] = place;
  if (typeof key !== "string" || place.length > 2) return undefined;
  if (typeof at === "number") {
    const list = document.get(key, true);
    const lines = isSeq(list) && !list.flow ? linesOf(text, list, at) : undefined;
    return lines && text.slice(0, lines.start) + text.slice(lines.end);
  }
  const root: YAMLMap | undefined = isMap(document.contents) ? document.contents : undefined;
  const pairs: readonly Pair[] = root?.items ?? [];
  const index = pairs.findIndex((pair) => isScalar(pair.key) && pair.key.value === key);
  const starts = pairs.map((pair) => (isScalar(pair.key) ? pair.key.range?.[0] : undefined));
  const start = starts[index];
  return start === undefined ? undefined : text.slice(0, start) + text.slice(starts[index + 1] ?? text.length);
}

/** Where the lines of an element begin and end, and how far its dash is indented. */
function linesOf(text: string, list: YAMLSeq, at: number): { start: number; end: number; indent: number } | undefined {
  const item: unknown = list.items[at];
  const range = isMap(item) || isScalar(item) || isSeq(item) ? item.range : undefined;
  if (!range) return undefined;
  const dash = text.lastIndexOf("-", range[0]);
  const start = text.lastIndexOf("\n", dash) + 1;
  if (text.slice(start, dash).trim() !== "") return undefined;
  const end = text[range[1] - 1] === "\n" ? range[1] : text.indexOf("\n", range[1]) + 1 || text.length;
  return { start, end, indent: dash - start };
}
