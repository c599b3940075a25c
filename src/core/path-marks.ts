// Which files the texts of a request are from, as far as they say so. A text that was pasted says nothing.
import { fieldsOf, type SaidText } from "./claude-body.ts";
import { parseJson } from "./parse-json.ts";

export interface PathMark {
  readonly path: string;
  /** It may be any word, or stand for several files as in a shell: it counts where there are such files. */
  readonly isGuess: boolean;
}

export interface PathMarks {
  /** Each once. */
  readonly marks: readonly PathMark[];
  /** What paths may be relative to, as programs say it, or texts that were pasted. */
  readonly folders: readonly string[];
}

/** Fields of a call that name a file or folder. */
const pathKey =
  /(?:^|_)(?:paths?|files?|filenames?|uris?|cwd|director(?:y|ies)|folders?)$|(?:Path|File|Uri|Directory|Folder)s?$/;
const commandKey = /^(?:command|cmd|script|args?)$/;

/** How programs say which file the text after it is from. Bounded: others write what is searched. */
const headings: readonly RegExp[] = [
  /^Contents of (\/[^\n]{1,1024}?)(?: \([^\n]{0,200})?:$/gm,
  /\bselected the lines \d+ to \d+ from ([^\n]+):$/gm,
  /^Note: (\S[^\n]*?) was modified\b/gm,
  /^==> ([^\n]+) <==$/gm,
  /^(?:rename|copy) (?:from|to) ([^\n]+)$/gm,
  /^Index: ([^\n]+)$/gm,
  /<(?:file|file_content|document)\s+(?:path|name)="([^"\n]+)"/g,
  /<(?:path|source)>([^<\n]+)<\/(?:path|source)>/g,
];
/** The two sides of a change, with the prefixes that git has for them; it may have none. */
const changeSide = /^(?:---|\+\+\+) ([^\n]+)$/gm;
const changeHead = /^diff --git ([^\n]+)$/gm;
const sidePrefix = /^[abciow12]\//;
const toldCall = /\bCalled the \w+ tool with the following input: (\{[^\n]{0,2048}\})/g;
const workingFolder = /\b[Ww]orking directory: ((?:\/|[A-Za-z]:[\\/])[^\n]*)/g;
/** As a search over several files prints it; names with blanks before the number of a line alone. */
const foundLine = /^((?:[A-Za-z]:)?[^\s:"'`<>|*?(){}]+):/gm;
const numberedLine = /^(?:[\w~^@{}./-]{1,200}:)?((?:[A-Za-z]:)?[^\n:"<>|*?]{1,1024}):\d+:/gm;
/** `HEAD~3:src/a.ts` */
const revision = /^[^:]*:(?:\d:)?([^:]+)$/;
const wayIn = /(?:\b(?:cd|pushd|chdir|Set-Location)|\s-C)[ \t]+("[^"\n]{1,1024}"|'[^'\n]{1,1024}'|[^\s;|&"']{1,1024})/g;
/** More folders no command goes to. */
const maxWays = 4;
const ownFolder = /\$(?:\{HOME\}|HOME\b|env:(?:USERPROFILE|HOME)\b)|%USERPROFILE%/gi;
const wordBreak = /[\s'"`;|&<>(){}=,]+/;
/** As a shell reads it. */
const shellWord = /(?:[^\s'"`;|&<>(){}=,\\]|\\.|"(?:[^"\\]|\\.)*"|'[^']*')+/gs;
/** More folders of work no request has; others write what is searched. */
const maxFolders = 8;
/** Longest path of any system. */
const maxLength = 4096;

export function pathMarks(texts: readonly SaidText[]): PathMarks {
  const found = new Map<string, PathMark>();
  const add = (path: string, isGuess: boolean) => {
    const trimmed = path.trim();
    if (trimmed === "" || trimmed.length > maxLength || /[\0\n]/.test(trimmed) || isElsewhere(trimmed)) return;
    if (!found.has(trimmed) || !isGuess) found.set(trimmed, { path: trimmed, isGuess });
  };
  const folders = new Set<string>();
  for (const { text, key, part } of texts) {
    if (part === "call" && pathKey.test(key)) add(text, false);
    if (part === "call" && commandKey.test(key)) addCommand(text, add);
    if (part === "result") {
      for (const [, path = ""] of text.matchAll(foundLine)) add(path, !isAbsolute(path));
      for (const [, path = ""] of text.matchAll(numberedLine)) add(path, !isAbsolute(path));
    }
    if (part === "call") continue;
    addChange(text, add);
    for (const heading of headings) for (const [, path = ""] of text.matchAll(heading)) add(path, false);
    for (const [, input = ""] of text.matchAll(toldCall)) {
      for (const [name, value] of Object.entries(fieldsOf(parseJson(input)))) {
        if (typeof value === "string" && pathKey.test(name)) add(value, false);
      }
    }
    if (part !== "other") continue;
    for (const [, path = ""] of text.matchAll(workingFolder)) {
      if (folders.size < maxFolders) folders.add(path.trim());
      add(path, false);
    }
  }
  return { marks: [...found.values()], folders: [...folders] };
}

type Add = (path: string, isGuess: boolean) => void;

/** Any word of it may be a file, in the folders that it goes to as well; of git also one of another revision. */
function addCommand(command: string, add: Add): void {
  const text = command.replace(ownFolder, "~");
  const ways = [...text.matchAll(wayIn)].slice(0, maxWays).map(([, way = ""]) => way.replace(/^["']|["']$/g, ""));
  const isGit = /\bgit\b/.test(text);
  const addWord = (word: string) => {
    add(word, true);
    const inRevision = isGit ? revision.exec(word)?.[1] : undefined;
    if (inRevision !== undefined) add(inRevision, false);
    for (const way of ways) if (way !== word) add(`${way}/${inRevision ?? word}`, true);
  };
  for (const word of text.split(wordBreak)) addWord(word);
  for (const [word] of text.matchAll(shellWord)) {
    if (/["'\\]/.test(word)) addWord(word.replace(/\\(.)|["']/gs, "$1"));
  }
}

/** Of a change that is shown: the file before and after. */
function addChange(text: string, add: Add): void {
  const addSide = (side: string) => {
    const path = unquoted(side.replace(/\t.*$/, "").trim());
    // A folder may be named like a prefix.
    add(path, sidePrefix.test(path));
    if (sidePrefix.test(path)) add(path.slice(2), false);
  };
  for (const [, side = ""] of text.matchAll(changeSide)) addSide(side);
  for (const [, sides = ""] of text.matchAll(changeHead)) {
    // Both are the same, or what follows tells the other one.
    const half = sides.slice(0, sides.length >> 1);
    addSide(half);
    addSide(sides.slice(half.length + 1));
  }
}

/** As git writes a name that is not plain: quoted, its bytes as octal numbers. */
function unquoted(name: string): string {
  const inside = /^"(.*)"$/s.exec(name)?.[1];
  if (inside === undefined) return name;
  const bytes = inside.replace(/\\([0-7]{3})|\\(.)/gs, (_, octal, sign) =>
    octal === undefined ? (plainSigns[sign] ?? sign) : String.fromCharCode(Number.parseInt(octal, 8)),
  );
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(Uint8Array.from(bytes, (sign) => sign.charCodeAt(0)));
  } catch {
    return bytes;
  }
}

const plainSigns: Readonly<Record<string, string>> = { t: "\t", n: "\n", r: "\r" };

const isAbsolute = (path: string) => /^(?:\/|[A-Za-z]:[\\/])/.test(path);

/** An address of the net is no file of this machine. */
const isElsewhere = (path: string) => /^[a-z][a-z0-9+.-]+:\/\//i.test(path) && !/^file:/i.test(path);
