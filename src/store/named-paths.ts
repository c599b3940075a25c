// Files that the text of another program names: besides the person's rules those of the workspace that a file lies in
// hold, which an editor knows by itself.
import { lstat, readdir, readFile } from "node:fs/promises";
import { homedir } from "node:os";
import { basename, dirname, isAbsolute, join, resolve } from "node:path";
import { parse } from "jsonc-parser";
import picomatch from "picomatch";
import type { PrivacyRule } from "../core/local-only.ts";
import type { PathMark } from "../core/path-marks.ts";
import { createMatching, isAbsence, type PrivatePaths } from "./private-paths.ts";

export interface NamedPaths {
  /**
   * For each the rule that keeps its text here.
   * @param folder that they are relative to, where that is known
   */
  rulesFor(marks: readonly PathMark[], folder: string | undefined): Promise<readonly (PrivacyRule | undefined)[]>;
}

export function createNamedPaths(paths: PrivatePaths): NamedPaths {
  return {
    rulesFor(marks, folder) {
      // Most of them lie in the same few folders.
      const marked: Parameters<PrivatePaths["ruleFor"]>[1] = new Map();
      const workspaceRule = createWorkspaceLook();
      const ruleFor = async ({ path, isGuess }: PathMark): Promise<PrivacyRule | undefined> => {
        if (/^file:/i.test(path)) return paths.ruleFor(path, marked);
        const place = placeOf(path, isGuess, folder);
        const places = place === undefined ? [] : isGuess ? await thereAt(place) : [place];
        for (const each of places) {
          const rule = (await paths.ruleFor(each, marked)) ?? (await workspaceRule(each));
          if (rule) return rule;
        }
        return undefined;
      };
      return Promise.all(marks.map(ruleFor));
    },
  };
}

function placeOf(path: string, isGuess: boolean, folder: string | undefined): string | undefined {
  const named = path.replace(/^~(?=$|[\\/])/, homedir());
  if (isAbsolute(named)) return named;
  // Where nobody says what it is relative to, patterns can still be looked at.
  return folder === undefined && isGuess ? undefined : resolve(folder ?? "", named);
}

/** More are not looked at one by one. */
const maxPlaces = 1000;

/** What is there of that name; of a pattern in its last part, all that a shell would make of it. */
async function thereAt(path: string): Promise<readonly string[]> {
  const folder = dirname(path);
  const name = basename(path);
  if (!/[*?[]/.test(name)) {
    return lstat(path).then(
      () => [path],
      () => [],
    );
  }
  const fits = picomatch(name);
  const names = await readdir(folder).catch(() => []);
  return names
    .filter((each) => fits(each))
    .slice(0, maxPlaces)
    .map((each) => join(folder, each));
}

/** What a workspace says in its own settings. */
interface OwnRules {
  readonly isLocalOnly: boolean;
  readonly matching: (path: string) => PrivacyRule | undefined;
}

/** Looks into each folder once. */
function createWorkspaceLook(): (path: string) => Promise<PrivacyRule | undefined> {
  const known = new Map<string, Promise<OwnRules | undefined>>();
  const rulesIn = (folder: string) => {
    const found = known.get(folder) ?? readRules(join(folder, ".vscode", "settings.json"));
    known.set(folder, found);
    return found;
  };
  return async (path) => {
    try {
      for (let folder = path; ; folder = dirname(folder)) {
        const own = await rulesIn(folder);
        if (own?.isLocalOnly) return { kind: "workspace" };
        const rule = own?.matching(path);
        if (rule || dirname(folder) === folder) return rule;
      }
    } catch (error) {
      return { kind: "unchecked", reason: error instanceof Error ? error.message : String(error) };
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
