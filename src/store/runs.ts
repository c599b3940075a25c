// Numbers of answers, a line each, in a file that only this person can read.
import { appendFile, mkdir, readFile, rm } from "node:fs/promises";
import { dirname } from "node:path";
import * as z from "zod/mini";
import { parseJson } from "../core/parse-json.ts";
import type { RunRecord, Runs } from "../core/run-record.ts";
import { taskKinds } from "../core/task.ts";
import { writePrivateFile } from "../private-file.ts";

const schema = z.object({
  atMs: z.number(),
  model: z.string(),
  backend: z.string(),
  task: z.enum(taskKinds),
  outcome: z.enum(["done", "failed", "out-of-memory"]),
  promptTokens: z.number(),
  answerTokens: z.number(),
  loadMs: z.number(),
  prefillMs: z.number(),
  decodeMs: z.number(),
  inFlight: z.number(),
  contextTokens: z.optional(z.number()),
  processorShare: z.optional(z.number()),
  evicted: z.optional(z.array(z.string())),
});

/** What is more is dropped when the file is read the next time, or much was added. */
const keptRuns = 400;

export function createRuns(file: string): Runs {
  // A service may add for weeks and never list.
  let added = 0;
  const readLines = async () =>
    (await readFile(file, "utf8").catch(() => "")).split("\n").filter((line) => line !== "");
  return {
    async list() {
      const lines = await readLines();
      const kept = lines.slice(-keptRuns);
      if (lines.length > keptRuns * 2) await shorten(file, kept);
      return kept.flatMap(readLine);
    },
    async add(records) {
      await mkdir(dirname(file), { recursive: true, mode: 0o700 });
      await appendFile(file, records.map((record) => `${JSON.stringify(record)}\n`).join(""), { mode: 0o600 });
      added += records.length;
      if (added < keptRuns * 4) return;
      added = 0;
      const lines = await readLines();
      await shorten(file, lines.slice(-keptRuns));
    },
    clear: () => rm(file, { force: true }),
  };
}

function readLine(line: string): readonly RunRecord[] {
  const { data } = schema.safeParse(parseJson(line));
  if (!data) return [];
  const { contextTokens, processorShare, evicted, ...record } = data;
  return [
    {
      ...record,
      ...(contextTokens === undefined ? {} : { contextTokens }),
      ...(processorShare === undefined ? {} : { processorShare }),
      ...(evicted ? { evicted } : {}),
    },
  ];
}

/** A line that another window adds at this moment may be lost: one run less. */
async function shorten(file: string, lines: readonly string[]): Promise<void> {
  await writePrivateFile(file, `${lines.join("\n")}\n`);
}
