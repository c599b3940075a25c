// Which files may not leave this machine: by the patterns of the settings, and by `.localonly` files beside or above them.
import { lstat, realpath } from "node:fs/promises";
import { dirname, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import picomatch from "picomatch";
import type { PrivacyRule } from "../core/local-only.ts";

export const markerName = ".localonly";

export interface PrivatePaths {
  /** The first rule that keeps the text of this URI or path here. What cannot be found out is a rule as well. */
  ruleFor(uri: string): Promise<PrivacyRule | undefined>;
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
  return {
    async ruleFor(uri) {
      const found = pathOf(uri);
      if (found.kind === "none") return undefined;
      if (found.kind === "unknown") return { kind: "unchecked", reason: found.reason };
      try {
        const path = resolve(found.path);
        const paths = new Set([path, await realpath(path).catch(missing(path))]);
        for (const each of paths) {
          const rule = matching(each, patterns()) ?? (await markerAbove(each));
          if (rule) return rule;
        }
        return undefined;
      } catch (error) {
        return { kind: "unchecked", reason: error instanceof Error ? error.message : String(error) };
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
    return { kind: "unknown", reason: error instanceof Error ? error.message : String(error) };
  }
}

/** A file that is not there yet has no other name. */
function missing(path: string) {
  return (error: unknown): string => {
    if (isAbsence(error)) return path;
    throw error;
  };
}

function isAbsence(error: unknown): boolean {
  return error instanceof Error && "code" in error && (error.code === "ENOENT" || error.code === "ENOTDIR");
}

/** Without regard to case: on some machines the same file has both names. */
function matching(path: string, patterns: readonly string[]): PrivacyRule | undefined {
  const name = path.replaceAll("\\", "/");
  const glob = patterns.find((pattern) =>
    widened(pattern).some((each) => picomatch.isMatch(name, each, { dot: true, nocase: true })),
  );
  return glob === undefined ? undefined : { kind: "glob", glob };
}

/** A pattern holds wherever the folder lies that it is written for, and for all that lies in a folder it names. */
function widened(pattern: string): readonly string[] {
  const slashed = pattern.trim().replaceAll("\\", "/").replace(/^\.\//, "");
  if (slashed === "") return [];
  const anywhere = /^(\/|[a-z]:\/|\*\*\/)/i.test(slashed) ? slashed : `**/${slashed}`;
  const folder = anywhere.replace(/\/+$/, "");
  return [folder, `${folder}/**`];
}

async function markerAbove(path: string): Promise<PrivacyRule | undefined> {
  for (let folder = dirname(path); ; folder = dirname(folder)) {
    const isMarked = await lstat(join(folder, markerName)).then(
      () => true,
      (error: unknown) => {
        if (isAbsence(error)) return false;
        throw error;
      },
    );
    if (isMarked) return { kind: "marker", folder };
    if (dirname(folder) === folder) return undefined;
  }
}
