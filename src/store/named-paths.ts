// Files that the text of another program names.
import { lstat, readdir, realpath, stat } from "node:fs/promises";
import { homedir } from "node:os";
import { dirname, isAbsolute, join, parse as parsePath, resolve, sep } from "node:path";
import { fileURLToPath } from "node:url";
import picomatch from "picomatch";
import type { PrivacyRule } from "../core/local-only.ts";
import { type PathMark, pathMarks } from "../core/path-marks.ts";
import type { Source } from "../core/task.ts";
import { nothingLooked, type PrivatePaths } from "./private-paths.ts";
import { filesOf } from "./uri-paths.ts";

export interface NamedPaths {
  /**
   * For each the rule that keeps its text here.
   * @param folders that they may be relative to; empty: not known
   */
  rulesFor(marks: readonly PathMark[], folders: readonly string[]): Promise<readonly (PrivacyRule | undefined)[]>;
  /** The rule of a file that a change in this text is of, or a line of what was piped. */
  ruleIn(source: Pick<Source, "uri" | "text" | "origin">): Promise<PrivacyRule | undefined>;
}

const change = /^diff --(?:git|cc|combined) /m;

/** @param heldAt rule by which an open window keeps the text of a path here */
export function createNamedPaths(paths: PrivatePaths, heldAt: (path: string) => PrivacyRule | undefined): NamedPaths {
  const named: NamedPaths = {
    rulesFor(marks, folders) {
      // Most of them lie in the same few folders.
      const looked = nothingLooked();
      const ruleFor = async ({ path, isGuess }: PathMark): Promise<PrivacyRule | undefined> => {
        const isUri = /^file:/i.test(path);
        const uriRule = isUri ? await paths.ruleFor(path, looked) : undefined;
        if (uriRule) return uriRule;
        const named = isUri ? [fileURLToPath(path)] : placesOf(path, isGuess, folders);
        const places = isGuess ? (await Promise.all(named.map(thereAt))).flat() : named;
        for (const each of places) {
          const real = await realpath(each).catch(() => each);
          const rule = (await paths.ruleFor(each, looked)) ?? heldAt(each) ?? heldAt(real);
          if (rule) return rule;
        }
        return undefined;
      };
      return Promise.all(marks.map(ruleFor));
    },
    async ruleIn({ uri, text, origin }) {
      const isPiped = origin === "stdin";
      if (!isPiped && !change.test(text)) return undefined;
      const files = filesOf(uri);
      const [path] = files.kind === "paths" ? files.paths : [];
      if (path === undefined) return undefined;
      const { marks } = pathMarks([{ text, place: "", key: "", part: "result" }]);
      const rules = await named.rulesFor(marks, await foldersOf(isPiped ? path : dirname(path)));
      return rules.find((rule) => rule !== undefined);
    },
  };
  return named;
}

/** Git tells paths from the top of its folder. */
async function foldersOf(folder: string): Promise<readonly string[]> {
  const isTop = await stat(join(folder, ".git")).then(
    () => true,
    () => false,
  );
  return isTop || dirname(folder) === folder ? [folder] : [folder, ...(await foldersOf(dirname(folder)))];
}

function placesOf(path: string, isGuess: boolean, folders: readonly string[]): readonly string[] {
  const named = path.replace(/^~(?=$|[\\/])/, homedir());
  if (isAbsolute(named)) return [resolve(named)];
  // Where nobody says what it is relative to, patterns can still be looked at.
  const from = folders.length === 0 && !isGuess ? [""] : folders;
  return from.map((folder) => resolve(folder, named));
}

/** More are not looked at one by one. */
const maxPlaces = 1000;

/** What is there of that name; of a pattern, all that a shell would make of it. */
async function thereAt(path: string): Promise<readonly string[]> {
  const { root } = parsePath(path);
  let found: readonly string[] = [root];
  for (const name of path.slice(root.length).split(sep)) {
    if (!/[*?[]/.test(name)) {
      found = found.map((folder) => join(folder, name));
      continue;
    }
    const fits = picomatch(name);
    const inside = async (folder: string) => {
      const names = await readdir(folder).catch(() => []);
      // Where nothing fits it is a name as it stands.
      return names.filter((each) => fits(each) || each === name).map((each) => join(folder, each));
    };
    found = (await Promise.all(found.map(inside))).flat().slice(0, maxPlaces);
  }
  const isThere = (each: string) =>
    lstat(each).then(
      () => [each],
      () => [],
    );
  return (await Promise.all(found.map(isThere))).flat();
}
