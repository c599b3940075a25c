// A real engine with real images, and a stack of its own on free ports.
import { mkdtempSync } from "node:fs";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { ask, type DockerEngine, findDockerd, startDocker } from "../../scripts/docker.ts";
import {
  importGrafanaStandIn,
  importNode,
  importPrometheus,
  importRedis,
  importSilentOllama,
} from "../../scripts/docker-images.ts";
import { freePort } from "../../scripts/free-port.ts";
import { ensurePrometheus } from "../../scripts/prometheus.ts";
import { root } from "../../scripts/run.ts";
import { createServices, type ServicesOptions } from "../../src/containers/create-services.ts";
import type { ServiceName } from "../../src/containers/service-spec.ts";
import { defaultChoice, describeStack } from "../../src/containers/stack.ts";
import { nodeImage } from "../../src/containers/stack-proxy.ts";
import type { ServiceProfile, Services, UpEvent } from "../../src/core/services.ts";
import { defaultSettings } from "../../src/core/settings.ts";

export const dockerd = findDockerd();
export const never = new AbortController().signal;

/** Undefined where dockerd cannot run, as inside most containers: those tests are skipped. */
export async function startTestEngine(
  importModels = importSilentOllama,
  profile: ServiceProfile = "core",
): Promise<DockerEngine | undefined> {
  if (!dockerd) return undefined;
  const engine = await startDocker(dockerd).catch((error: unknown) => {
    console.log(String(error));
    return undefined;
  });
  if (!engine) return undefined;
  if (profile !== "core" && !(await ensurePrometheus().catch((error: unknown) => console.log(String(error))))) {
    await engine.dispose();
    return undefined;
  }
  const { socket } = engine;
  const image = (name: string) => describeStack(defaultChoice).services.find((each) => each.name === name)?.image ?? "";
  await importRedis(socket, image("redis"));
  await importModels(socket, image("ollama"));
  if (profile === "core") return engine;
  await importPrometheus(socket, image("prometheus"));
  await importGrafanaStandIn(socket, image("grafana"));
  await importNode(socket, nodeImage);
  return engine;
}

export interface Bench {
  readonly services: Services;
  readonly ports: Readonly<Record<ServiceName, number>>;
  readonly home: string;
  /** The same person's other window, or the same with other settings. */
  readonly again: (changes?: Partial<ServicesOptions>, env?: Readonly<Record<string, string>>) => Services;
}

export async function createBench(address: string): Promise<Bench> {
  const ports = {
    ollama: await freePort(),
    redis: await freePort(),
    prometheus: await freePort(),
    grafana: await freePort(),
    "local-llm-proxy": await freePort(),
  };
  const home = mkdtempSync(join(tmpdir(), "switchyard-services-"));
  const again: Bench["again"] = (changes = {}, env = {}) =>
    createServices({
      home,
      env: { SWITCHYARD_DOCKER_HOST: address, HOME: home, MAX_MODEL_MEMORY: "1G", ...env },
      log: () => undefined,
      isOffline: () => false,
      onChange: () => undefined,
      ports,
      packageRoot: root,
      settings: () => defaultSettings,
      ...changes,
    });
  return { services: again(), ports, home, again };
}

export async function up(services: Services, profile?: ServiceProfile): Promise<readonly UpEvent[]> {
  const events: UpEvent[] = [];
  for await (const event of services.up(profile ? { profile } : {}, never)) events.push(event);
  return events;
}

/** `created ollama`, `ready redis` …; not what is waited for. */
export const short = (events: readonly UpEvent[]): readonly string[] =>
  events.flatMap((event) =>
    "service" in event && !["waiting", "finishing"].includes(event.kind) ? [`${event.kind} ${event.service}`] : [],
  );

interface Listed {
  readonly Id: string;
  readonly Names: readonly string[];
  readonly State: string;
}

export async function containers(socket: string): Promise<ReadonlyMap<string, Listed>> {
  const { body } = await ask(socket, "GET", "/containers/json?all=1");
  const listed: readonly Listed[] = JSON.parse(body);
  return new Map(listed.map((each) => [each.Names[0]?.slice(1) ?? "", each]));
}

/** What `docker inspect` shows. */
export async function inspect(socket: string, name: string) {
  return JSON.parse((await ask(socket, "GET", `/containers/${name}/json`)).body);
}

/** One command of Redis, in its words; resolves with the first line of the answer. */
export function redis(port: number, ...words: readonly string[]): Promise<string> {
  const text = `*${words.length}\r\n${words.map((word) => `$${Buffer.byteLength(word)}\r\n${word}\r\n`).join("")}`;
  const socket = connect(port, "127.0.0.1");
  return new Promise<string>((resolve, reject) => {
    let said = "";
    socket.once("error", reject);
    socket.once("close", () => reject(new Error("Redis hung up")));
    socket.once("connect", () => socket.write(text));
    socket.on("data", (data) => {
      said += String(data);
      const lines = said.split("\r\n");
      const isBulk = said.startsWith("$") && !said.startsWith("$-1");
      if (lines.length > (isBulk ? 2 : 1)) resolve(lines[isBulk ? 1 : 0] ?? "");
    });
  }).finally(() => socket.destroy());
}

/** Looks until there is something. */
export async function until<Value>(
  look: () => Promise<Value | undefined> | Value | undefined,
  limitMs = 60_000,
): Promise<Value> {
  const deadline = performance.now() + limitMs;
  for (;;) {
    const value = await look();
    if (value !== undefined) return value;
    if (performance.now() > deadline) throw new Error(`not in ${limitMs} ms`);
    await sleep(20);
  }
}
