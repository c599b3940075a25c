import { globSync } from "node:fs";
import { homedir } from "node:os";
import { join } from "node:path";

/** Big things that every checkout shares: the editor host, model weights. */
export const cacheFolder =
  process.env["SWITCHYARD_CACHE"] ?? join(process.env["XDG_CACHE_HOME"] ?? join(homedir(), ".cache"), "switchyard");
/** Home of the product in tests and in `npm start`, so that a person's own one stays untouched. */
export const cachedHome = join(cacheFolder, "home");
export const smallModel = "smollm2:135m";

/** `tiny`: random words from a generated file, where no source of weights can be reached. */
export type TestWeights = "real" | "tiny";
/** Read anew each time: `npm test` finds out only while it runs. */
export const testWeights = (): TestWeights => (process.env["SWITCHYARD_TEST_WEIGHTS"] === "tiny" ? "tiny" : "real");
/** Where tests find their model. The generated one lies apart, so that it is never taken for the real one. */
export const testHome = (): string => (testWeights() === "tiny" ? `${cachedHome}-tiny` : cachedHome);
/** The file of a model's weights in that home. */
export const weightsOf = (model: string): string => {
  const [file] = globSync(join(testHome(), "models", `${model.replace(":", "-")}*.gguf`));
  if (file === undefined) throw new Error(`The weights of ${model} are not there. Get them: npm test`);
  return file;
};
