// System packages that the tests need: installed where that may be done.
import { existsSync } from "node:fs";
import { delimiter, join } from "node:path";
import { run } from "./run.ts";

/** Where a program lies, by its name. */
export function findProgram(...names: readonly string[]): string | undefined {
  const folders = (process.env["PATH"] ?? "").split(delimiter);
  return folders.flatMap((folder) => names.map((name) => join(folder, name))).find((file) => existsSync(file));
}

let installed: Promise<void> = Promise.resolve();

/**
 * Installs them on Debian as root; elsewhere nothing happens, and the caller says what is missing. What is wanted
 * meanwhile waits its turn: Debian's tools allow no second one beside them.
 */
export function installPackages(...packages: readonly string[]): Promise<void> {
  installed = installed.then(() => install(packages));
  return installed;
}

async function install(packages: readonly string[]): Promise<void> {
  if (process.getuid?.() !== 0 || !existsSync("/usr/bin/apt-get")) return;
  console.log(`Installing ${packages.join(" and ")} …`);
  const env = { DEBIAN_FRONTEND: "noninteractive" };
  await run("apt-get", ["update", "-qq"], { env, isQuiet: true });
  await run("apt-get", ["install", "-y", "-qq", "--no-install-recommends", ...packages], { env, isQuiet: true });
}

/** Sees every system call of a program; Linux alone has it. */
export async function ensureStrace(): Promise<string | undefined> {
  if (process.platform === "linux" && !findProgram("strace")) await installPackages("strace");
  return findProgram("strace");
}
