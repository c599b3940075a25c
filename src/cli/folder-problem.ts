// Whether anything can be written to a folder, found out before anything waits for it or works for nothing.
import { mkdtempSync, rmdirSync, statSync } from "node:fs";
import { dirname, join, resolve } from "node:path";

/**
 * Why nothing can be kept in it, as the system names it; undefined: it can. Where it is not there yet, it is not made.
 * Found out by making a folder in it, for some file systems (`/proc`) have nobody make one and do not say so beforehand:
 * Node, told to make one there with its parents, never ends.
 */
export function folderProblem(folder: string): string | undefined {
  try {
    rmdirSync(mkdtempSync(join(nearest(resolve(folder)), ".switchyard-")));
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
