import { readFileSync } from "node:fs";
import { msg } from "../core/message.ts";
import { parseSettings, type Settings } from "../core/settings.ts";
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
  const fromEnv = Object.entries(variables).flatMap(([name, key]) => (env[name] ? [[key, env[name]]] : []));
  // Several addresses, apart by blanks.
  const sources = env["SWITCHYARD_WEIGHT_SOURCES"]?.split(/\s+/).filter((each) => each !== "");
  return parseSettings({
    ...readJson(file),
    ...Object.fromEntries(fromEnv),
    ...(sources ? { weightSources: sources } : {}),
  });
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
