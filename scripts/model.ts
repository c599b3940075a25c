// Gets the small model through the product's own command line, so that the way a user gets one is the way tests do.
import { mkdir } from "node:fs/promises";
import { cachedHome, smallModel, type TestWeights, testHome } from "./folders.ts";
import { run } from "./run.ts";
import { installTinyModel } from "./tiny-model.ts";

/** False when no source of weights can be reached. */
export async function ensureSmallModel(): Promise<boolean> {
  await mkdir(cachedHome, { recursive: true });
  const env = { SWITCHYARD_HOME: cachedHome, SWITCHYARD_ENGINE: "embedded" };
  return (await run("node", ["dist/cli.js", "models", "pull", smallModel], { env, limitMs: 15 * 60_000 })) === 0;
}

/**
 * The small model, or where none can be got one of random words, in a home of its own and under the same name.
 * What runs from here on finds it: the choice is kept in the environment. `SWITCHYARD_TEST_WEIGHTS=tiny` asks for it.
 */
export async function ensureTestModel(): Promise<TestWeights> {
  const isTiny = process.env["SWITCHYARD_TEST_WEIGHTS"] === "tiny" || !(await ensureSmallModel());
  const weights = isTiny ? "tiny" : "real";
  process.env["SWITCHYARD_TEST_WEIGHTS"] = weights;
  if (isTiny) await installTinyModel(testHome(), smallModel);
  return weights;
}
