// Text for the tasks from files, globs and standard input.
import { createReadStream } from "node:fs";
import { readFile, stat } from "node:fs/promises";
import { relative } from "node:path";
import { pathToFileURL } from "node:url";
// biome-ignore lint/suspicious/noDeprecatedImports: one of its two forms is deprecated, not the one used here
import { glob } from "tinyglobby";
import { decodeText } from "../core/decode-text.ts";
import { languageIdOf } from "../core/language-id.ts";
import { type Message, msg } from "../core/message.ts";
import { reasonOf } from "../core/reason-of.ts";
import type { Source } from "../core/task.ts";
import { TaskError } from "../core/task-error.ts";
import type { Terminal } from "./terminal.ts";

/** Where it is said how a file was read. */
export type Telling = Pick<Terminal, "note" | "say">;

export const maxBytes = 10 * 1024 * 1024;

const isPattern = (name: string) => /[*?[\]{}]/.test(name);

const isThere = (name: string) =>
  stat(name).then(
    () => true,
    () => false,
  );

/** Names as given, globs filled in; a name that matches nothing stays, so that reading it names it. */
export async function expandNames(names: readonly string[]): Promise<readonly string[]> {
  const lists = await Promise.all(
    names.map(async (name) => {
      // `app/[id]/page.tsx` is a file.
      const isFile = !isPattern(name) || (await isThere(name));
      return isFile ? [name] : await glob([name], { expandDirectories: false });
    }),
  );
  return lists.flatMap((list, index) => (list.length > 0 ? list.sort() : [names[index] ?? ""]));
}

/** @throws TaskError `bad-input` that names the file and what is wrong with it */
export async function readSource(name: string, terminal: Telling): Promise<Source> {
  if (name === "-") {
    // What comes through a pipe is from the folder it comes from, as far as anybody knows.
    const uri = `stdin:${pathToFileURL(process.cwd()).pathname}`;
    return { uri, label: "stdin", text: await readStandardInput(terminal), origin: "stdin" };
  }
  const found = await stat(name).catch((error: unknown) => {
    if (isMissing(error) && isPattern(name)) throw new TaskError("bad-input", msg("No file matches {0}.", name));
    throw unreadable(name, error);
  });
  if (found.isDirectory())
    throw new TaskError("bad-input", msg("{0} is a folder. Name files, or a pattern such as “{0}/*.ts”.", name));
  // Some devices have no end.
  if (found.isCharacterDevice() || found.isBlockDevice()) throw notText(name);
  if (found.size > maxBytes) throw tooLarge(name, found.size);
  // What a shell puts in the place of `<(git diff)` tells no size.
  const reading = found.isFile() ? readFile(name) : readAll(createReadStream(name), name);
  const bytes = await reading.catch((error: unknown) => {
    throw error instanceof TaskError ? error : unreadable(name, error);
  });
  const text = textOf(bytes, name, terminal);
  if (text.trim() === "") throw new TaskError("bad-input", msg("{0} is empty.", name));
  return fileSource(name, text);
}

/** @param text of the file of that name, wherever it was read */
export function fileSource(name: string, text: string): Source {
  const languageId = languageIdOf(name);
  return {
    uri: pathToFileURL(name).href,
    label: labelOf(name),
    text,
    origin: "file",
    ...(languageId ? { languageId } : {}),
  };
}

/** As people name it who are in this folder. */
export function labelOf(name: string): string {
  return name === "-" ? "stdin" : relative(process.cwd(), name) || name;
}

async function readStandardInput(terminal: Telling): Promise<string> {
  if (process.stdin.isTTY)
    throw new TaskError("bad-input", msg("Say what to work on, or send text to standard input."));
  const text = textOf(await readAll(process.stdin, "stdin"), "stdin", terminal);
  if (text.trim() === "") throw new TaskError("bad-input", msg("Standard input is empty."));
  return text;
}

async function readAll(stream: AsyncIterable<Buffer>, name: string): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of stream) {
    size += chunk.length;
    if (size > maxBytes) throw tooLarge(name, size);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}

export function textOf(bytes: Buffer, name: string, { note, say }: Telling): string {
  const decoded = decodeText(bytes);
  if (!decoded) throw notText(name);
  if (decoded.encoding) note(say(msg("{0} is not in UTF-8; it was read as {1}.", name, decoded.encoding)));
  return decoded.text;
}

const notText = (name: string) => new TaskError("bad-input", msg("{0} is not a text file.", name));

export function unreadable(name: string, cause: unknown): TaskError {
  return new TaskError("bad-input", unreadableText(name, cause), { cause });
}

function unreadableText(name: string, cause: unknown): Message {
  if (isMissing(cause)) return msg("{0} cannot be read: there is no such file.", name);
  if (hasCode(cause, ["EISDIR"])) return msg("{0} cannot be read: it is a folder.", name);
  if (hasCode(cause, ["EACCES", "EPERM"])) return msg("{0} cannot be read: you have no right to.", name);
  return msg("{0} cannot be read: {1}", name, reasonOf(cause));
}

export const isMissing = (error: unknown): boolean => hasCode(error, ["ENOENT", "ENOTDIR"]);

function hasCode(error: unknown, codes: readonly string[]): boolean {
  return error instanceof Error && "code" in error && codes.includes(String(error.code));
}

export function tooLarge(name: string, size: number): TaskError {
  return new TaskError(
    "bad-input",
    msg("{0} has {1} MB; files up to {2} MB can be worked on.", name, Math.round(size / 1e6), 10),
  );
}
