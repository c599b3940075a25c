// Entry of the built-in engine's own process: node engine.js --home DIR
import { randomUUID } from "node:crypto";
import { mkdir, readFile, rename, rm, writeFile } from "node:fs/promises";
import type { ServerResponse } from "node:http";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { createApi } from "./api.ts";
import { createModelFiles } from "./model-files.ts";
import { ModelPool } from "./model-pool.ts";
import { engineVersion, ownSourcesPath, readRegistration, registrationPath } from "./registration.ts";
import { createEngineServer } from "./server.ts";
import { createWeights } from "./weights.ts";

/** Nobody is left who needs the engine: it ends by itself after this. */
const idleMs = 15_000;

const { values } = parseArgs({
  options: { home: { type: "string" }, models: { type: "string" }, port: { type: "string", default: "0" } },
});
const home = values.home;
if (!home) throw new Error("--home DIR is missing");
try {
  import.meta.resolve("node-llama-cpp");
} catch {
  console.error("This build has no built-in engine. Install Ollama, or the build of Switchyard for your platform.");
  process.exit(3);
}

const folder = values.models ?? join(home, "models");
const instance = randomUUID();
const files = createModelFiles(folder);
const leases = new Set<ServerResponse>();
let idleTimer: NodeJS.Timeout | undefined;

const rest = () => {
  clearTimeout(idleTimer);
  if (leases.size === 0) idleTimer = setTimeout(() => void end(), idleMs);
};

const server = createEngineServer(
  createApi({
    version: `${engineVersion}-switchyard`,
    files,
    pool: new ModelPool(files),
    weights: createWeights({ folder, files, ownSources: readOwnSources }),
  }),
  {
    identity: () => ({ instance, version: engineVersion, pid: process.pid, leases: leases.size }),
    onRequest: rest,
    onLease: (_, response) => {
      leases.add(response);
      response.writeHead(200, { "content-type": "text/plain" });
      response.write(`${instance}\n`);
      response.on("close", () => {
        leases.delete(response);
        rest();
      });
      rest();
    },
  },
);

async function readOwnSources(): Promise<readonly string[]> {
  const text = await readFile(ownSourcesPath(home ?? ""), "utf8").catch(() => "[]");
  const list: unknown = JSON.parse(text);
  return Array.isArray(list) ? list.filter((each) => typeof each === "string") : [];
}

async function end(): Promise<never> {
  if (home && (await readRegistration(home))?.instance === instance) await rm(registrationPath(home), { force: true });
  process.exit(0);
}

await mkdir(home, { recursive: true, mode: 0o700 });
await new Promise<void>((resolve, reject) => {
  server.once("error", reject);
  server.listen(Number(values.port), "127.0.0.1", resolve);
});
const address = server.address();
if (typeof address !== "object" || address === null) throw new Error("the engine has no port");
const registration = { pid: process.pid, port: address.port, instance, version: engineVersion };
await writeFile(`${registrationPath(home)}.${process.pid}`, JSON.stringify(registration), { mode: 0o600 });
await rename(`${registrationPath(home)}.${process.pid}`, registrationPath(home));
process.on("SIGTERM", () => void end());
process.on("SIGINT", () => void end());
rest();
console.log(JSON.stringify(registration));
