// The folder that `SWITCHYARD_HOME` names, looked at before anything waits for it.
import { mkdtempSync, rmdirSync, statSync } from "node:fs";
import { dirname, join, resolve } from "node:path";

/**
 * Why nothing can be kept there, as the system names it; undefined: it can. Where the folder is not there yet, nothing is
 * made of it. Found out by making a folder, for some file systems (`/proc`) have nobody make one and do not say so
 * beforehand: Node, told to make one there with its parents, never ends.
 */
export function homeProblem(home: string): string | undefined {
  try {
    rmdirSync(mkdtempSync(join(nearest(resolve(home)), ".switchyard-")));
    return undefined;
  } catch (error) {
    return error instanceof Error && "code" in error ? String(error.code) : String(error);
  }
}

/** It, or the first folder above it that is there. */
function nearest(path: string): string {
  if (statSync(path, { throwIfNoEntry: false })) return path;
  const parent = dirname(path);
  return parent === path ? path : nearest(parent);
}
