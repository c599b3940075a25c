// A Prometheus for the tests: the one that is installed, else Debian's, unpacked into the cache folder. Nothing is
// installed and nothing is started by it.
import { existsSync } from "node:fs";
import { mkdir, mkdtemp, readdir, rename, rm } from "node:fs/promises";
import { dirname, join } from "node:path";
import { findProgram } from "./debian.ts";
import { cacheFolder } from "./folders.ts";
import { mustRun } from "./run.ts";

export interface Prometheus {
  readonly prometheus: string;
  readonly promtool: string;
}

const unpacked = join(cacheFolder, "prometheus");

/** Undefined: there is none on this machine. */
export function findPrometheus(): Prometheus | undefined {
  const program = (name: string) => findProgram(name) ?? [join(unpacked, "usr", "bin", name)].find(existsSync);
  const [prometheus, promtool] = [program("prometheus"), program("promtool")];
  return prometheus && promtool ? { prometheus, promtool } : undefined;
}

/** @throws Error with one line that names what to install */
export async function ensurePrometheus(): Promise<Prometheus> {
  if (!findPrometheus() && existsSync("/usr/bin/apt-get")) await unpackDebian().catch(() => undefined);
  const found = findPrometheus();
  if (!found) throw new Error("Install Prometheus (Debian: apt-get install prometheus), then run this again.");
  return found;
}

async function unpackDebian(): Promise<void> {
  await mkdir(dirname(unpacked), { recursive: true });
  const folder = await mkdtemp(`${unpacked}-`);
  try {
    if (process.getuid?.() === 0) await mustRun("apt-get", ["update", "-qq"], { isQuiet: true });
    await mustRun("apt-get", ["download", "-qq", "prometheus"], { cwd: folder, isQuiet: true });
    const file = (await readdir(folder)).find((name) => name.endsWith(".deb")) ?? "";
    await mustRun("dpkg-deb", ["-x", file, "tree"], { cwd: folder, isQuiet: true });
    await rename(join(folder, "tree"), unpacked);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}
