// What a window of the editor keeps here also holds for what its agents ask through the service that all windows share.
import type { PrivacyRule } from "./local-only.ts";
import type { Ask } from "./task.ts";

/** Of a window that is open now. */
export interface WindowRules {
  readonly offline: boolean;
  /** Folders whose texts stay, as absolute paths of this machine; empty: none. */
  readonly localOnly: readonly string[];
}

/**
 * The rule of an open window by which an ask stays here. One that tells no folders may be about any, and stays.
 * @param windows all that are open
 */
export function heldByWindow(
  { folders = [], sources }: Pick<Ask, "folders" | "sources">,
  windows: readonly WindowRules[],
): PrivacyRule | undefined {
  const kept = windows.flatMap((each) => each.localOnly);
  const touched = [...folders, ...sources.flatMap(pathOf)];
  const folder = folders.length === 0 ? kept[0] : kept.find((each) => touched.some((path) => overlap(each, path)));
  return folder === undefined ? undefined : { kind: "window", folder };
}

/** The rule of an open window whose folder a path lies in. @param path absolute */
export function heldInWindow(path: string, windows: readonly WindowRules[]): PrivacyRule | undefined {
  const folder = windows
    .flatMap((each) => each.localOnly)
    .find((each) => comparable(path).startsWith(comparable(each)));
  return folder === undefined ? undefined : { kind: "window", folder };
}

/** Of a file of this machine; a text without one says nothing. */
function pathOf({ uri }: Ask["sources"][number]): readonly string[] {
  const { protocol = "", host = "", pathname = "" } = URL.parse(uri) ?? {};
  if (protocol !== "file:") return [];
  const path = decoded(pathname).replace(/^\/(?=[a-z]:)/i, "");
  return [host === "" ? path : `//${host}${path}`];
}

function decoded(path: string): string {
  try {
    return decodeURIComponent(path);
  } catch {
    return path;
  }
}

/** Whether it matters which folders an ask is about. */
export const asksFolders = (windows: readonly WindowRules[]): boolean =>
  windows.some(({ localOnly }) => localOnly.length > 0);

function overlap(a: string, b: string): boolean {
  const [one, other] = [comparable(a), comparable(b)];
  return one.startsWith(other) || other.startsWith(one);
}

/** Without regard to case, slashes and the form of accents: one folder too many stays rather than one too few. */
function comparable(folder: string): string {
  return `${folder.replaceAll("\\", "/").replace(/\/+$/, "").normalize("NFC").toLowerCase()}/`;
}
