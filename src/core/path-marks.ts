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
  /^diff --git a\/([^\n]+) b\/[^\n]+$/gm,
  /<(?:file|file_content|document)\s+(?:path|name)="([^"\n]+)"/g,
  /<(?:path|source)>([^<\n]+)<\/(?:path|source)>/g,
];
const toldCall = /\bCalled the \w+ tool with the following input: (\{[^\n]{0,2048}\})/g;
const workingFolder = /\b[Ww]orking directory: ((?:\/|[A-Za-z]:[\\/])[^\n]*)/g;
/** As a search over several files prints it. */
const foundLine = /^((?:[A-Za-z]:)?[^\s:"'`<>|*?(){}]+):/gm;
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
    if (part === "call" && commandKey.test(key)) {
      for (const word of text.split(wordBreak)) add(word, true);
      for (const [word] of text.matchAll(shellWord)) {
        if (/["'\\]/.test(word)) add(word.replace(/\\(.)|["']/gs, "$1"), true);
      }
    }
    if (part === "result") for (const [, path = ""] of text.matchAll(foundLine)) add(path, !isAbsolute(path));
    if (part === "call") continue;
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

const isAbsolute = (path: string) => /^(?:\/|[A-Za-z]:[\\/])/.test(path);

/** An address of the net is no file of this machine. */
const isElsewhere = (path: string) => /^[a-z][a-z0-9+.-]+:\/\//i.test(path) && !/^file:/i.test(path);
