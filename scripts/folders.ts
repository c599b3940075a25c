import { homedir } from "node:os";
import { join } from "node:path";

/** Big things that every checkout shares: the editor host, model weights. */
export const cacheFolder =
  process.env["SWITCHYARD_CACHE"] ?? join(process.env["XDG_CACHE_HOME"] ?? join(homedir(), ".cache"), "switchyard");
/** Home of the product in tests and in `npm start`, so that a person's own one stays untouched. */
export const cachedHome = join(cacheFolder, "home");
export const smallModel = "smollm2:135m";
