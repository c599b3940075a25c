// Which files may not leave this machine: by the patterns of the settings, and by `.localonly` files beside or above them.
import { lstat, realpath } from "node:fs/promises";
import { dirname, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import picomatch from "picomatch";
import type { PrivacyRule } from "../core/local-only.ts";
import { reasonOf } from "../core/reason-of.ts";

export const markerName = ".localonly";

/** Folder to whether a marker lies in it or above. */
type Marked = Map<string, Promise<PrivacyRule | undefined>>;

export interface PrivatePaths {
  /**
   * The first rule that keeps the text of this URI or path here. What cannot be found out is a rule as well.
   * @param marked what is known of folders already, for many questions at once
   */
  ruleFor(uri: string, marked?: Marked): Promise<PrivacyRule | undefined>;
}

/** Schemes of texts that lie in no file: what is known of them is known of the question. */
const withoutFile: ReadonlySet<string> = new Set([
  "untitled",
  "stdin",
  "switchyard-proposal",
  "switchyard-translation",
]);
/** Schemes whose path is one of this machine's file system. */
const withFile: ReadonlySet<string> = new Set([
  ...["file", "vscode-notebook-cell", "vscode-remote", "git"],
  // Our own previews keep the path of the file they are of.
  ...["switchyard-proposal", "switchyard-translation"],
]);

export function createPrivatePaths(patterns: () => readonly string[]): PrivatePaths {
  const matching = createMatching(patterns);
  return {
    async ruleFor(uri, marked = new Map()) {
      const found = pathOf(uri);
      if (found.kind === "none") return undefined;
      if (found.kind === "unknown") return { kind: "unchecked", reason: found.reason };
      try {
        const path = resolve(found.path);
        const paths = new Set([path, await realpath(path).catch(missing(path))]);
        for (const each of paths) {
          const rule = matching(each) ?? (await markerAbove(each, marked));
          if (rule) return rule;
        }
        return undefined;
      } catch (error) {
        return { kind: "unchecked", reason: reasonOf(error) };
      }
    },
  };
}

type Found =
  | { readonly kind: "path"; readonly path: string }
  | { readonly kind: "none" }
  | { readonly kind: "unknown"; readonly reason: string };

function pathOf(uri: string): Found {
  const scheme = /^([a-z][a-z0-9+.-]+):/i.exec(uri)?.[1]?.toLowerCase();
  if (scheme === undefined) return { kind: "path", path: uri };
  if (withoutFile.has(scheme)) return { kind: "none" };
  if (!withFile.has(scheme)) return { kind: "unknown", reason: `${scheme}:` };
  try {
    const url = new URL(uri);
    if (scheme === "file") return { kind: "path", path: fileURLToPath(url) };
    return { kind: "path", path: fileURLToPath(`file://${url.pathname}`) };
  } catch (error) {
    return { kind: "unknown", reason: reasonOf(error) };
  }
}

/** A file that is not there yet has no other name. */
function missing(path: string) {
  return (error: unknown): string => {
    if (isAbsence(error)) return path;
    throw error;
  };
}

export function isAbsence(error: unknown): boolean {
  return error instanceof Error && "code" in error && (error.code === "ENOENT" || error.code === "ENOTDIR");
}

/** Without regard to case: on some machines the same file has both names. Patterns are read once. */
export function createMatching(patterns: () => readonly string[]): (path: string) => PrivacyRule | undefined {
  let read: readonly string[] | undefined;
  let matchers: readonly { readonly glob: string; readonly fits: (name: string) => boolean }[] = [];
  return (path) => {
    const now = patterns();
    if (now !== read) {
      matchers = now.map((glob) => ({ glob, fits: picomatch([...widened(glob)], { dot: true, nocase: true }) }));
      read = now;
    }
    const name = path.replaceAll("\\", "/");
    const glob = matchers.find(({ fits }) => fits(name))?.glob;
    return glob === undefined ? undefined : { kind: "glob", glob };
  };
}

/** A pattern holds wherever the folder lies that it is written for, and for all that lies in a folder it names. */
function widened(pattern: string): readonly string[] {
  const slashed = pattern.trim().replaceAll("\\", "/").replace(/^\.\//, "");
  if (slashed === "") return [];
  const anywhere = /^(\/|[a-z]:\/|\*\*\/)/i.test(slashed) ? slashed : `**/${slashed}`;
  const folder = anywhere.replace(/\/+$/, "");
  return [folder, `${folder}/**`];
}

/** A folder is in itself: the path may be one. */
function markerAbove(folder: string, marked: Marked): Promise<PrivacyRule | undefined> {
  const found = marked.get(folder) ?? lookForMarker(folder, marked);
  marked.set(folder, found);
  return found;
}

async function lookForMarker(folder: string, marked: Marked): Promise<PrivacyRule | undefined> {
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
