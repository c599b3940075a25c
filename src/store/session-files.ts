// Sessions as files, one each: two windows that work in different sessions cannot overwrite each other.

import { readdir, readFile, rename, rm } from "node:fs/promises";
import { join } from "node:path";
import * as z from "zod/mini";
import { msg } from "../core/message.ts";
import { parseJson } from "../core/parse-json.ts";
import { reasonOf } from "../core/reason-of.ts";
import type { Session, SessionStore, SessionSummary } from "../core/session.ts";
import { TaskError } from "../core/task-error.ts";
import { writePrivateFile } from "../private-file.ts";

const formatVersion = 1;
const fileSchema = z.object({
  version: z.literal(formatVersion),
  // Written by us alone, so only what lists and views stand on is checked.
  session: z.looseObject({
    id: z.string(),
    title: z.string(),
    createdAtMs: z.number(),
    updatedAtMs: z.number(),
    exchanges: z.array(z.looseObject({ id: z.string(), question: z.string(), answer: z.string(), state: z.string() })),
  }),
});

/** @param folder made on the first save, readable by its owner alone */
export function createSessionFiles(folder: string): SessionStore {
  const fileOf = (id: string) => join(folder, `${checkedId(id)}.json`);
  return {
    async list() {
      const names = await readdir(folder).catch(() => []);
      const ids = names.filter((name) => name.endsWith(".json")).map((name) => name.slice(0, -".json".length));
      const sessions = await Promise.all(ids.map((id) => read(fileOf(id))));
      return sessions
        .flatMap((session): SessionSummary[] =>
          session ? [{ id: session.id, title: session.title, updatedAtMs: session.updatedAtMs }] : [],
        )
        .sort((a, b) => b.updatedAtMs - a.updatedAtMs);
    },
    load: (id) => read(fileOf(id)),
    async save(session) {
      const text = JSON.stringify({ version: formatVersion, session });
      await storing(() => writePrivateFile(fileOf(session.id), text, { flush: true }));
    },
    async delete(id) {
      await storing(() => rm(fileOf(id), { force: true }));
    },
    async clear() {
      await storing(() => rm(folder, { recursive: true, force: true }));
    },
  };
}

/** Ids become file names: nothing but letters, digits and dashes. */
function checkedId(id: string): string {
  if (/^[\w-]{1,64}$/.test(id)) return id;
  throw new TaskError("internal", msg("“{0}” is not the name of a session.", id));
}

/** A file that is not a session is set aside under another name, so that nothing in it is lost. */
async function read(file: string): Promise<Session | undefined> {
  const text = await readFile(file, "utf8").catch(() => undefined);
  if (text === undefined) return undefined;
  const parsed = fileSchema.safeParse(parseJson(text));
  if (parsed.success) return asSession(parsed.data.session);
  await rename(file, `${file}.unreadable`).catch(() => undefined);
  return undefined;
}

/** Fields that an older version did not write get their empty value. */
function asSession(raw: z.infer<typeof fileSchema>["session"]): Session {
  const empty = { askedAtMs: raw.createdAtMs, sources: [], thinking: "", notices: [], findings: [] };
  return { ...raw, exchanges: raw.exchanges.map((exchange) => ({ ...empty, ...exchange })) } as Session;
}

async function storing(work: () => Promise<unknown>): Promise<void> {
  try {
    await work();
  } catch (error) {
    if (error instanceof TaskError) throw error;
    throw new TaskError(
      "storage",
      msg("The conversation could not be saved: {0}. It stays open in this window.", reasonOf(error)),
      {
        cause: error,
      },
    );
  }
}
