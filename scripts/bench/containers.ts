// The stack on a real Docker engine: what starting, healing and watching it costs over doing it by hand.
import { spawnSync } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { build, type Plugin } from "esbuild";
import { createApp } from "../../src/app.ts";
import { createServices } from "../../src/containers/create-services.ts";
import { defaultChoice, describeStack } from "../../src/containers/stack.ts";
import type { Services, WatchEvent } from "../../src/core/services.ts";
import { defaultSettings } from "../../src/core/settings.ts";
import { ask, type DockerEngine, findDockerd, startDocker } from "../docker.ts";
import { importOllama, importRedis } from "../docker-images.ts";
import { smallModel } from "../folders.ts";
import { freePort } from "../free-port.ts";
import { root } from "../run.ts";
import { median, type Row } from "./measure.ts";

const rounds = 3;
const never = new AbortController().signal;

export async function measureContainers(): Promise<readonly Row[]> {
  const program = findDockerd();
  const engine = program ? await startDocker(program).catch(() => undefined) : undefined;
  if (!engine) {
    console.log("No Docker engine can run here: containers are not measured.");
    return [];
  }
  const home = await mkdtemp(join(tmpdir(), "switchyard-bench-"));
  const ports = { ollama: await freePort(), redis: await freePort() };
  const env = { SWITCHYARD_DOCKER_HOST: engine.address, HOME: home, MAX_MODEL_MEMORY: "2G" };
  const services = createServices({
    ...{ home, env, ports, packageRoot: root, settings: () => defaultSettings },
    ...{ log: () => undefined, isOffline: () => false, onChange: () => undefined },
  });
  try {
    const image = (name: string) =>
      describeStack(defaultChoice).services.find((each) => each.name === name)?.image ?? "";
    await importRedis(engine.socket, image("redis"));
    await importOllama(engine.socket, image("ollama"));
    await up(services);
    const url = `http://127.0.0.1:${ports.ollama}`;
    const start = await measureStart(engine, services, url);
    const healing = await measureHealing(engine, services, url);
    const lost = await measureLost(engine, services, home, url);
    return [...start, ...healing, lost, await measureMemory(engine.address, home, ports)];
  } finally {
    await services.remove({ withVolumes: true }, never).catch(() => undefined);
    await engine.dispose();
    await rm(home, { recursive: true, force: true });
  }
}

async function up(services: Services): Promise<void> {
  for await (const _ of services.up({}, never));
}

/** From all stopped to the first token of the model, through the product and by hand, in turns. */
async function measureStart(engine: DockerEngine, services: Services, url: string): Promise<readonly Row[]> {
  const [ours, bare]: [number[], number[]] = [[], []];
  for (let round = 0; round < rounds; round++) {
    await services.down({}, never);
    let startMs = performance.now();
    for (const name of ["ollama", "redis"]) await ask(engine.socket, "POST", `/containers/switchyard-${name}/start`);
    await firstToken(url);
    bare.push(performance.now() - startMs);
    await services.down({}, never);
    startMs = performance.now();
    await up(services);
    await firstToken(url);
    ours.push(performance.now() - startMs);
  }
  const [value, peer] = [median(ours) / 1000, median(bare) / 1000];
  return [
    {
      name: "Warm start of the stack to the first token",
      value,
      unit: "s",
      peer: { name: "docker start and the same question", value: peer },
      goal: "≤ 3 s more",
      isMet: value - peer <= 3,
    },
  ];
}

async function firstToken(url: string): Promise<void> {
  for (;;) {
    const body = JSON.stringify({ model: smallModel, prompt: "Hi", options: { num_predict: 1 } });
    const answer = await fetch(`${url}/api/generate`, { method: "POST", body }).catch(() => undefined);
    if (answer?.ok) {
      for await (const _ of answer.body ?? []) break;
      return;
    }
    await answer?.text();
    await sleep(20);
  }
}

const inspectOllama = ({ socket }: DockerEngine) => ask(socket, "GET", "/containers/switchyard-ollama/json");

/** From kill −9 of its process until it answers again; and how long after the engine calls it running. */
async function measureHealing(engine: DockerEngine, services: Services, url: string): Promise<readonly Row[]> {
  const stop = new AbortController();
  const seen: WatchEvent[] = [];
  const watching = (async () => {
    for await (const event of services.watch(stop.signal)) seen.push(event);
  })();
  while (seen.length === 0) await sleep(20);
  const state = async () => JSON.parse((await inspectOllama(engine)).body).State;
  const [whole, afterStart]: [number[], number[]] = [[], []];
  for (let round = 0; round < rounds; round++) {
    const { Pid: pid } = await state();
    const startMs = performance.now();
    process.kill(pid, "SIGKILL");
    let runningMs = 0;
    for (;;) {
      const now = await state();
      if (runningMs === 0 && now.Running && now.Pid !== pid) runningMs = performance.now();
      if (
        runningMs > 0 &&
        (await fetch(`${url}/api/version`)
          .then(({ ok }) => ok)
          .catch(() => false))
      )
        break;
      await sleep(10);
    }
    whole.push((performance.now() - startMs) / 1000);
    afterStart.push((performance.now() - runningMs) / 1000);
    const told = () => seen.filter(({ kind }) => kind === "incident").length;
    while (told() <= round) await sleep(20);
  }
  stop.abort();
  await watching;
  const value = median(afterStart);
  return [
    {
      name: "kill −9 of the model server until it answers again",
      value: median(whole),
      unit: "s",
      goal: "",
      isMet: true,
    },
    { name: "of that, after the engine has it running", value, unit: "s", goal: "≤ 2 s", isMet: value <= 2 },
  ];
}

