// Settings files of other programs, changed where they have to be and left as they are everywhere else.
import { isDeepStrictEqual } from "node:util";
import type { ClientSetting, FileFormat, Step } from "./client.ts";
import { envText } from "./env-text.ts";
import { jsonText } from "./json-text.ts";
import { tomlText } from "./toml-text.ts";
import { yamlText } from "./yaml-text.ts";

/** Texts of one format. Every function throws an `Error` where the text is not of the format. */
export interface DocumentText {
  parse(text: string): unknown;
  set(text: string, path: readonly Step[], value: unknown): string;
  remove(text: string, path: readonly Step[]): string;
}

export const documents: Readonly<Record<FileFormat, DocumentText>> = {
  json: jsonText,
  toml: tomlText,
  yaml: yamlText,
  env: envText,
};

/** What is at the path; undefined where nothing is. */
export function valueAt(value: unknown, path: readonly Step[]): unknown {
  let found = value;
  for (const step of path) {
    if (typeof step === "string") found = isRecord(found) ? found[step] : undefined;
    else found = Array.isArray(found) ? found.find((each) => isRecord(each) && each[step.key] === step.is) : undefined;
  }
  return found;
}

export function applySettings(format: FileFormat, text: string, settings: readonly ClientSetting[]): string {
  const { parse, set } = documents[format];
  return settings.reduce((changed, { path, value, isDefault }) => {
    if (isDefault && valueAt(parse(changed), path) !== undefined) return changed;
    return set(changed, path, value);
  }, text);
}

/** Whether both say the same; parsers give their own kinds of objects. */
export function isSame(one: unknown, other: unknown): boolean {
  return isDeepStrictEqual(plain(one), plain(other));
}

const plain = (value: unknown): unknown => (value === undefined ? undefined : JSON.parse(JSON.stringify(value)));

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
