// What falls is set up again, on a real Docker engine: killed, paused, out of memory, and the engine itself.
import { existsSync, rmSync, utimesSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { ask, type DockerEngine } from "../../scripts/docker.ts";
import type { RunRecord } from "../../src/core/run-record.ts";
import type { WatchEvent } from "../../src/core/services.ts";
import { type Bench, createBench, dockerd, inspect, never, redis, startTestEngine, until, up } from "./harness.ts";

let engine: DockerEngine | undefined;
let bench: Bench;
let stop: AbortController;
let seen: WatchEvent[];
let watching: Promise<void>;

beforeAll(async () => {
  engine = await startTestEngine();
}, 240_000);
afterAll(() => engine?.dispose());

const socket = () => engine?.socket ?? "";
const container = "switchyard-redis";

const incidents = () => seen.flatMap((event) => (event.kind === "incident" ? [event.incident] : []));
const serving = () =>
  until(async () => ((await redis(bench.ports.redis, "PING").catch(() => "")) === "+PONG" ? true : undefined));
const kill = () => ask(socket(), "POST", `/containers/${container}/kill`);

describe.skipIf(!dockerd)("a watched stack on a real engine", { timeout: 240_000 }, () => {
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
    expect(incident).toMatchObject({ service: "redis", what: "died", done: "restarted", attempt: 1, helped: true });
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
      await until(() => incidents()[round - 1]);
    }
    expect(incidents().map(({ done }) => done)).toEqual([...Array.from({ length: 5 }, () => "restarted"), "gave-up"]);
    expect(incidents().map(({ attempt }) => attempt)).toEqual([1, 2, 3, 4, 5, 6]);
    await sleep(1_500);
    expect((await inspect(socket(), container)).State.Running).toBe(false);
  });

  it("is healed by one window of many, and all are told; who follows knows what was tried", async () => {
    const second = new AbortController();
    const told: WatchEvent[] = [];
    const other = (async () => {
      for await (const event of bench.again().watch(second.signal)) told.push(event);
    })();
    await until(() => told[0]);
    const incidentsOf = (events: readonly WatchEvent[]) =>
      events.flatMap((each) => (each.kind === "incident" ? [each.incident] : []));
    await kill();
    expect(await until(() => incidentsOf(told)[0])).toMatchObject({ service: "redis", attempt: 1, helped: true });
    await until(() => incidents()[0]);
    expect(incidents()).toEqual(incidentsOf(told));
    expect(await bench.services.incidents()).toEqual(incidents());
    // The first window is closed: the other one goes on, and counts on.
    stop.abort();
    await watching;
    await until(() => (existsSync(join(bench.home, "services-watch.lock")) ? true : undefined));
    await kill();
    expect(await until(() => incidentsOf(told)[1])).toMatchObject({ attempt: 2, helped: true });
    expect(await bench.services.incidents()).toHaveLength(2);
    second.abort();
    await other;
  });

  it("is set up again by the next window when the one in charge died together with it", async () => {
    stop.abort();
    await watching;
    const file = join(bench.home, "services-watch.lock");
    writeFileSync(file, "1 a window that is gone");
    // It seems to live for as long as this takes.
    const inAnHour = new Date(Date.now() + 3_600_000);
    utimesSync(file, inAnHour, inAnHour);
    seen = [];
    stop = new AbortController();
    watching = (async () => {
      for await (const event of bench.services.watch(stop.signal)) seen.push(event);
    })();
    await until(() => seen[0]);
    await kill();
    // It is seen, and left to the one in charge.
    await until(() => seen[1]);
    expect((await inspect(socket(), container)).State.Running).toBe(false);
    const longAgo = new Date(Date.now() - 60_000);
    utimesSync(file, longAgo, longAgo);
    expect(await until(() => incidents()[0])).toMatchObject({ what: "died", done: "restarted", helped: true });
  });

  it("gets its card back: much slower than it was, and not on the card, it is started again and measured again, once", async () => {
    const model = { name: "m:7b", size: 4e9 };
    // What it says of the card stays as it was: all that tells of the mending is that it was done.
    const answers = {
      "/api/ps": { models: [{ ...model, size_vram: 0 }] },
      "/api/generate": { eval_count: 32, eval_duration: 32e9 / 40 },
    };
    const { Config: config, Image: image } = await inspect(socket(), "switchyard-ollama");
    await ask(socket(), "DELETE", "/containers/switchyard-ollama?force=1");
    const PortBindings = { "11434/tcp": [{ HostIp: "127.0.0.1", HostPort: String(bench.ports.ollama) }] };
    await ask(socket(), "POST", "/containers/create?name=switchyard-ollama", {
      Image: image,
      Env: [`ANSWERS=${JSON.stringify([answers])}`],
      Labels: config.Labels,
      ExposedPorts: { "11434/tcp": {} },
      HostConfig: { NetworkMode: "switchyard", PortBindings },
    });
    await ask(socket(), "POST", "/containers/switchyard-ollama/start");
    await until(() => fetch(`http://127.0.0.1:${bench.ports.ollama}`).catch(() => undefined));
    stop.abort();
    await watching;
    seen = [];
    stop = new AbortController();
    const runAt = (tokensPerSecond: number, ageMs: number): RunRecord => ({
      ...{ atMs: Date.now() - ageMs, model: model.name, backend: `Ollama at 127.0.0.1:${bench.ports.ollama}` },
      ...{ task: "chat", outcome: "done", promptTokens: 9, answerTokens: 40, loadMs: 0, prefillMs: 1, inFlight: 1 },
      decodeMs: (40 / tokensPerSecond) * 1000,
    });
    const runs = [...Array.from({ length: 6 }, () => runAt(50, 60_000)), runAt(6, 2_000), runAt(5, 1_000)];
    let looks = 0;
    const look = async () => {
      looks++;
      return runs;
    };
    const lost = () => incidents().filter(({ what }) => what === "lost-gpu");
    const watch = async () => {
      for await (const event of bench.again({ runs: look, gpuLookEveryMs: 500 }).watch(stop.signal)) seen.push(event);
    };
    const lookedTwiceMore = async () => {
      const before = looks;
      await until(() => (looks >= before + 2 ? true : undefined));
    };
    watching = watch();
    expect(await until(() => lost()[0])).toMatchObject({ service: "ollama", done: "restarted", helped: true });
    await lookedTwiceMore();
    expect(lost()).toHaveLength(1);
    // Nor by the window that watches next.
    stop.abort();
    await watching;
    stop = new AbortController();
    watching = watch();
    await lookedTwiceMore();
    expect(lost()).toHaveLength(1);
  });

  it("is watched again after the engine itself was killed and came back", async () => {
    await engine?.kill();
    await until(() => seen.find(({ kind }) => kind === "engine-lost"));
    await engine?.start();
    await until(() => seen.find(({ kind }) => kind === "engine-back"));
    await serving();
    seen = [];
    await kill();
    await until(() => incidents()[0]);
    await serving();
  });
});
