// The advice that was applied last, so that it can be taken back later, also by another window.
import { mkdir, readFile, rename, rm, writeFile } from "node:fs/promises";
import { dirname } from "node:path";
import * as z from "zod/mini";
import type { AppliedAdvice } from "../core/apply-advice.ts";
import { parseJson } from "../core/parse-json.ts";
import { taskKinds } from "../core/task.ts";

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
const text = z.object({ template: z.string(), args: z.array(z.unknown()) });
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
      if (!data) return undefined;
      const args = data.changeText.args.map((each) => (typeof each === "number" ? each : String(each)));
      return { ...data, changeText: { template: data.changeText.template, args } };
    },
    async keepApplied(applied: AppliedAdvice | undefined): Promise<void> {
      if (!applied) return rm(file, { force: true });
      await mkdir(dirname(file), { recursive: true, mode: 0o700 });
      await writeFile(`${file}.${process.pid}`, JSON.stringify(flat(applied)), { mode: 0o600 });
      await rename(`${file}.${process.pid}`, file);
    },
  };
}

/** Names inside of names stay in English here. */
function flat(applied: AppliedAdvice): AppliedAdvice {
  const args = applied.changeText.args.map((each) => (typeof each === "object" ? each.template : each));
  return { ...applied, changeText: { ...applied.changeText, args } };
}
