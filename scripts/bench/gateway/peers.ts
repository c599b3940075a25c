// Other gateways, installed into the cache folder: they are no part of this project.
import { existsSync } from "node:fs";
import { mkdir, mkdtemp, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { findProgram } from "../../debian.ts";
import { cacheFolder } from "../../folders.ts";
import { mustRun } from "../../run.ts";

const folder = join(cacheFolder, "bench-peers");
/** Newer versions of the last two make Portkey answer 500 to every stream. */
const portkey = { "@portkey-ai/gateway": "1.15.2", hono: "4.9.7", "@hono/node-server": "1.3.3" } as const;
const router = { "@musistudio/claude-code-router": "2.0.0" } as const;
const litellm = "litellm[proxy]==1.80.0";

/** The file to start Portkey's gateway with. @throws Error where it cannot be had */
export function ensurePortkey(): Promise<string> {
  const { hono, "@hono/node-server": server } = portkey;
  const overrides = { hono, "@hono/node-server": server };
  return ensurePackage("portkey", join("@portkey-ai", "gateway", "build", "start-server.js"), portkey, overrides);
}

/** The file to start claude-code-router with. @throws Error where it cannot be had */
export function ensureRouter(): Promise<string> {
  return ensurePackage("router", join("@musistudio", "claude-code-router", "dist", "cli.js"), router);
}

async function ensurePackage(
  name: string,
  entry: string,
  dependencies: Readonly<Record<string, string>>,
  overrides: Readonly<Record<string, string>> = {},
): Promise<string> {
  const home = join(folder, name);
  const file = join(home, "node_modules", entry);
  if (existsSync(file)) return file;
  await mkdir(home, { recursive: true });
  const manifest = { name: `bench-${name}`, private: true, dependencies, overrides };
  await writeFile(join(home, "package.json"), JSON.stringify(manifest));
  await mustRun("npm", ["install", "--no-audit", "--no-fund", "--ignore-scripts"], { cwd: home, isQuiet: true });
  if (!existsSync(file)) throw new Error(`${name} could not be installed.`);
  return file;
}

/** A home in which claude-code-router finds that it asks the model server at this port. */
export async function routerHome(port: number, upstream: number): Promise<string> {
  const home = await mkdtemp(join(tmpdir(), "switchyard-router-"));
  await mkdir(join(home, ".claude-code-router"));
  const config = {
    PORT: port,
    HOST: "127.0.0.1",
    LOG: false,
    APIKEY: "bench",
    NON_INTERACTIVE_MODE: true,
    Providers: [
      {
        name: "up",
        api_base_url: `http://127.0.0.1:${upstream}/v1/chat/completions`,
        api_key: "none",
        models: ["mock"],
      },
    ],
    Router: { default: "up,mock" },
  };
  await writeFile(join(home, ".claude-code-router", "config.json"), JSON.stringify(config));
  return home;
}

/** The command of LiteLLM's proxy. @throws Error where there is no Python, or it cannot be had */
export async function ensureLitellm(): Promise<string> {
  const home = join(folder, "litellm");
  const file = join(home, "bin", "litellm");
  if (existsSync(file)) return file;
  const python = findProgram("python3");
  if (!python) throw new Error("LiteLLM is left out: there is no Python here.");
  await mustRun(python, ["-m", "venv", home], { isQuiet: true });
  await mustRun(join(home, "bin", "pip"), ["install", "--quiet", litellm], { isQuiet: true });
  return file;
}

/** A file that tells LiteLLM to ask the model server at this port. */
export async function litellmConfig(upstream: number): Promise<string> {
  const file = join(await mkdtemp(join(tmpdir(), "switchyard-litellm-")), "config.yaml");
  const params = { model: "openai/mock", api_base: `http://127.0.0.1:${upstream}/v1`, api_key: "none" };
  await writeFile(file, JSON.stringify({ model_list: [{ model_name: "mock", litellm_params: params }] }));
  return file;
}
