import { readFileSync } from "node:fs";
import { msg } from "../core/message.ts";
import { defaultSettings, parseSettings, type Settings } from "../core/settings.ts";
import { TaskError } from "../core/task-error.ts";

/** Environment variables that stand for a setting. */
const variables: Readonly<Record<string, string>> = {
  SWITCHYARD_ENGINE: "engine",
  SWITCHYARD_OLLAMA_URL: "ollamaUrl",
  SWITCHYARD_MODEL_PROFILE: "modelProfile",
  SWITCHYARD_ANSWER_LANGUAGE: "answerLanguage",
};

/** Defaults, then the file, then the environment. A file that is not there is as good as an empty one. */
export function readSettings(file: string, env: Readonly<Record<string, string | undefined>>): Settings {
  return parseSettings({ ...readJson(file), ...fromEnvironment(env) });
}

/**
 * What the service goes by: the editor's settings under those of the file and the environment. A rule of privacy in
 * either of them holds, whatever the other says.
 */
export function readServiceSettings(
  { file, editorFile }: { readonly file: string; readonly editorFile: string },
  env: Readonly<Record<string, string | undefined>>,
): Settings {
  // Written by another version, it may have keys that this one does not know.
  const editor = Object.fromEntries(Object.entries(readJson(editorFile)).filter(([key]) => key in defaultSettings));
  const both = [parseSettings(editor), parseSettings({ ...readJson(file), ...fromEnvironment(env) })];
  return {
    ...parseSettings({ ...editor, ...readJson(file), ...fromEnvironment(env) }),
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

function readJson(file: string): object {
  let text: string;
  try {
    text = readFileSync(file, "utf8");
  } catch {
    return {};
  }
  try {
    const value: unknown = JSON.parse(text);
    if (typeof value === "object" && value !== null) return value;
  } catch {
    // Told below.
  }
  throw new TaskError("bad-input", msg("{0} is not a JSON object. Mend it or remove it.", file));
}
