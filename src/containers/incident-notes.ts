// What happened to the containers and what was done, kept across windows: who takes over the watch knows how often.
import { appendFile, mkdir, readFile, stat } from "node:fs/promises";
import { dirname } from "node:path";
import * as z from "zod/mini";
import { parseJson } from "../core/parse-json.ts";
import type { Incident } from "../core/services.ts";
import { writePrivateFile } from "../private-file.ts";

const mostLines = 400;
const keptLines = 200;

const schema = z.object({
  service: z.string(),
  atMs: z.number(),
  what: z.enum(["died", "out-of-memory", "unhealthy", "paused", "lost-gpu"]),
  done: z.enum(["restarted", "unpaused", "gave-up", "failed"]),
  attempt: z.int(),
  helped: z.boolean(),
  tookMs: z.number(),
  /** Which watcher wrote it. */
  by: z.string(),
});
type Note = z.infer<typeof schema>;

export interface IncidentNotes {
  /** Never throws: a full disk must not keep a container from being healed. */
  add(incident: Incident): Promise<void>;
  /** Oldest first. */
  list(): Promise<readonly Incident[]>;
  /** What others wrote since the last call; at the first call nothing. */
  others(): Promise<readonly Incident[]>;
}

/** @param by tells this watcher from others */
export function createIncidentNotes(file: string, by: string): IncidentNotes {
  let readBytes: number | undefined;
  const readNotes = async (): Promise<readonly Note[]> => parse(await readFile(file, "utf8").catch(() => ""));
  return {
    async add(incident) {
      try {
        await mkdir(dirname(file), { recursive: true, mode: 0o700 });
        await appendFile(file, lineOf({ ...incident, by }), { mode: 0o600 });
        const notes = await readNotes();
        if (notes.length > mostLines) await writePrivateFile(file, notes.slice(-keptLines).map(lineOf).join(""));
      } catch {
        // It was healed; that it is not written down is the smaller harm.
      }
    },
    list: async () => (await readNotes()).map(withoutWriter),
    async others() {
      const sizeBytes = (await stat(file).catch(() => undefined))?.size ?? 0;
      const before = readBytes;
      readBytes = sizeBytes;
      // Shorter than before: it was shortened, and what was read was read.
      if (before === undefined || sizeBytes <= before) return [];
      const bytes = await readFile(file).catch(() => Buffer.alloc(0));
      const notes = parse(bytes.subarray(before, sizeBytes).toString("utf8"));
      return notes.filter((note) => note.by !== by).map(withoutWriter);
    },
  };
}

const lineOf = (note: Note) => `${JSON.stringify(note)}\n`;

function parse(text: string): readonly Note[] {
  return text.split("\n").flatMap((line) => schema.safeParse(parseJson(line)).data ?? []);
}

function withoutWriter({ by: _, ...incident }: Note): Incident {
  return incident;
}
