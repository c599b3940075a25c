// Which files of this machine a URI speaks of. One text may have several names.
import { fileURLToPath } from "node:url";
import { parseJson } from "../core/parse-json.ts";
import { reasonOf } from "../core/reason-of.ts";
import { originalNames } from "../core/translation-batch.ts";

export type NamedFiles =
  | { readonly kind: "paths"; readonly paths: readonly string[] }
  /** It lies in no file: what is known of the text is known of the question. */
  | { readonly kind: "none" }
  | { readonly kind: "unknown"; readonly reason: string };

/** Schemes of texts that need not lie in a file. Those that do, or are to, have its path. */
const maybeWithoutFile: ReadonlySet<string> = new Set([
  "untitled",
  // With the folder that a shell was in, where one asked.
  "stdin",
  // Our own previews keep the path of the file they are of.
  ...["switchyard-proposal", "switchyard-translation"],
]);
/** Schemes whose path is one of this machine's file system. */
const withFile: ReadonlySet<string> = new Set([
  ...["file", "vscode-notebook-cell", "vscode-remote", "git"],
  ...maybeWithoutFile,
]);

/** @param uri or a path */
export function filesOf(uri: string): NamedFiles {
  const scheme = /^([a-z][a-z0-9+.-]+):/i.exec(uri)?.[1]?.toLowerCase();
  if (scheme === undefined) return found([uri]);
  if (!withFile.has(scheme)) return { kind: "unknown", reason: `${scheme}:` };
  try {
    const url = new URL(uri);
    if (scheme === "file") return found([fileURLToPath(url)]);
    const isWithoutPath = !url.pathname.startsWith("/") || url.host === "untitled";
    if (maybeWithoutFile.has(scheme) && isWithoutPath) return { kind: "none" };
    const path = fileURLToPath(`file://${url.pathname}`);
    return found(scheme === "git" ? [path, ...revisionOf(path, url.search)] : [path]);
  } catch (error) {
    return { kind: "unknown", reason: reasonOf(error) };
  }
}

function found(paths: readonly string[]): NamedFiles {
  return { kind: "paths", paths: [...new Set(paths.flatMap((path) => [path, ...originalNames(path)]))] };
}

/** The editor's git puts an ending of its own behind some paths, and the path as it is into the query. */
function revisionOf(path: string, search: string): readonly string[] {
  const query = parseJson(decodeURIComponent(search.slice(1)));
  const told = typeof query === "object" && query !== null && "path" in query ? query.path : undefined;
  return [path.replace(/\.(?:git|diff)$/, ""), ...(typeof told === "string" && told !== "" ? [told] : [])];
}
