// Other gateways, installed into the cache folder: they are no part of this project.
import { existsSync } from "node:fs";
import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { cacheFolder } from "../../folders.ts";
import { mustRun } from "../../run.ts";

const folder = join(cacheFolder, "bench-peers");
/** Newer versions of the last two make Portkey answer 500 to every stream. */
const portkey = { "@portkey-ai/gateway": "1.15.2", hono: "4.9.7", "@hono/node-server": "1.3.3" } as const;

/** The file to start Portkey's gateway with. @throws Error where it cannot be had */
export async function ensurePortkey(): Promise<string> {
  const entry = join(folder, "node_modules", "@portkey-ai", "gateway", "build", "start-server.js");
  if (existsSync(entry)) return entry;
  await mkdir(folder, { recursive: true });
  const { hono, "@hono/node-server": server } = portkey;
  const overrides = { hono, "@hono/node-server": server };
  const manifest = { name: "bench-peers", private: true, dependencies: portkey, overrides };
  await writeFile(join(folder, "package.json"), JSON.stringify(manifest));
  await mustRun("npm", ["install", "--no-audit", "--no-fund", "--ignore-scripts"], { cwd: folder, isQuiet: true });
  if (!existsSync(entry)) throw new Error("Portkey's gateway could not be installed.");
  return entry;
}
