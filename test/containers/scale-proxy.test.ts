// A model server that goes while programs ask through the service in its container, on a real engine with a real model.
import { existsSync, rmSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { DockerEngine } from "../../scripts/docker.ts";
import { importOllama } from "../../scripts/docker-images.ts";
import { smallModel } from "../../scripts/folders.ts";
import { mustRun, root } from "../../scripts/run.ts";
import { containerLimits, readPlaces } from "../../src/containers/places.ts";
import { type ScaleParts, scaleServers } from "../../src/containers/scale.ts";
import { readSecret } from "../../src/containers/secrets.ts";
import { toolsOf } from "../../src/containers/service-tools.ts";
import { defaultSettings } from "../../src/core/settings.ts";
import { startCommand } from "../harness/command-line.ts";
import { type Bench, containers, createBench, dockerd, never, startTestEngine, until, up } from "./harness.ts";

let engine: DockerEngine | undefined;
let bench: Bench;
beforeAll(async () => {
  engine = await startTestEngine(importOllama, "team");
  if (!engine) return;
  if (!existsSync(join(root, "dist/cli.js"))) await mustRun("node", ["esbuild.mjs"]);
  bench = await createBench(engine.address);
}, 240_000);
afterAll(async () => {
  if (engine) await bench.services.remove({ withVolumes: true }, never);
  await engine?.dispose();
  if (engine) rmSync(bench.home, { recursive: true, force: true });
});

const two = () => ({ ...defaultSettings, minModelContainers: 2, maxModelContainers: 2 });

function partsOf(): ScaleParts {
  const home = bench.home;
  const env = { SWITCHYARD_DOCKER_HOST: engine?.address, HOME: home, MAX_MODEL_MEMORY: "1G" };
  return {
    tools: toolsOf({ home, env, ports: bench.ports, packageRoot: root, isOffline: () => false, settings: two }),
    home,
    balancer: {
      load: () => ({ waiting: 0, longestWaitMs: 0, inFlight: 0 }),
      drain: async () => undefined,
      admit: () => undefined,
    },
    limits: () => ({ min: 1, max: 2 }),
    onChange: () => undefined,
    // Between two questions it computes for nobody.
    isBusy: async () => false,
    log: () => undefined,
    pace: { waitMs: 60_000, spareMs: 500, settleMs: 100 },
  };
}

/** @returns its last event, which says whether it is whole, and where it is from */
async function stream(number: number, tokens = 60): Promise<{ readonly last: unknown; readonly from: string }> {
  const token = (await readSecret(bench.home, "proxy-token")) ?? "";
  const messages = [{ role: "user", content: `Tell a story about ${number} cats.` }];
  const answer = await fetch(`http://127.0.0.1:${bench.ports["local-llm-proxy"]}/api/chat`, {
    method: "POST",
    headers: { authorization: `Bearer ${token}`, "content-type": "application/json" },
    body: JSON.stringify({ model: smallModel, messages, options: { num_predict: tokens } }),
  });
  const lines = (await answer.text()).trim().split("\n");
  return { last: JSON.parse(lines.at(-1) ?? "{}"), from: answer.headers.get("x-switchyard-backend") ?? "" };
}

describe.skipIf(!dockerd)("a second model server behind the service in its container", { timeout: 240_000 }, () => {
  it("goes when what it had begun is done: no answer is cut, and none begins there any more", async ({ skip }) => {
    if (!engine) skip();
    await up(bench.again({ settings: two }), "team");
    const servers = async () =>
      [...(await containers(engine?.socket ?? "")).keys()].filter((name) => /ollama/.test(name));
    expect(new Set(await servers())).toEqual(new Set(["switchyard-ollama", "switchyard-ollama-2"]));
    const { limitBytes } = containerLimits(bench.home, {}, `Ollama at 127.0.0.1:${bench.ports.ollama}`) ?? {};
    expect(limitBytes).toBe(2 ** 30);
    // One after the other both are asked.
    const asked = Array.from({ length: 4 }, (_, number) => stream(number));
    const stop = new AbortController();
    const removed = (async () => {
      for await (const event of scaleServers(partsOf(), stop.signal)) if (event.kind === "removed") stop.abort();
    })();
    await until(() => (readPlaces(bench.home)["ollama-2"] === undefined ? true : undefined), 60_000);
    const later = Array.from({ length: 3 }, (_, number) => stream(10 + number));
    const all = await Promise.all([...asked, ...later]);
    await removed;
    expect(await servers()).toEqual(["switchyard-ollama"]);
    for (const { last } of all) expect(last).toMatchObject({ done: true });
    const begun = new Set(all.slice(0, asked.length).map(({ from }) => from));
    expect(begun.size).toBe(2);
  });

  it("is asked again where whoever was taking it away is closed before that is done", async ({ skip }) => {
    if (!engine) skip();
    await up(bench.again({ settings: two }), "team");
    const stop = new AbortController();
    const parts = { ...partsOf(), isBusy: async () => readPlaces(bench.home)["ollama-2"] === undefined };
    const scaling = (async () => {
      for await (const _ of scaleServers(parts, stop.signal));
    })();
    await until(() => (readPlaces(bench.home)["ollama-2"] === undefined ? true : undefined), 60_000);
    stop.abort();
    await scaling;
    expect(readPlaces(bench.home)["ollama-2"]).toMatch(/^http:/);
    // More than one of them answers at once.
    const asked = await Promise.all(Array.from({ length: 6 }, (_, number) => stream(number)));
    for (const { last } of asked) expect(last).toMatchObject({ done: true });
    expect(new Set(asked.map(({ from }) => from)).size).toBe(2);
  });

  it("is asked again where whoever was taking it away was killed", async ({ skip }) => {
    if (!engine) skip();
    await up(bench.services, "team");
    const answer = stream(1, 400);
    const env = { SWITCHYARD_HOME: bench.home, SWITCHYARD_DOCKER_HOST: engine?.address ?? "", LC_ALL: "C" };
    const shell = startCommand(["down"], { env });
    await until(() => (shell.err().includes("still at work on answers") ? true : undefined));
    shell.child.kill("SIGKILL");
    expect((await answer).last).toMatchObject({ done: true });
    expect((await stream(2)).last).toMatchObject({ done: true });
  });
});
