import { isDeepStrictEqual } from "node:util";
import { parse, patch } from "@decimalturn/toml-patch";
import type { Step } from "./client.ts";

type Table = Record<string, unknown>;

export const tomlText = {
  parse: (text: string): unknown => parse(text),

  set(text: string, path: readonly Step[], value: unknown): string {
    const wanted = changed(text, path, value);
    // A new table is put at the end, as people write it, where that says the same.
    if (isTable(value) && !hasValue(parse(text), path)) {
      const gap = text === "" ? "" : text.endsWith("\n") ? "\n" : "\n\n";
      const appended = `${text}${gap}${section(path, value)}`;
      if (isSame(appended, wanted)) return appended;
    }
    return checked(patch(text, wanted), wanted);
  },

  remove(text: string, path: readonly Step[]): string {
    const wanted = changed(text, path, undefined);
    return checked(patch(text, wanted), wanted);
  },
};

/** The document with the value at the path; undefined takes out what is there. */
function changed(text: string, path: readonly Step[], value: unknown): Table {
  const document: Table = structuredClone(parse(text));
  let table = document;
  for (const step of path.slice(0, -1).map(String)) {
    const next = table[step];
    const inner = isTable(next) ? next : {};
    table[step] = inner;
    table = inner;
  }
  const last = String(path.at(-1));
  if (value === undefined) delete table[last];
  else table[last] = value;
  return document;
}

function hasValue(document: unknown, path: readonly Step[]): boolean {
  return (
    path.reduce((found: unknown, step) => (isTable(found) ? found[String(step)] : undefined), document) !== undefined
  );
}

function section(path: readonly Step[], table: Table): string {
  const name = path.map((step) => keyOf(String(step))).join(".");
  return `[${name}]\n${Object.entries(table)
    .map(([key, value]) => `${keyOf(key)} = ${literal(value)}\n`)
    .join("")}`;
}

function literal(value: unknown): string {
  if (!isTable(value)) return JSON.stringify(value);
  const inner = Object.entries(value).map(([key, each]) => `${keyOf(key)} = ${literal(each)}`);
  return `{ ${inner.join(", ")} }`;
}

const keyOf = (key: string) => (/^[\w-]+$/.test(key) ? key : JSON.stringify(key));

function checked(text: string, wanted: Table): string {
  if (!isSame(text, wanted)) throw new Error("The file could not be changed without changing more than was meant.");
  return text;
}

function isSame(text: string, wanted: Table): boolean {
  try {
    // Both as plain data: parsers give their own kinds of objects.
    return isDeepStrictEqual(JSON.parse(JSON.stringify(parse(text))), JSON.parse(JSON.stringify(wanted)));
  } catch {
    return false;
  }
}

function isTable(value: unknown): value is Table {
  return typeof value === "object" && value !== null && !Array.isArray(value) && !(value instanceof Date);
}
