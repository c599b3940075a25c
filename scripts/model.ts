// Gets the small model through the product's own command line, so that the way a user gets one is the way tests do.
import { mkdir } from "node:fs/promises";
import { cachedHome, smallModel } from "./folders.ts";
import { run } from "./run.ts";

/** False when no source of weights can be reached. */
export async function ensureSmallModel(): Promise<boolean> {
  await mkdir(cachedHome, { recursive: true });
  const env = { SWITCHYARD_HOME: cachedHome, SWITCHYARD_ENGINE: "embedded" };
  return (await run("node", ["dist/cli.js", "models", "pull", smallModel], { env, limitMs: 15 * 60_000 })) === 0;
}
