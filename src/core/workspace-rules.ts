// What a workspace may say of rules that protect the person: it can add to their own, and take nothing away.

/** Where a setting is set; absent: nowhere. */
export interface SettingPlaces {
  readonly defaultValue?: unknown;
  readonly globalValue?: unknown;
  readonly workspaceValue?: unknown;
  readonly workspaceFolderValue?: unknown;
}

/** Settings that protect, and what protects more; lists are joined. */
const protecting: ReadonlyMap<string, boolean | "all"> = new Map<string, boolean | "all">([
  ["offline", true],
  ["localOnly", true],
  ["localOnlyPaths", "all"],
  // What is kept is written to a disk.
  ["cache", false],
]);

export const isProtecting = (key: string): boolean => protecting.has(key);

/** What holds of a setting that protects. */
export function strictest(key: string, places: SettingPlaces | undefined): unknown {
  const own = places?.globalValue ?? places?.defaultValue;
  const given = [own, places?.workspaceValue, places?.workspaceFolderValue].filter((value) => value !== undefined);
  const strict = protecting.get(key);
  if (strict === "all") return [...new Set(given.flat())];
  return given.some((value) => value === strict) ? strict : own;
}
