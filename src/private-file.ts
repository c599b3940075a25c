// A file of this person's that another window or program may be reading meanwhile.
import { randomUUID } from "node:crypto";
import { mkdir, rename, rm, writeFile } from "node:fs/promises";
import { dirname } from "node:path";

/** Renamed into place: who reads it never sees half of it. Nobody else may read it, nor a folder that is made for it. */
export async function writePrivateFile(file: string, text: string): Promise<void> {
  await mkdir(dirname(file), { recursive: true, mode: 0o700 });
  // Several may write it at once, in this program as well.
  const beside = `${file}.${process.pid}-${randomUUID().slice(0, 8)}`;
  try {
    await writeFile(beside, text, { mode: 0o600 });
    await rename(beside, file);
  } catch (error) {
    await rm(beside, { force: true });
    throw error;
  }
}
