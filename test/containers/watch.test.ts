// What falls is set up again, on a real Docker engine: killed, paused, out of memory, and the engine itself.
import { rmSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { ask, type DockerEngine } from "../../scripts/docker.ts";
import type { WatchEvent } from "../../src/core/services.ts";
import { type Bench, createBench, dockerd, inspect, never, redis, startTestEngine, until, up } from "./harness.ts";

let engine: DockerEngine | undefined;
let bench: Bench;
let stop: AbortController;
let seen: WatchEvent[];
let watching: Promise<void>;

beforeAll(async () => {
  engine = await startTestEngine();
}, 120_000);
afterAll(() => engine?.dispose());

const socket = () => engine?.socket ?? "";
const container = "switchyard-redis";

const incidents = () => seen.flatMap((event) => (event.kind === "incident" ? [event.incident] : []));
const serving = () =>
  until(async () => ((await redis(bench.ports.redis, "PING").catch(() => "")) === "+PONG" ? true : undefined));
const kill = () => ask(socket(), "POST", `/containers/${container}/kill`);

describe.skipIf(!dockerd)("a watched stack on a real engine", { timeout: 60_000 }, () => {
  beforeEach(async ({ skip }) => {
    if (!engine) skip();
    bench = await createBench(engine?.address ?? "");
    await up(bench.services);
    seen = [];
    stop = new AbortController();
    watching = (async () => {
      for await (const event of bench.services.watch(stop.signal)) seen.push(event);
    })();
    await until(() => seen[0]);
  });
  afterEach(async () => {
    stop.abort();
    await watching;
    if (!engine) return;
    await bench.services.remove({ withVolumes: true }, never);
    rmSync(bench.home, { recursive: true, force: true });
  });

  it("serves again after kill -9 of its process", async () => {
    const { Pid: pid } = (await inspect(socket(), container)).State;
    process.kill(pid, "SIGKILL");
    const incident = await until(() => incidents()[0]);
    expect(incident).toMatchObject({ service: "redis", what: "died", done: "restarted", attempt: 1 });
    await serving();
  });

  it("serves again after docker kill, which the engine's own policy takes for a wish", async () => {
    await kill();
    await until(() => incidents()[0]);
    await serving();
  });

  it("goes on after a pause", async () => {
    await ask(socket(), "POST", `/containers/${container}/pause`);
    expect(await until(() => incidents()[0])).toMatchObject({ what: "paused", done: "unpaused" });
    await serving();
  });

  it("comes back after it ran out of memory, and says that it was that", async () => {
    await redis(bench.ports.redis, "CONFIG", "SET", "maxmemory", "0");
    await redis(bench.ports.redis, "SETRANGE", "big", "450000000", "x").catch(() => undefined);
    expect(await until(() => incidents()[0])).toMatchObject({ service: "redis", what: "out-of-memory" });
    await serving();
  });

  it("is left alone when a person stops it", async () => {
    await ask(socket(), "POST", `/containers/${container}/stop`);
    await sleep(3_000);
    expect(incidents()).toEqual([]);
    expect((await inspect(socket(), container)).State.Running).toBe(false);
  });

  it("is given up after 5 times in 10 minutes, and that is told", async () => {
    for (let round = 1; round <= 6; round++) {
      await serving();
      await kill();
      await until(() => incidents()[round - 1], 20_000);
    }
    expect(incidents().map(({ done }) => done)).toEqual([...Array.from({ length: 5 }, () => "restarted"), "gave-up"]);
    expect(incidents().map(({ attempt }) => attempt)).toEqual([1, 2, 3, 4, 5, 6]);
    await sleep(1_500);
    expect((await inspect(socket(), container)).State.Running).toBe(false);
  });

  it("is watched again after the engine itself was killed and came back", async () => {
    await engine?.kill();
    await until(() => seen.find(({ kind }) => kind === "engine-lost"));
    await engine?.start();
    await until(() => seen.find(({ kind }) => kind === "engine-back"), 20_000);
    await serving();
    seen = [];
    await kill();
    await until(() => incidents()[0]);
    await serving();
  });
});
