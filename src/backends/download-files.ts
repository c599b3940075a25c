// What is written down of a download, so that other windows and shells can see it, stop it, and go on with it.
import { mkdir, readdir, readFile, rm, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import * as z from "zod/mini";
import { parseJson } from "../core/parse-json.ts";
import { writePrivateFile } from "../private-file.ts";

const messageSchema = z.object({ template: z.string(), args: z.array(z.union([z.string(), z.number()])) });
const schema = z.object({
  model: z.string(),
  backend: z.string(),
  state: z.enum(["running", "paused", "failed", "done", "cancelled"]),
  status: z.string(),
  completedBytes: z.optional(z.number()),
  totalBytes: z.optional(z.number()),
  bytesPerSecond: z.optional(z.number()),
  restarts: z.optional(z.number()),
  error: z.optional(messageSchema),
});
export type DownloadNote = z.infer<typeof schema>;

/** One that is not finished. */
export type OpenDownload = DownloadNote & { readonly state: "running" | "paused" | "failed" };
const isOpen = (note: DownloadNote): note is OpenDownload => note.state !== "done" && note.state !== "cancelled";

export type Wish = "pause" | "cancel";

export interface DownloadFiles {
  /** Of every model, in the order of their names; ends that others had time to see are dropped. */
  list(): Promise<readonly OpenDownload[]>;
  read(model: string): Promise<DownloadNote | undefined>;
  write(note: DownloadNote): Promise<void>;
  /** Of the one that does the work. */
  lockPath(model: string): string;
  /** Tells the one that does the work. */
  wish(model: string, wish: Wish): Promise<void>;
  /** Takes what was wished. */
  takeWish(model: string): Promise<Wish | undefined>;
}

/** So long the others have to see how it ended. */
const endKeptMs = 30_000;

export function createDownloadFiles(folder: string): DownloadFiles {
  const pathOf = (model: string, ending: string) => join(folder, `${encodeURIComponent(model)}.${ending}`);
  const read = async (path: string): Promise<DownloadNote | undefined> => {
    const text = await readFile(path, "utf8").catch(() => "");
    return schema.safeParse(parseJson(text)).data;
  };
  return {
    async list() {
      const names = (await readdir(folder).catch(() => [])).filter((name) => name.endsWith(".json")).sort();
      const notes = await Promise.all(
        names.map(async (name) => {
          const path = join(folder, name);
          const note = await read(path);
          if (!note) return [];
          if (isOpen(note)) return [note];
          const made = await stat(path).catch(() => undefined);
          if (made && Date.now() - made.mtimeMs > endKeptMs) await rm(path, { force: true });
          return [];
        }),
      );
      return notes.flat();
    },
    read: (model) => read(pathOf(model, "json")),
    async write(note) {
      await writePrivateFile(pathOf(note.model, "json"), JSON.stringify(note));
    },
    lockPath: (model) => pathOf(model, "lock"),
    async wish(model, wish) {
      await mkdir(folder, { recursive: true, mode: 0o700 });
      await writeFile(pathOf(model, "wish"), wish);
    },
    async takeWish(model) {
      const path = pathOf(model, "wish");
      const text = await readFile(path, "utf8").catch(() => "");
      if (text !== "") await rm(path, { force: true });
      return text === "pause" || text === "cancel" ? text : undefined;
    },
  };
}
