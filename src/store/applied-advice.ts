// The advice that was applied last, so that it can be taken back later, also by another window.
import { readFile, rm } from "node:fs/promises";
import * as z from "zod/mini";
import type { AppliedAdvice } from "../core/apply-advice.ts";
import { parseJson } from "../core/parse-json.ts";
import { taskKinds } from "../core/task.ts";
import { writePrivateFile } from "../private-file.ts";

const probe = z.object({
  answers: z.array(
    z.object({
      task: z.enum(taskKinds),
      model: z.string(),
      loadMs: z.number(),
      firstTokenMs: z.number(),
      tokensPerSecond: z.number(),
    }),
  ),
  totalMs: z.number(),
});
const plain = z.union([z.string(), z.number()]);
/** Names of tasks within it are messages of their own, to be put into the language of whoever reads it. */
const text = z.object({
  template: z.string(),
  args: z.array(z.union([plain, z.object({ template: z.string(), args: z.array(plain) })])),
});
const schema = z.object({
  id: z.string(),
  changeText: text,
  atMs: z.number(),
  undo: z.unknown(),
  before: probe,
  after: probe,
});

export function createAppliedAdvice(file: string) {
  return {
    async applied(): Promise<AppliedAdvice | undefined> {
      const { data } = schema.safeParse(parseJson(await readFile(file, "utf8").catch(() => "")));
      return data;
    },
    async keepApplied(applied: AppliedAdvice | undefined): Promise<void> {
      if (!applied) return rm(file, { force: true });
      await writePrivateFile(file, JSON.stringify(applied));
    },
  };
}
