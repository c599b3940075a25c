// The editor that tests and `npm start` run in where no desktop VS Code is: its server build from npm, in the cache folder.
import { existsSync } from "node:fs";
import { mkdir, open, readFile, rename, rm, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { cacheFolder } from "./folders.ts";
import { mustRun, root } from "./run.ts";

const version = "4.139.1";
const folder = join(cacheFolder, `editor-host-${version}`);
const stampFile = join(folder, "whole.json");
/** The package brings VS Code's server; two folders in it have dependencies of their own. */
const packageFolder = join(folder, "node_modules", "code-server");
const installLimitMs = 10 * 60_000;

export interface EditorHost {
  /** Entry of the editor as a person gets it: installs extensions, serves the workbench. */
  readonly entry: string;
  /** VS Code's own server, which runs tests inside the extension host. */
  readonly server: string;
}

/** Installs the editor host once for all checkouts; what a broken install left behind is replaced. */
export async function ensureEditorHost(): Promise<EditorHost> {
  const host = {
    entry: join(packageFolder, "out", "node", "entry.js"),
    server: join(packageFolder, "lib", "vscode", "out", "server-main.js"),
  };
  if (await isWhole(host)) {
    await putLogWriter();
    return host;
  }
  await mkdir(cacheFolder, { recursive: true });
  const release = await lock(`${folder}.lock`);
  try {
    if (!(await isWhole(host))) await install();
  } finally {
    await release();
  }
  if (!(await isWhole(host)))
    throw new Error(`The editor host in ${folder} is not whole; remove it and run this again.`);
  await putLogWriter();
  return host;
}

async function isWhole({ entry, server }: EditorHost): Promise<boolean> {
  try {
    const stamp: unknown = JSON.parse(await readFile(stampFile, "utf8"));
    const isStamped = typeof stamp === "object" && stamp !== null && "version" in stamp && stamp.version === version;
    const modules = join(packageFolder, "lib", "vscode", "node_modules", "@vscode", "spdlog", "package.json");
    return isStamped && [entry, server, modules].every((file) => existsSync(file));
  } catch {
    return false;
  }
}

async function install(): Promise<void> {
  console.log(`Getting the editor host (code-server ${version}, about 600 MB on disk, once) …`);
  const beside = `${folder}.new`;
  await rm(beside, { recursive: true, force: true });
  await mkdir(beside, { recursive: true });
  await writeFile(join(beside, "package.json"), JSON.stringify({ name: "editor-host", private: true }));
  const npm = (cwd: string, ...args: string[]) =>
    mustRun("npm", ["install", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error", ...args], {
      cwd,
      limitMs: installLimitMs,
    });
  await npm(beside, `code-server@${version}`);
  const server = join(beside, "node_modules", "code-server", "lib", "vscode");
  await npm(server, "--omit=dev");
  await npm(join(server, "extensions"), "--omit=dev");
  await writeFile(join(beside, "whole.json"), JSON.stringify({ version }));
  await rm(folder, { recursive: true, force: true });
  await rename(beside, folder);
}

/** Without a compiled writer of logs, output channels would stay empty. Written whole, since others may read it now. */
async function putLogWriter(): Promise<void> {
  const place = join(packageFolder, "lib", "vscode", "node_modules", "@vscode", "spdlog");
  if (existsSync(join(place, "build", "Release", "spdlog.node"))) return;
  const writer = await readFile(join(root, "scripts", "log-writer.cjs"), "utf8");
  const entry = join(place, "index.js");
  if ((await readFile(entry, "utf8")) === writer) return;
  await writeFile(`${entry}.${process.pid}`, writer);
  await rename(`${entry}.${process.pid}`, entry);
}

/** Held by one process; one that a dead process left is taken over. */
async function lock(file: string): Promise<() => Promise<void>> {
  for (;;) {
    try {
      const handle = await open(file, "wx");
      await handle.writeFile(String(process.pid));
      await handle.close();
      return () => rm(file, { force: true });
    } catch {
      if (await isAbandoned(file)) await rm(file, { force: true });
      else await sleep(500);
    }
  }
}

async function isAbandoned(file: string): Promise<boolean> {
  try {
    if (Date.now() - (await stat(file)).mtimeMs > installLimitMs * 3) return true;
    process.kill(Number(await readFile(file, "utf8")), 0);
    return false;
  } catch (error) {
    return error instanceof Error && "code" in error && (error.code === "ESRCH" || error.code === "ENOENT");
  }
}
