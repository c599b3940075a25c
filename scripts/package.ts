// Makes the VSIX: `node scripts/package.ts [--target linux-x64]`. The universal one has no engine of its own and stays
// small; one for a platform carries the packages that the built-in engine needs there.
import { cp, mkdir, readFile, rm, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { mustRun, root } from "./run.ts";

const carried = [
  "dist",
  "media",
  "LICENSE",
  "README.md",
  "README.zh-CN.md",
  "CHANGELOG.md",
  "package.nls.json",
  "package.nls.zh-cn.json",
];
/** Sources and build tools inside the engine's packages, which running it does not need. */
const ignored = [
  "**/*.map",
  "node_modules/node-llama-cpp/llama/**",
  "!node_modules/node-llama-cpp/llama/binariesGithubRelease.json",
  "!node_modules/node-llama-cpp/llama/*.json",
  "!node_modules/node-llama-cpp/llama/*.lock",
  "node_modules/node-llama-cpp/templates/**",
  "node_modules/**/*.d.ts",
  "node_modules/**/*.md",
  "node_modules/**/*.tsbuildinfo",
];

interface LockEntry {
  readonly dependencies?: Readonly<Record<string, string>>;
  readonly optionalDependencies?: Readonly<Record<string, string>>;
  readonly os?: readonly string[];
  readonly cpu?: readonly string[];
}

/** @param target VS Code's name of a platform; absent: universal @returns path of the VSIX */
export async function makePackage(target?: string): Promise<string> {
  const staging = join(root, "out", target ? `package-${target}` : "package");
  await rm(staging, { recursive: true, force: true });
  await mkdir(staging, { recursive: true });
  await mustRun("node", ["esbuild.mjs", "--production"]);
  for (const name of carried) await cp(join(root, name), join(staging, name), { recursive: true });
  const manifest = JSON.parse(await readFile(join(root, "package.json"), "utf8"));
  for (const key of ["scripts", "devDependencies", "optionalDependencies", "overrides", "bin", "private"])
    delete manifest[key];
  const { dependencies } = manifest;
  delete manifest.dependencies;
  await writeFile(join(staging, "package.json"), JSON.stringify(manifest, undefined, 2));
  if (target) await copyPackages(Object.keys(dependencies), target, staging);
  await writeFile(join(staging, ".vscodeignore"), `${ignored.join("\n")}\n`);
  const file = join(root, "out", `switchyard-${manifest.version}${target ? `-${target}` : ""}.vsix`);
  const args = ["package", "--no-dependencies", "--allow-missing-repository", "--out", file];
  await mustRun("vsce", [...args, ...(target ? ["--target", target] : [])], { cwd: staging });
  return file;
}

/** The packages the engine imports at run time, and theirs, as the lock file lists them for the platform. */
async function copyPackages(names: readonly string[], target: string, staging: string): Promise<void> {
  const lock: { packages: Record<string, LockEntry> } = JSON.parse(
    await readFile(join(root, "package-lock.json"), "utf8"),
  );
  const [os, cpu] = target.split("-");
  const wanted = new Set<string>();
  const visit = (name: string, from: string): void => {
    const key = [`${from}/node_modules/${name}`, `node_modules/${name}`].find((each) => lock.packages[each]);
    const entry = key === undefined ? undefined : lock.packages[key];
    if (!key || !entry || wanted.has(key)) return;
    if ((entry.os && !entry.os.includes(os ?? "")) || (entry.cpu && !entry.cpu.includes(cpu ?? ""))) return;
    wanted.add(key);
    for (const each of Object.keys({ ...entry.dependencies, ...entry.optionalDependencies })) visit(each, key);
  };
  for (const name of names) visit(name, "");
  for (const key of wanted) {
    const isThere = await stat(join(root, key)).catch(() => undefined);
    if (isThere) await cp(join(root, key), join(staging, key), { recursive: true, dereference: true });
  }
}

/** The platform's name in VS Code, such as `linux-x64`. */
export const thisTarget = `${process.platform}-${process.arch}`;

if (import.meta.main) {
  const { values } = parseArgs({ options: { target: { type: "string" } } });
  const file = await makePackage(values.target);
  console.log(`${file}: ${((await stat(file)).size / 1e6).toFixed(2)} MB`);
}
