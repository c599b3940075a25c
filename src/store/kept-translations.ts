// Previews of translations as files, one each; those of windows that never came back go after a month.
import { readdir, readFile, rm, stat, utimes } from "node:fs/promises";
import { join } from "node:path";
import * as z from "zod/mini";
import type { KeptTranslation, TranslationStore } from "../core/kept-translation.ts";
import { msg } from "../core/message.ts";
import { parseJson } from "../core/parse-json.ts";
import { reasonOf } from "../core/reason-of.ts";
import { TaskError } from "../core/task-error.ts";
import { writePrivateFile } from "../private-file.ts";

const keptMs = 30 * 86_400_000;
const position = z.object({ line: z.number(), character: z.number() });
const fileSchema = z.object({
  id: z.string(),
  source: z.object({
    uri: z.string(),
    label: z.string(),
    text: z.string(),
    languageId: z.optional(z.string()),
    startLine: z.optional(z.number()),
    origin: z.enum(["selection", "file", "notebook-cell", "stdin"]),
  }),
  range: z.optional(z.object({ start: position, end: position })),
  target: z.enum(["en", "zh-CN"]),
  text: z.string(),
  state: z.enum(["done", "incomplete"]),
  by: z.string(),
  summary: z.string(),
  notes: z.array(z.object({ text: z.string(), places: z.array(z.number()) })),
});

/** @param folder made on the first save, readable by its owner alone */
export function createKeptTranslations(folder: string, nowMs: () => number): TranslationStore {
  const fileOf = (id: string) => join(folder, `${checkedId(id)}.json`);
  return {
    async load(id) {
      const text = await readFile(fileOf(id), "utf8").catch(() => "");
      const { data } = fileSchema.safeParse(parseJson(text));
      if (!data) return undefined;
      // Who looks at it keeps it.
      await utimes(fileOf(id), nowMs() / 1000, nowMs() / 1000).catch(() => undefined);
      // What is absent is not in the file.
      return data as KeptTranslation;
    },
    async save(translation) {
      await storing(() => writePrivateFile(fileOf(translation.id), JSON.stringify(translation)));
      await removeOld(folder, nowMs() - keptMs);
    },
    delete: (id) => storing(() => rm(fileOf(id), { force: true })),
    clear: () => storing(() => rm(folder, { recursive: true, force: true })),
  };
}

/** Ids become file names: nothing but letters, digits and dashes. */
function checkedId(id: string): string {
  if (/^[\w-]{1,64}$/.test(id)) return id;
  throw new TaskError("internal", msg("“{0}” is not the name of a translation.", id));
}

async function removeOld(folder: string, beforeMs: number): Promise<void> {
  for (const name of await readdir(folder).catch(() => [])) {
    const file = join(folder, name);
    const { mtimeMs } = await stat(file).catch(() => ({ mtimeMs: beforeMs }));
    if (mtimeMs < beforeMs) await rm(file, { force: true }).catch(() => undefined);
  }
}

async function storing(work: () => Promise<unknown>): Promise<void> {
  try {
    await work();
  } catch (cause) {
    const text = msg("The translation could not be kept: {0}. It stays open in this window.", reasonOf(cause));
    throw new TaskError("storage", text, { cause });
  }
}
