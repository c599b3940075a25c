// A home of the product for one test run: the shared model, nothing else of anyone's.
import { mkdir, symlink } from "node:fs/promises";
import { join } from "node:path";
import { testHome } from "../../scripts/folders.ts";
import { type TemporaryFolder, temporaryFolder } from "./servers.ts";

export async function productHome(): Promise<TemporaryFolder> {
  const home = await temporaryFolder("home");
  const models = join(testHome(), "models");
  await mkdir(models, { recursive: true });
  await symlink(models, join(home.path, "models"), "dir");
  return home;
}
