// Answers that are too long to be told: the agent is given the path of a file that only this user can read.
import { mkdir, readdir, rm, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";

const maxAgeMs = 7 * 24 * 3600_000;

/**
 * Writes an answer to a file of its own and removes what is older than a week.
 * @param folder made when it is not there
 * @returns path of the file; undefined when it could not be written
 */
export async function keepOutput(folder: string, text: string, nowMs: number): Promise<string | undefined> {
  const file = join(folder, `${new Date(nowMs).toISOString().replace(/\W/g, "-")}${crypto.randomUUID()}.md`);
  try {
    await mkdir(folder, { recursive: true, mode: 0o700 });
    await removeOld(folder, nowMs);
    await writeFile(file, text, { mode: 0o600, flag: "wx" });
    return file;
  } catch {
    return undefined;
  }
}

async function removeOld(folder: string, nowMs: number): Promise<void> {
  for (const name of await readdir(folder)) {
    const file = join(folder, name);
    const found = await stat(file).catch(() => undefined);
    if (found?.isFile() && nowMs - found.mtimeMs > maxAgeMs) await rm(file, { force: true });
  }
}
