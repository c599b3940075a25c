// Files that another window or program may be reading meanwhile.
import { randomUUID } from "node:crypto";
import { mkdir, rename, rm, writeFile } from "node:fs/promises";
import { dirname } from "node:path";

interface Replacing {
  readonly mode?: number;
  /** Of folders that are made for it. */
  readonly folderMode?: number;
  /** On the disk before it is in place: after a crash of the machine it is whole as well. */
  readonly flush?: boolean;
}

/** Renamed into place: who reads it never sees half of it, and a full disk or a crash leaves the old one whole. */
export async function replaceFile(file: string, text: string, how: Replacing = {}): Promise<void> {
  const { folderMode, ...write } = how;
  await mkdir(dirname(file), { recursive: true, ...(folderMode !== undefined && { mode: folderMode }) });
  // Several may write it at once, in this program as well.
  const beside = `${file}.${process.pid}-${randomUUID().slice(0, 8)}`;
  try {
    await writeFile(beside, text, write);
    await rename(beside, file);
  } catch (error) {
    await rm(beside, { force: true });
    throw error;
  }
}

/** Nobody else may read it, nor a folder that is made for it. */
export function writePrivateFile(file: string, text: string, how: Pick<Replacing, "flush"> = {}): Promise<void> {
  return replaceFile(file, text, { ...how, mode: 0o600, folderMode: 0o700 });
}
