// What tests of models have shown of their calling tools.
import { readFile } from "node:fs/promises";
import * as z from "zod/mini";
import { msg } from "../core/message.ts";
import { parseJson } from "../core/parse-json.ts";
import { reasonOf } from "../core/reason-of.ts";
import { TaskError } from "../core/task-error.ts";
import type { ToolTest, ToolTests } from "../core/tool-test.ts";
import { writePrivateFile } from "../private-file.ts";

const testSchema = z.object({
  model: z.string(),
  backend: z.string(),
  digest: z.exactOptional(z.string()),
  calls: z.enum(["yes", "text", "no"]),
  atMs: z.number(),
});
const fileSchema = z.object({ version: z.literal(1), tests: z.array(testSchema) });

/** The latest; models that are gone need not be remembered for ever. */
const maxTests = 200;

/** A file that cannot be read counts as empty. */
export function createToolTests(file: string): ToolTests {
  const list = async (): Promise<readonly ToolTest[]> => {
    const text = await readFile(file, "utf8").catch(() => "");
    return fileSchema.safeParse(parseJson(text)).data?.tests ?? [];
  };
  const write = async (test: ToolTest) => {
    const others = (await list()).filter((other) => !isReplaced(other, test));
    await writePrivateFile(file, JSON.stringify({ version: 1, tests: [...others, test].slice(-maxTests) }));
  };
  let writing: Promise<unknown> = Promise.resolve();
  return {
    list,
    async keep(test) {
      // One after the other: each writes all there are.
      const written = writing.then(() => write(test));
      writing = written.catch(() => undefined);
      try {
        await written;
      } catch (error) {
        throw new TaskError(
          "storage",
          msg("The result could not be kept: {0}. Make room or mend it, then test again.", reasonOf(error)),
          {
            cause: error,
          },
        );
      }
    },
  };
}

/** The same weights on another server are tested with it. */
function isReplaced(before: ToolTest, { model, backend, digest }: ToolTest): boolean {
  return before.model === model && (before.backend === backend || (digest !== undefined && before.digest === digest));
}
