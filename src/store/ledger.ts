// What left this machine, as a file that is only ever added to: one line of JSON for each state of each entry.
import { chmod, mkdir, open, readFile, rm, stat } from "node:fs/promises";
import { dirname } from "node:path";
import * as z from "zod/mini";
import type { Ledger, LedgerEntry } from "../core/ledger.ts";
import { msg } from "../core/message.ts";
import { taskKinds } from "../core/task.ts";
import { TaskError } from "../core/task-error.ts";

const entrySchema = z.object({
  id: z.string(),
  atMs: z.number(),
  destination: z.string(),
  model: z.string(),
  task: z.enum(taskKinds),
  askedBy: z.enum(["editor", "shell", "proxy", "mcp"]),
  sources: z.array(z.object({ uri: z.string(), startLine: z.optional(z.number()), endLine: z.optional(z.number()) })),
  bytes: z.number(),
  promptTokens: z.number(),
  answerTokens: z.number(),
  costUsd: z.number(),
  allowedBy: z.string(),
  maskedSecrets: z.number(),
  outcome: z.enum(["sent", "done", "stopped", "failed"]),
});

const newline = 0x0a;

/** @param file made on the first entry, readable by its owner alone; several processes may add to it at once */
export function createLedger(file: string): Ledger {
  let writing: Promise<unknown> = Promise.resolve();
  const list = async () => latest(await readText(file));
  return {
    append(entry) {
      const work = writing.then(() => storing(file, () => appendLine(file, JSON.stringify(entry))));
      writing = work.catch(() => undefined);
      return work;
    },
    list: async () => (await list()).sort((a, b) => b.atMs - a.atMs),
    async spentUsd(sinceMs) {
      return (await list()).filter((entry) => entry.atMs >= sinceMs).reduce((sum, entry) => sum + entry.costUsd, 0);
    },
    async clear() {
      await storing(file, () => rm(file, { force: true }));
    },
  };
}

/** In one write and on the disk when it returns. A line that a crash left half written is ended first. */
async function appendLine(file: string, line: string): Promise<void> {
  await mkdir(dirname(file), { recursive: true, mode: 0o700 });
  const handle = await open(file, "a+", 0o600);
  try {
    await chmod(file, 0o600);
    const { size } = await stat(file);
    const last = Buffer.alloc(1);
    if (size > 0) await handle.read(last, 0, 1, size - 1);
    const start = size > 0 && last[0] !== newline ? "\n" : "";
    await handle.appendFile(`${start}${line}\n`);
    await handle.datasync();
  } finally {
    await handle.close();
  }
}

async function readText(file: string): Promise<string> {
  try {
    return await readFile(file, "utf8");
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "ENOENT") return "";
    throw storageError(file, error);
  }
}

/** The last state of each entry; what is no entry is passed over. */
function latest(text: string): LedgerEntry[] {
  const entries = new Map<string, LedgerEntry>();
  for (const line of text.split("\n")) {
    if (line === "") continue;
    const parsed = entrySchema.safeParse(parseJson(line));
    if (parsed.success) entries.set(parsed.data.id, parsed.data as LedgerEntry);
  }
  return [...entries.values()];
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

async function storing<T>(file: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    throw storageError(file, error);
  }
}

function storageError(file: string, cause: unknown): TaskError {
  const why = cause instanceof Error ? cause.message : String(cause);
  return new TaskError(
    "storage",
    msg(
      "The record of what leaves this machine cannot be written ({0}). Nothing is sent without it. Free some space or make {1} writable.",
      why,
      file,
    ),
    { cause },
  );
}
