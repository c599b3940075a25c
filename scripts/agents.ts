// Agents that people use, for the tests: from npm, in the cache folder, once for all checkouts. None is in the product.
import { existsSync, globSync } from "node:fs";
import { mkdir, rename, rm } from "node:fs/promises";
import { join } from "node:path";
import { cacheFolder } from "./folders.ts";
import { run } from "./run.ts";

const system = `${process.platform}-${process.arch}`;

interface Agent {
  readonly title: string;
  readonly version: string;
  /** As npm installs it; only the build for this system. */
  readonly install: string;
  /** Where its program is then. */
  readonly program: string;
}

const agents = {
  claudeCode: {
    title: "Claude Code",
    version: "2.1.332",
    install: `@anthropic-ai/claude-code-${system}@2.1.332`,
    program: `@anthropic-ai/claude-code-${system}/claude{,.exe}`,
  },
  codex: {
    title: "Codex",
    version: "0.169.0",
    install: `@openai/codex@0.169.0-${system}`,
    program: "@openai/codex/vendor/*/bin/codex{,.exe}",
  },
} as const satisfies Readonly<Record<string, Agent>>;

export type AgentName = keyof typeof agents;
export const agentNames: readonly AgentName[] = ["claudeCode", "codex"];

const installLimitMs = 4 * 60_000;
const folderOf = (name: AgentName) => join(cacheFolder, `${name}-${agents[name].version}`);

/** Its program; undefined where it was not installed. */
export function agentProgram(name: AgentName): string | undefined {
  const modules = join(folderOf(name), "node_modules");
  if (!existsSync(modules)) return undefined;
  const [found] = globSync(agents[name].program, { cwd: modules });
  return found === undefined ? undefined : join(modules, found);
}

/** False where it cannot be had. */
export async function ensureAgent(name: AgentName): Promise<boolean> {
  if (agentProgram(name)) return true;
  const { title, version, install } = agents[name];
  console.log(`Getting ${title} ${version} (some hundred MB on disk, once) …`);
  const beside = `${folderOf(name)}.${process.pid}`;
  await mkdir(beside, { recursive: true });
  const args = ["install", "--prefix", beside, "--no-audit", "--no-fund", "--ignore-scripts", "--force"];
  const code = await run("npm", [...args, install], { limitMs: installLimitMs, isQuiet: true });
  // Renamed when it is whole: what another checkout finds, it can use.
  if (code === 0) await rename(beside, folderOf(name)).catch(() => undefined);
  await rm(beside, { recursive: true, force: true });
  return agentProgram(name) !== undefined;
}
