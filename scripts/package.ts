// Makes the VSIX: `npm run package [-- --target PLATFORM]`, else for this machine. The one for `universal` has no engine
// of its own and stays small; one for a platform carries the packages that the built-in engine needs there.
import { cp, mkdir, readFile, rm, stat, writeFile } from "node:fs/promises";
import { join, relative } from "node:path";
import { parseArgs } from "node:util";
import { mustRun, root } from "./run.ts";

const carried = [
  "dist",
  "deploy/monitoring",
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
  "media/screenshot.png",
  "**/*.map",
  "dist/node_modules/node-llama-cpp/llama/**",
  "!dist/node_modules/node-llama-cpp/llama/binariesGithubRelease.json",
  "!dist/node_modules/node-llama-cpp/llama/*.json",
  "!dist/node_modules/node-llama-cpp/llama/*.lock",
  "dist/node_modules/node-llama-cpp/templates/**",
  "dist/node_modules/**/*.d.ts",
  "dist/node_modules/**/*.md",
  "dist/node_modules/**/*.tsbuildinfo",
];

/** How the engine's package calls the systems. */
const engineNames: Readonly<Record<string, string>> = { darwin: "mac", win32: "win" };

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
  for (const name of ["README.md", "README.zh-CN.md"]) await leaveOutPictures(join(staging, name));
  const manifest = JSON.parse(await readFile(join(root, "package.json"), "utf8"));
  for (const key of [
    "scripts",
    "devDependencies",
    "optionalDependencies",
    "overrides",
    "bin",
    "files",
    "private",
    "dependencies",
  ])
    delete manifest[key];
  await writeFile(join(staging, "package.json"), JSON.stringify(manifest, undefined, 2));
  // Beside the engine: a folder of this name at the top would be left out.
  if (target) await copyPackages(["node-llama-cpp"], target, join(staging, "dist"));
  await writeFile(join(staging, ".vscodeignore"), `${ignored.join("\n")}\n`);
  const file = join(root, "out", `switchyard-${manifest.version}${target ? `-${target}` : ""}.vsix`);
  const args = [
    "package",
    "--no-dependencies",
    "--allow-missing-repository",
    "--no-rewrite-relative-links",
    "--out",
    file,
  ];
  await mustRun("vsce", [...args, ...(target ? ["--target", target] : [])], { cwd: staging });
  return file;
}

/** The page of an extension shows no pictures of its own files. */
async function leaveOutPictures(readme: string): Promise<void> {
  await writeFile(readme, (await readFile(readme, "utf8")).replace(/^!\[[^\]]*\]\((?!https:).*\)\n\n/gm, ""));
}

/** The packages the engine imports at run time, and theirs, as the lock file lists them for the platform. */
export async function copyPackages(names: readonly string[], target: string, folder: string): Promise<void> {
  const lock: { packages: Record<string, LockEntry> } = JSON.parse(
    await readFile(join(root, "package-lock.json"), "utf8"),
  );
  const [os, cpu] = target.split("-");
  const wanted = new Set<string>();
  const visit = (name: string, from: string): void => {
    const key = [`${from}/node_modules/${name}`, `node_modules/${name}`].find((each) => lock.packages[each]);
    const entry = key === undefined ? undefined : lock.packages[key];
    if (!key || !entry || wanted.has(key)) return;
    // Builds of one processor say that they install on others, too.
    if (
      name.startsWith("@node-llama-cpp/") &&
      !name.startsWith(`@node-llama-cpp/${engineNames[os ?? ""] ?? os}-${cpu}`)
    )
      return;
    if ((entry.os && !entry.os.includes(os ?? "")) || (entry.cpu && !entry.cpu.includes(cpu ?? ""))) return;
    wanted.add(key);
    for (const each of Object.keys({ ...entry.dependencies, ...entry.optionalDependencies })) visit(each, key);
  };
  for (const name of names) visit(name, "");
  for (const key of wanted) {
    const isThere = await stat(join(root, key)).catch(() => undefined);
    if (isThere) await cp(join(root, key), join(folder, key), { recursive: true, dereference: true });
  }
}

/** The platform's name in VS Code, such as `linux-x64`. */
export const thisTarget = `${process.platform}-${process.arch}`;

if (import.meta.main) {
  const { values } = parseArgs({ options: { target: { type: "string", default: thisTarget } } });
  const target = values.target === "universal" ? undefined : values.target;
  const file = await makePackage(target);
  console.log(`${file}: ${((await stat(file)).size / 1e6).toFixed(2)} MB`);
  if (target && target !== thisTarget)
    console.log(
      `It has the built-in engine only as far as its packages for ${target} are here: npm gets those of its own platform. Make it there.`,
    );
  else console.log(`To install it: code --install-extension "${relative(process.cwd(), file)}"`);
}
