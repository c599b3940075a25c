import { readFileSync } from "node:fs";
import { msg } from "../core/message.ts";
import { reasonOf } from "../core/reason-of.ts";
import { defaultSettings, parseSettings, type Settings } from "../core/settings.ts";
import { TaskError } from "../core/task-error.ts";
import { isMissing, unreadable } from "./read-files.ts";

/** Environment variables that stand for a setting. */
const variables: Readonly<Record<string, string>> = {
  SWITCHYARD_ENGINE: "engine",
  SWITCHYARD_OLLAMA_URL: "ollamaUrl",
  SWITCHYARD_MODEL_PROFILE: "modelProfile",
  SWITCHYARD_ANSWER_LANGUAGE: "answerLanguage",
};

export interface SettingsFiles {
  readonly file: string;
  /** Whether the person has named it: then it has to be there. */
  readonly isNamed?: boolean;
  readonly editorFile: string;
}

/** Defaults, then the file, then the environment. */
export function readSettings(files: SettingsFiles, env: Readonly<Record<string, string | undefined>>): Settings {
  return parseSettings({ ...readOwn(files), ...fromEnvironment(env) });
}

/**
 * What the service goes by: the editor's settings under those of the file and the environment. A rule of privacy in
 * either of them holds, whatever the other says.
 */
export function readServiceSettings(files: SettingsFiles, env: Readonly<Record<string, string | undefined>>): Settings {
  // Written by another version, it may have keys that this one does not know.
  const editor = Object.fromEntries(
    Object.entries(readJson(files.editorFile)).filter(([key]) => key in defaultSettings),
  );
  const own = { ...readOwn(files), ...fromEnvironment(env) };
  const both = [parseSettings(editor), parseSettings(own)];
  return {
    ...parseSettings({ ...editor, ...own }),
    offline: both.some((each) => each.offline),
    localOnly: both.some((each) => each.localOnly),
    localOnlyPaths: [...new Set(both.flatMap((each) => each.localOnlyPaths))],
  };
}

function fromEnvironment(env: Readonly<Record<string, string | undefined>>): object {
  const fromEnv = Object.entries(variables).flatMap(([name, key]) => (env[name] ? [[key, env[name]]] : []));
  // Several addresses, apart by blanks.
  const sources = env["SWITCHYARD_WEIGHT_SOURCES"]?.split(/\s+/).filter((each) => each !== "");
  return { ...Object.fromEntries(fromEnv), ...(sources ? { weightSources: sources } : {}) };
}

function readOwn({ file, isNamed = false }: SettingsFiles): object {
  return readJson(file, isNamed);
}

/**
 * One that is not there is as good as an empty one, unless it has to be. One that is there and cannot be read may hold
 * what keeps texts here: without it nothing is done.
 * @throws TaskError `bad-input`
 */
function readJson(file: string, hasToBeThere = false): object {
  let text: string;
  try {
    text = readFileSync(file, "utf8");
  } catch (error) {
    if (!hasToBeThere && isMissing(error)) return {};
    throw unreadable(file, error);
  }
  // Some editors write a mark before the text.
  const value = parse(text.replace(/^\ufeff/, ""), file);
  if (typeof value === "object" && value !== null && !Array.isArray(value)) return value;
  throw new TaskError("bad-input", msg("{0} is not a JSON object. Mend it or remove it.", file));
}

function parse(text: string, file: string): unknown {
  try {
    return JSON.parse(text);
  } catch (cause) {
    // At the end of the text no place is told.
    const line = /\(line (\d+) column \d+\)/.exec(reasonOf(cause))?.[1] ?? text.trimEnd().split("\n").length;
    throw new TaskError("bad-input", msg("{0} is no JSON: see line {1}. Mend it or remove it.", file, line), { cause });
  }
}
