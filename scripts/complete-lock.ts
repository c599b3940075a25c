// Writes the other platforms' packages into package-lock.json. A registry that does not list them all (a company mirror)
// makes npm leave them out of the lock file, and `npm ci` then refuses it everywhere. Run after `npm install`.
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { root } from "./run.ts";

interface Locked {
  readonly version?: string;
  readonly optional?: boolean;
  readonly dev?: boolean;
  readonly optionalDependencies?: Readonly<Record<string, string>>;
}

const systems: Readonly<Record<string, string>> = { mac: "darwin", win: "win32", windows: "win32" };
const known = ["aix", "android", "darwin", "freebsd", "linux", "mac", "openharmony", "win", "win32", "windows"];
const processors = ["arm64", "armv7l", "arm", "ia32", "ppc64", "riscv64", "s390x", "x64"];

function entryFor(name: string, version: string, isDev: boolean): Record<string, unknown> | undefined {
  const words = name.split(/[/-]/);
  const system = words.find((word) => known.includes(word));
  const processor = processors.find((each) => words.includes(each));
  if (!system || !processor) return undefined;
  return {
    version,
    cpu: [processor],
    ...(isDev ? { dev: true } : {}),
    ...(words.includes("musl") ? { libc: ["musl"] } : {}),
    ...(words.includes("gnu") ? { libc: ["glibc"] } : {}),
    optional: true,
    os: [systems[system] ?? system],
  };
}

const file = join(root, "package-lock.json");
const lock = JSON.parse(await readFile(file, "utf8"));
const packages: Record<string, Locked | Record<string, unknown>> = lock.packages;
let added = 0;
for (const parent of Object.values(lock.packages as Record<string, Locked>)) {
  for (const [name, version] of Object.entries(parent.optionalDependencies ?? {})) {
    const key = `node_modules/${name}`;
    if (packages[key] || !/^\d/.test(version)) continue;
    const entry = entryFor(name, version, parent.dev === true);
    if (!entry) continue;
    packages[key] = entry;
    added++;
  }
}
lock.packages = Object.fromEntries(Object.entries(packages).sort(([a], [b]) => (a < b ? -1 : 1)));
await writeFile(file, `${JSON.stringify(lock, undefined, 2)}\n`);
console.log(`${added} packages of other platforms added`);
