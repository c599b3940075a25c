// What models took when they were loaded here: the next estimate begins with it.
import { readFile } from "node:fs/promises";
import * as z from "zod/mini";
import type { MeasuredSizes } from "../core/fit.ts";
import { parseJson } from "../core/parse-json.ts";
import { writePrivateFile } from "../private-file.ts";

const schema = z.record(
  z.string(),
  z.object({ bytes: z.number(), contextTokens: z.number(), estimatedBytes: z.number() }),
);
type Measured = z.infer<typeof schema>;

/** Beyond these an estimate is no estimate, and says nothing of other models. */
const [least, most] = [0.5, 2.5];

export function createMeasuredSizes(file: string): MeasuredSizes {
  let known: Promise<Measured> | undefined;
  const read = () => {
    known ??= readFile(file, "utf8").then(
      (text) => schema.safeParse(parseJson(text)).data ?? {},
      () => ({}),
    );
    return known;
  };
  return {
    of: async (model) => (await read())[model],
    async correction() {
      const ratios = Object.values(await read())
        .map(({ bytes, estimatedBytes }) => bytes / estimatedBytes)
        .filter((ratio) => ratio >= least && ratio <= most)
        .sort((a, b) => a - b);
      return ratios[Math.floor(ratios.length / 2)];
    },
    async learn(model, measured, estimatedBytes) {
      const before = (await read())[model];
      const isKnown =
        before?.contextTokens === measured.contextTokens &&
        Math.abs(before.bytes - measured.bytes) < measured.bytes / 100;
      if (isKnown || measured.bytes <= 0 || estimatedBytes <= 0) return;
      const next: Measured = { ...(await read()), [model]: { ...measured, estimatedBytes } };
      known = Promise.resolve(next);
      await writePrivateFile(file, JSON.stringify(next));
    },
  };
}
