// Passwords and tokens of the containers, kept where only this person can read them.
import { randomBytes } from "node:crypto";
import { mkdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { FileSource } from "./service-spec.ts";

export type SecretName = Extract<FileSource, { readonly kind: "secret" }>["name"];

/** Undefined until the container that it is for was made. */
export async function readSecret(home: string, name: SecretName): Promise<string | undefined> {
  return (await readFile(join(home, name), "utf8").catch(() => "")).trim() || undefined;
}

/** Made on first use; there is no default that a stranger could know. The proxy's is the same as that of `switchyard serve`. */
export async function ownSecret(home: string, name: SecretName): Promise<string> {
  await mkdir(home, { recursive: true, mode: 0o700 });
  const prefix = name === "proxy-token" ? "sy-" : "";
  const made = `${prefix}${randomBytes(24).toString("base64url")}\n`;
  try {
    await writeFile(join(home, name), made, { mode: 0o600, flag: "wx" });
    return made.trim();
  } catch (error) {
    const isThere = error instanceof Error && "code" in error && error.code === "EEXIST";
    if (!isThere) throw error;
    return (await readFile(join(home, name), "utf8")).trim();
  }
}
