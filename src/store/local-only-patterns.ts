// Patterns of files that stay on this machine, in all the forms people write.
import { realpathSync } from "node:fs";
import { homedir } from "node:os";
import picomatch from "picomatch";
import type { PrivacyRule } from "../core/local-only.ts";

/** Without regard to case and to how accents are written: on some machines the same file has both names. Read once. */
export function createMatching(patterns: () => readonly string[]): (path: string) => PrivacyRule | undefined {
  let read: readonly string[] | undefined;
  let matchers: readonly { readonly glob: string; readonly fits: (name: string) => boolean }[] = [];
  return (path) => {
    const now = patterns();
    if (now !== read) {
      // `s`: a folder may have the end of a line in its name.
      matchers = now.map((glob) => ({ glob, fits: picomatch([...formsOf(glob)], { dot: true, flags: "is" }) }));
      read = now;
    }
    const name = path.replaceAll("\\", "/").normalize("NFC");
    const glob = matchers.find(({ fits }) => fits(name))?.glob;
    return glob === undefined ? undefined : { kind: "glob", glob };
  };
}

/** A pattern holds wherever the folder lies that it is written for, and for all that lies in a folder it names. */
function formsOf(pattern: string): readonly string[] {
  const slashed = pattern.trim().replaceAll("\\", "/").replace(/^\.\//, "").normalize("NFC");
  if (slashed === "") return [];
  const own = slashed.replace(/^~(?=\/|$)/, () => homedir().replaceAll("\\", "/"));
  const anywhere = /^(\/|[a-z]:\/|\*\*\/)/i.test(own) ? own : `**/${own}`;
  const folder = anywhere.replace(/\/+$/, "");
  return [...new Set([folder, ...throughLinks(folder)].flatMap((each) => [each, asWritten(each)]))].flatMap((each) => [
    each,
    `${each}/**`,
  ]);
}

/** Folders are named `(auth)`, `[id]` or `a (copy)` as well. */
const asWritten = (pattern: string) => pattern.replace(/[()[\]{}!+@]/g, "\\$&");

/** Of a whole path: where its beginning really leads. */
function throughLinks(pattern: string): readonly string[] {
  const { base, glob } = picomatch.scan(pattern);
  if (!/^(?:\/|[a-z]:\/)./i.test(base)) return [];
  try {
    const real = realpathSync(base).replaceAll("\\", "/").normalize("NFC");
    return [glob === "" ? real : `${real}/${glob}`];
  } catch {
    return [];
  }
}
