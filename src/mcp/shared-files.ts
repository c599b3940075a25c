// Files that a client names, read only where they lie in the folders that it shares.
import { constants } from "node:fs";
import { type FileHandle, open, realpath, stat } from "node:fs/promises";
import { homedir } from "node:os";
import { isAbsolute, parse, relative, resolve, sep } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { decodeText } from "../core/decode-text.ts";
import { languageIdOf } from "../core/language-id.ts";
import { msg } from "../core/message.ts";
import type { Source } from "../core/task.ts";
import { TaskError } from "../core/task-error.ts";

const maxBytes = 10 * 1024 * 1024;
const maxFiles = 50;

/** Folders of the client's roots; what is no folder of this machine is left out. */
export async function foldersOf(roots: readonly { readonly uri: string }[]): Promise<readonly string[]> {
  const found = await Promise.all(
    roots.map(async ({ uri }) => {
      try {
        return [await realpath(fileURLToPath(uri))];
      } catch {
        return [];
      }
    }),
  );
  return found.flat();
}

/**
 * The folder that stands in for the roots of a client that tells none.
 * @throws TaskError `bad-input` when that would share the whole disk or all that the person has
 */
export async function startFolder(path: string): Promise<string> {
  const folder = await realpath(path);
  const home = await realpath(homedir()).catch(() => homedir());
  if (folder !== parse(folder).root && folder !== home) return folder;
  throw new TaskError(
    "bad-input",
    msg("{0} is too much to share. Start “switchyard mcp” in a project, or with --root and a folder.", folder),
  );
}

/** @throws TaskError `bad-input` that names the file and what is wrong with it */
export async function readSharedFiles(
  paths: readonly string[],
  folders: readonly string[],
): Promise<readonly Source[]> {
  if (paths.length > maxFiles) {
    throw new TaskError("bad-input", msg("{0} files are too many; {1} at once are the most.", paths.length, maxFiles));
  }
  const sources: Source[] = [];
  let length = 0;
  for (const path of paths) {
    const source = await readSharedFile(path, folders);
    length += source.text.length;
    if (length > maxBytes) throw new TaskError("bad-input", msg("The files have more than {0} MB together.", 10));
    sources.push(source);
  }
  return sources;
}

async function readSharedFile(path: string, folders: readonly string[]): Promise<Source> {
  const { real, folder } = await findShared(path, folders);
  const file = await openSame(real, path);
  try {
    const found = await file.stat();
    if (found.isDirectory())
      throw new TaskError("bad-input", msg("{0} is a folder. Name files, or a pattern such as “{0}/*.ts”.", path));
    if (!found.isFile()) throw new TaskError("bad-input", msg("{0} is not a text file.", path));
    if (found.size > maxBytes) {
      throw new TaskError(
        "bad-input",
        msg("{0} has {1} MB; files up to {2} MB can be worked on.", path, Math.round(found.size / 1e6), 10),
      );
    }
    const bytes = await file.readFile();
    const text = decodeText(bytes)?.text;
    if (text === undefined) throw new TaskError("bad-input", msg("{0} is not a text file.", path));
    if (text.trim() === "") throw new TaskError("bad-input", msg("{0} is empty.", path));
    const languageId = languageIdOf(real);
    return {
      uri: pathToFileURL(real).href,
      label: relative(folder, real),
      text,
      origin: "file",
      ...(languageId ? { languageId } : {}),
    };
  } finally {
    await file.close();
  }
}

/** Where the path really leads, with every link followed. What is outside is told nothing about, not even that it is there. */
async function findShared(path: string, folders: readonly string[]): Promise<{ real: string; folder: string }> {
  if (path === "" || path.includes("\0"))
    throw new TaskError("bad-input", msg("{0} is not a path.", JSON.stringify(path)));
  let wasInside = false;
  for (const base of folders) {
    const wanted = resolve(base, path);
    const real = await realpath(wanted).catch(() => undefined);
    const folder = real === undefined ? undefined : folders.find((each) => isWithin(each, real));
    if (real !== undefined && folder !== undefined) return { real, folder };
    wasInside ||= real === undefined && folders.some((each) => isWithin(each, wanted));
  }
  if (wasInside) throw new TaskError("bad-input", msg("{0} cannot be read: there is no such file.", path));
  const shared = folders.length === 0 ? "–" : folders.join(", ");
  throw new TaskError("bad-input", msg("{0} is outside the folders that are shared with this tool: {1}", path, shared));
}

function isWithin(folder: string, path: string): boolean {
  const way = relative(folder, path);
  return way !== ".." && !way.startsWith(`..${sep}`) && !isAbsolute(way);
}

/** Opens what was checked and nothing that was put in its place since. Pipes do not make it wait. */
async function openSame(real: string, path: string): Promise<FileHandle> {
  const { O_RDONLY, O_NOFOLLOW = 0, O_NONBLOCK = 0 } = constants;
  const file = await open(real, O_RDONLY | O_NOFOLLOW | O_NONBLOCK).catch((cause: unknown) => {
    throw new TaskError("bad-input", msg("{0} cannot be read.", path), { cause });
  });
  const [opened, there] = await Promise.all([file.stat(), stat(real).catch(() => undefined)]);
  if (there && there.ino === opened.ino && there.dev === opened.dev && (await realpath(real)) === real) return file;
  await file.close();
  throw new TaskError("bad-input", msg("{0} cannot be read.", path));
}
