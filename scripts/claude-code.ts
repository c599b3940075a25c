// Claude Code for the tests: from npm, in the cache folder, once for all checkouts. Nothing of it is in the product.
import { existsSync } from "node:fs";
import { mkdir, rename, rm } from "node:fs/promises";
import { join } from "node:path";
import { cacheFolder } from "./folders.ts";
import { run } from "./run.ts";

const version = "2.1.332";
const packageName = `@anthropic-ai/claude-code-${process.platform}-${process.arch}`;
const folder = join(cacheFolder, `claude-code-${version}`);
const installLimitMs = 4 * 60_000;

/** Its program; undefined where it was not installed. */
export function claudeCode(): string | undefined {
  const name = process.platform === "win32" ? "claude.exe" : "claude";
  const path = join(folder, "node_modules", packageName, name);
  return existsSync(path) ? path : undefined;
}

/** False where it cannot be had. */
export async function ensureClaudeCode(): Promise<boolean> {
  if (claudeCode()) return true;
  console.log(`Getting Claude Code ${version} (about 400 MB on disk, once) …`);
  const beside = `${folder}.${process.pid}`;
  await mkdir(beside, { recursive: true });
  const args = ["install", "--prefix", beside, "--no-audit", "--no-fund", "--ignore-scripts", "--force"];
  const code = await run("npm", [...args, `${packageName}@${version}`], { limitMs: installLimitMs, isQuiet: true });
  // Renamed when it is whole: what another checkout finds, it can use.
  if (code === 0) await rename(beside, folder).catch(() => undefined);
  await rm(beside, { recursive: true, force: true });
  return claudeCode() !== undefined;
}
