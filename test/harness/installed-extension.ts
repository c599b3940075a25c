import { createHash } from "node:crypto";
import { existsSync } from "node:fs";
import { cp, mkdir, readFile, rename, rm } from "node:fs/promises";
import { join } from "node:path";
import { mustRun, root } from "../../scripts/run.ts";
import { temporaryFolder } from "./servers.ts";

/**
 * A copy of a folder of extensions in which the package is: the editor installs each package once, not once for each
 * file of tests, which all want the same.
 */
export async function putInstalled(entry: string, vsix: string, extensions: string): Promise<void> {
  await cp(await ensureInstalled(entry, vsix), extensions, { recursive: true });
}

/** Before several files of tests want it at once. @returns the folder of extensions that is copied */
export async function ensureInstalled(entry: string, vsix: string): Promise<string> {
  const digest = createHash("sha256")
    .update(await readFile(vsix))
    .digest("hex")
    .slice(0, 12);
  const kept = join(root, "out", "installed");
  const folder = join(kept, digest);
  if (!existsSync(folder)) {
    await rm(kept, { recursive: true, force: true });
    await install(entry, vsix, folder);
  }
  return folder;
}

async function install(entry: string, vsix: string, folder: string): Promise<void> {
  const beside = `${folder}.new`;
  await mkdir(beside, { recursive: true });
  const user = await temporaryFolder("installer");
  const own = ["--user-data-dir", user.path, "--extensions-dir", beside];
  await mustRun(process.execPath, [entry, ...own, "--install-extension", vsix, "--force"], { isQuiet: true });
  await user.remove();
  // Whole or not at all.
  await rename(beside, folder);
}