/** Three people ask on while the model server is killed; lost is what fails before anything of it was shown. */
async function measureLost(engine: DockerEngine, services: Services, home: string, url: string): Promise<Row> {
  const stop = new AbortController();
  let incidents = 0;
  const watching = (async () => {
    for await (const event of services.watch(stop.signal)) if (event.kind === "incident") incidents++;
  })();
  const app = createApp({
    settings: { ...defaultSettings, engine: "ollama", ollamaUrl: url, cache: false },
    folders: { home, engineEntry: "none", packageRoot: root },
    env: { HOME: home },
    log: () => undefined,
    askedBy: "shell",
  });
  let [asked, answered, value] = [0, 0, 0];
  const askOne = async () => {
    let isShown = false;
    const question = { kind: "chat", text: `Say ${asked++}.`, sources: [], history: [], maxTokens: 6 } as const;
    try {
      for await (const event of app.run(question, never)) isShown ||= event.kind === "text";
      answered++;
    } catch {
      if (!isShown) value++;
    }
  };
  const clients = Array.from({ length: 3 }, async () => {
    while (incidents === 0 || answered < 6) await askOne();
  });
  while (answered < 2) await sleep(20);
  process.kill(JSON.parse((await inspectOllama(engine)).body).State.Pid, "SIGKILL");
  await Promise.all(clients);
  stop.abort();
  await watching;
  await app.dispose();
  const name = `Of ${asked} questions, lost while the model server is killed`;
  return { name, value, unit: "", goal: "0", isMet: value === 0 };
}

/** In a process of its own: what it has in memory while it watches, more than before it knew of containers. */
async function measureMemory(
  address: string,
  home: string,
  ports: { readonly ollama: number; readonly redis: number },
): Promise<Row> {
  const bundle = join(home, "services.mjs");
  await bundleServices(bundle);
  const program = `
const settle = async () => { for (let i = 0; i < 5; i++) { globalThis.gc(); await new Promise((go) => setTimeout(go, 60)); } return process.memoryUsage().rss; };
const before = await settle();
const { createServices } = await import(${JSON.stringify(bundle)});
const services = createServices({ home: ${JSON.stringify(home)}, env: { SWITCHYARD_DOCKER_HOST: ${JSON.stringify(address)}, HOME: ${JSON.stringify(home)} },
  ports: ${JSON.stringify(ports)}, packageRoot: ${JSON.stringify(root)}, settings: () => (${JSON.stringify(defaultSettings)}), log() {}, isOffline: () => false, onChange() {} });
const signal = new AbortController().signal;
await services.status(signal);
for await (const _ of services.watch(signal)) break;
console.log((await settle()) - before);
process.exit(0);`;
  const args = ["--expose-gc", "--input-type=module", "-e", program];
  const { stdout } = spawnSync(process.execPath, args, { encoding: "utf8", env: { ...process.env, NODE_OPTIONS: "" } });
  const value = Number(stdout.trim()) / 2 ** 20;
  return {
    name: "Memory of managing the containers",
    value,
    unit: "MiB",
    goal: "≤ 30 MB",
    isMet: value * 1.048_576 <= 30,
  };
}

/** As the product is shipped: in one piece, without what dockerode reads for ways of working that are not used. */
async function bundleServices(outfile: string): Promise<void> {
  const leftOut: Plugin = {
    name: "left-out",
    setup({ onResolve, onLoad }) {
      onResolve({ filter: /^(ssh2|@grpc\/[\w-]+|protobufjs)$/ }, ({ path }) => ({ path, namespace: "left-out" }));
      onLoad({ filter: /./, namespace: "left-out" }, () => ({ contents: "module.exports = {};" }));
    },
  };
  await build({
    ...{ entryPoints: [join(root, "src/containers/create-services.ts")], outfile, bundle: true, minify: true },
    ...{ platform: "node", format: "esm", target: "node22", plugins: [leftOut], logLevel: "warning" },
    banner: {
      js: 'import{createRequire as __createRequire}from"node:module";const require=__createRequire(import.meta.url);',
    },
  });
}
