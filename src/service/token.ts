// The token of the service, kept where only this person can read it.
import { randomBytes } from "node:crypto";
import { mkdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";

const pathIn = (home: string) => join(home, "proxy-token");

/** Undefined where none was made yet. */
export async function knownToken(home: string): Promise<string | undefined> {
  const text = await readFile(pathIn(home), "utf8").catch(() => "");
  return text.trim() || undefined;
}

/** The token; made on first use. */
export async function ownToken(home: string): Promise<string> {
  const path = pathIn(home);
  await mkdir(home, { recursive: true, mode: 0o700 });
  try {
    await writeFile(path, `sy-${randomBytes(24).toString("base64url")}\n`, { mode: 0o600, flag: "wx" });
  } catch (error) {
    const isThere = error instanceof Error && "code" in error && error.code === "EEXIST";
    if (!isThere) throw error;
  }
  return (await readFile(path, "utf8")).trim();
}
