// Which files may not leave this machine: by the patterns of the settings, by `.localonly` files beside or above them, and
// by the settings of the workspace they lie in.
import { lstat, realpath } from "node:fs/promises";
import { basename, dirname, join, resolve } from "node:path";
import type { PrivacyRule } from "../core/local-only.ts";
import { reasonOf } from "../core/reason-of.ts";
import { createMatching } from "./local-only-patterns.ts";
import { filesOf } from "./uri-paths.ts";
import { createWorkspaceLook, isAbsence } from "./workspace-look.ts";

const markerName = ".localonly";

/** What is known of folders already, for many questions at once. */
export interface Looked {
  /** Folder to whether a marker lies in it or above. */
  readonly marked: Map<string, Promise<PrivacyRule | undefined>>;
  readonly workspaceRule: (path: string) => Promise<PrivacyRule | undefined>;
}

export const nothingLooked = (): Looked => ({ marked: new Map(), workspaceRule: createWorkspaceLook() });

export interface PrivatePaths {
  /** The first rule that keeps the text of this URI or path here. What cannot be found out is a rule as well. */
  ruleFor(uri: string, looked?: Looked): Promise<PrivacyRule | undefined>;
}

export function createPrivatePaths(patterns: () => readonly string[]): PrivatePaths {
  const matching = createMatching(patterns);
  return {
    async ruleFor(uri, looked = nothingLooked()) {
      const found = filesOf(uri);
      if (found.kind === "none") return undefined;
      if (found.kind === "unknown") return { kind: "unchecked", reason: found.reason };
      try {
        const named = found.paths.map((path) => resolve(path));
        const paths = new Set([...named, ...(await Promise.all(named.map(realPath)))]);
        for (const path of paths) {
          const rule = matching(path) ?? (await markerAbove(path, looked.marked)) ?? (await looked.workspaceRule(path));
          if (rule) return rule;
        }
        return undefined;
      } catch (error) {
        return { kind: "unchecked", reason: reasonOf(error) };
      }
    },
  };
}

/** Of a file that is not there yet, or not any more: what there is of its folder. */
async function realPath(path: string): Promise<string> {
  try {
    return await realpath(path);
  } catch (error) {
    if (!isAbsence(error) || dirname(path) === path) throw error;
    return join(await realPath(dirname(path)), basename(path));
  }
}

/** A folder is in itself: the path may be one. */
function markerAbove(folder: string, marked: Looked["marked"]): Promise<PrivacyRule | undefined> {
  const found = marked.get(folder) ?? lookForMarker(folder, marked);
  marked.set(folder, found);
  return found;
}

async function lookForMarker(folder: string, marked: Looked["marked"]): Promise<PrivacyRule | undefined> {
  const isMarked = await lstat(join(folder, markerName)).then(
    () => true,
    (error: unknown) => {
      if (isAbsence(error)) return false;
      throw error;
    },
  );
  if (isMarked) return { kind: "marker", folder };
  return dirname(folder) === folder ? undefined : markerAbove(dirname(folder), marked);
}
