// The built-in engine: its API on a loopback port, until nobody needs it any more.
import { randomUUID } from "node:crypto";
import { mkdir, readFile, rm } from "node:fs/promises";
import type { ServerResponse } from "node:http";
import { join } from "node:path";
import { writePrivateFile } from "../../private-file.ts";
import { createApi } from "./api.ts";
import { createModelFiles } from "./model-files.ts";
import { ModelPool } from "./model-pool.ts";
import { engineVersion, ownSourcesPath, readRegistration, registrationPath } from "./registration.ts";
import { createEngineServer } from "./server.ts";
import { createWeights } from "./weights.ts";

/** Nobody is left who needs the engine: it ends by itself after this. */
const idleMs = 15_000;

export interface EngineOptions {
  readonly home: string;
  /** Folder of the model files; absent: in the home. */
  readonly models: string | undefined;
  /** 0: any that is free. */
  readonly port: number;
}

/** Resolves when the engine listens, and has said where. */
export async function runEngine({ home, models, port }: EngineOptions): Promise<void> {
  const folder = models ?? join(home, "models");
  const instance = randomUUID();
  const files = createModelFiles(folder);
  const end = () => endProcess(home, instance);
  const leases = createLeases(end);
  const server = createEngineServer(
    createApi({
      version: `${engineVersion}-switchyard`,
      files,
      pool: new ModelPool(files),
      weights: createWeights({ folder, files, ownSources: () => readOwnSources(home) }),
    }),
    {
      identity: () => ({ instance, version: engineVersion, pid: process.pid, leases: leases.count() }),
      onRequest: leases.rest,
      onLease: (_, response) => {
        response.writeHead(200, { "content-type": "text/plain" });
        response.write(`${instance}\n`);
        leases.add(response);
      },
    },
  );
  await mkdir(home, { recursive: true, mode: 0o700 });
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    server.listen(port, "127.0.0.1", resolve);
  });
  const address = server.address();
  if (typeof address !== "object" || address === null) throw new Error("the engine has no port");
  const registration = { pid: process.pid, port: address.port, instance, version: engineVersion };
  await writePrivateFile(registrationPath(home), JSON.stringify(registration));
  process.on("SIGTERM", () => void end());
  process.on("SIGINT", () => void end());
  leases.rest();
  console.log(JSON.stringify(registration));
}

/** Who needs the engine: a connection each that stays open. */
function createLeases(onNobody: () => Promise<never>) {
  const held = new Set<ServerResponse>();
  let timer: NodeJS.Timeout | undefined;
  const rest = () => {
    clearTimeout(timer);
    if (held.size === 0) timer = setTimeout(() => void onNobody(), idleMs);
  };
  return {
    rest,
    count: () => held.size,
    add(response: ServerResponse): void {
      held.add(response);
      response.on("close", () => {
        held.delete(response);
        rest();
      });
      rest();
    },
  };
}

async function readOwnSources(home: string): Promise<readonly string[]> {
  const text = await readFile(ownSourcesPath(home), "utf8").catch(() => "[]");
  const list: unknown = JSON.parse(text);
  return Array.isArray(list) ? list.filter((each) => typeof each === "string") : [];
}

async function endProcess(home: string, instance: string): Promise<never> {
  if ((await readRegistration(home))?.instance === instance) await rm(registrationPath(home), { force: true });
  process.exit(0);
}
