// What a workspace says in its own settings of the texts that lie in it, whichever workspace is open.
import { readFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { parse } from "jsonc-parser";
import type { PrivacyRule } from "../core/local-only.ts";
import { createMatching } from "./local-only-patterns.ts";

interface OwnRules {
  readonly isLocalOnly: boolean;
  readonly matching: (path: string) => PrivacyRule | undefined;
}

/** Looks into each folder once. @returns the rule of a workspace that a path lies in; throws what cannot be read */
export function createWorkspaceLook(): (path: string) => Promise<PrivacyRule | undefined> {
  const known = new Map<string, Promise<OwnRules | undefined>>();
  const rulesIn = (folder: string) => {
    const found = known.get(folder) ?? readRules(join(folder, ".vscode", "settings.json"));
    known.set(folder, found);
    return found;
  };
  return async (path) => {
    for (let folder = path; ; folder = dirname(folder)) {
      const own = await rulesIn(folder);
      if (own?.isLocalOnly) return { kind: "workspace", folder };
      const rule = own?.matching(path);
      if (rule || dirname(folder) === folder) return rule;
    }
  };
}

async function readRules(file: string): Promise<OwnRules | undefined> {
  const text = await readFile(file, "utf8").catch((error: unknown) => {
    if (isAbsence(error)) return undefined;
    throw error;
  });
  if (text === undefined) return undefined;
  const settings: unknown = parse(text);
  const of = (key: string): unknown =>
    typeof settings === "object" && settings !== null ? Reflect.get(settings, `switchyard.${key}`) : undefined;
  const given = of("localOnlyPaths");
  const patterns = Array.isArray(given) ? given.filter((each) => typeof each === "string") : [];
  return {
    isLocalOnly: of("localOnly") === true || of("offline") === true,
    matching: createMatching(() => patterns),
  };
}

export function isAbsence(error: unknown): boolean {
  return error instanceof Error && "code" in error && (error.code === "ENOENT" || error.code === "ENOTDIR");
}
