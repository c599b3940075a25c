// Gets the small model through the product's own command line, so that the way a user gets one is the way tests do.
import { mkdir } from "node:fs/promises";
import { cachedHome, smallModel, type TestWeights, testHome } from "./folders.ts";
import { run } from "./run.ts";
import { installTinyModel } from "./tiny-model.ts";

/** False when no source of weights can be reached. */
export function ensureSmallModel(): Promise<boolean> {
  return pullInto(cachedHome);
}

async function pullInto(home: string): Promise<boolean> {
  await mkdir(home, { recursive: true });
  const env = { SWITCHYARD_HOME: home, SWITCHYARD_ENGINE: "embedded" };
  return (await run("node", ["dist/cli.js", "models", "pull", smallModel], { env, limitMs: 15 * 60_000 })) === 0;
}

/**
 * The small model, or where none can be got one of random words, in a home of its own and under the same name.
 * What runs from here on finds it: the choice is kept in the environment. `SWITCHYARD_TEST_WEIGHTS=tiny` asks for it.
 * @throws Error when it is not for want of a source that there is no model
 */
export async function ensureTestModel(): Promise<TestWeights> {
  const isTiny = process.env["SWITCHYARD_TEST_WEIGHTS"] === "tiny" || !(await ensureSmallModel());
  const weights = isTiny ? "tiny" : "real";
  process.env["SWITCHYARD_TEST_WEIGHTS"] = weights;
  if (!isTiny) return weights;
  await installTinyModel(testHome(), smallModel);
  // What is there already is pulled without any source: where that fails too, the fault is ours.
  if (!(await pullInto(testHome()))) throw new Error("models cannot be pulled, and not for want of a source");
  return weights;
}
