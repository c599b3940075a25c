// The stack on a real Docker engine, with a real Redis and a real model behind Ollama's words.
import { rmSync } from "node:fs";
import { createServer } from "node:net";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { ask, type DockerEngine } from "../../scripts/docker.ts";
import { importOllama } from "../../scripts/docker-images.ts";
import { smallModel } from "../../scripts/folders.ts";
import { takeLock } from "../../src/containers/lock.ts";
import { readPlaces } from "../../src/containers/places.ts";
import { formatMessage } from "../../src/core/message.ts";
import { runCommand, startCommand } from "../harness/command-line.ts";
import {
  type Bench,
  containers,
  createBench,
  dockerd,
  inspect,
  never,
  redis,
  short,
  startTestEngine,
  until,
  up,
} from "./harness.ts";

let engine: DockerEngine | undefined;
let bench: Bench;

beforeAll(async () => {
  engine = await startTestEngine(importOllama);
}, 240_000);
afterAll(() => engine?.dispose());

const socket = () => engine?.socket ?? "";

describe.skipIf(!dockerd)("the services on a real engine", { timeout: 240_000 }, () => {
  beforeEach(async ({ skip }) => {
    if (!engine) skip();
    bench = await createBench(engine?.address ?? "");
  });
  afterEach(async () => {
    if (!engine) return;
    await bench.services.remove({ withVolumes: true }, never);
    rmSync(bench.home, { recursive: true, force: true });
  });

  it("come up with one call and answer where they say, with a real model", async () => {
    const events = await up(bench.services);
    expect(short(events)).toEqual(["created ollama", "created redis", "ready ollama", "ready redis"]);
    const address = events.flatMap((event) => (event.kind === "ready" ? [event.address] : []));
    expect(address).toEqual([`http://127.0.0.1:${bench.ports.ollama}`, `redis://127.0.0.1:${bench.ports.redis}`]);
    expect(await redis(bench.ports.redis, "PING")).toBe("+PONG");
    const body = JSON.stringify({ model: smallModel, prompt: "Hi", stream: false, options: { num_predict: 4 } });
    const response = await fetch(`${address[0]}/api/generate`, { method: "POST", body });
    expect(await response.json()).toMatchObject({ done: true, eval_count: 4 });
  });

  it("say with numbers when models may want more memory than is free at the moment, and start all the same", async () => {
    const noticesWith = async (freeMemory: number | undefined) =>
      (await up(bench.again({ freeMemory: () => freeMemory }))).flatMap((event) =>
        event.kind === "notice" ? [formatMessage(event.text)] : [],
      );
    const [notice, ...more] = await noticesWith(600e6);
    expect(more).toEqual([]);
    expect(notice).toContain("Models may take 1.1 GB (ollama 1.1 GB), and 600 MB of memory are free at the moment");
    // It runs: what it has is not free.
    expect(await noticesWith(600e6)).toEqual([]);
    await bench.services.remove({ withVolumes: false }, never);
    expect(await noticesWith(8e9)).toEqual([]);
  });

  it("do nothing twice", async () => {
    await up(bench.services);
    const before = await containers(socket());
    const startedAt = (await inspect(socket(), "switchyard-redis")).State.StartedAt;
    expect(short(await up(bench.services))).toEqual(["ready ollama", "ready redis"]);
    expect([...(await containers(socket())).values()].map(({ Id }) => Id)).toEqual(
      [...before.values()].map(({ Id }) => Id),
    );
    expect((await inspect(socket(), "switchyard-redis")).State.StartedAt).toBe(startedAt);
  });

  it("run with no more rights than they need, for this machine only", async () => {
    await up(bench.services);
    for (const name of ["switchyard-ollama", "switchyard-redis"]) {
      const { HostConfig: host, NetworkSettings: network } = await inspect(socket(), name);
      expect(host).toMatchObject({ ReadonlyRootfs: true, CapDrop: ["ALL"], Privileged: false });
      expect(host.SecurityOpt).toEqual(["no-new-privileges:true"]);
      expect(host.Memory).toBe((name.endsWith("redis") ? 256 : 1024) * 2 ** 20);
      const published = Object.values<{ HostIp: string }[] | null>(network.Ports).flatMap((each) => each ?? []);
      expect(published.map(({ HostIp }) => HostIp)).toEqual(["127.0.0.1"]);
    }
  });

  it("are made anew after a changed setting, each alone, and keep what they hold", async () => {
    await up(bench.services);
    await redis(bench.ports.redis, "SET", "kept", "yes");
    const before = await containers(socket());
    expect(short(await up(bench.again({}, { MAX_MODEL_MEMORY: "2G" })))).toEqual([
      "recreated ollama",
      "ready ollama",
      "ready redis",
    ]);
    const after = await containers(socket());
    expect(after.get("switchyard-redis")?.Id).toBe(before.get("switchyard-redis")?.Id);
    expect(after.get("switchyard-ollama")?.Id).not.toBe(before.get("switchyard-ollama")?.Id);
    const ports = { ...bench.ports, redis: bench.ports.redis + 1 };
    const moved = await up(bench.again({ ports }, { MAX_MODEL_MEMORY: "2G" }));
    expect(short(moved)).toContain("recreated redis");
    const place = moved.flatMap((event) => (event.kind === "ready" ? [event.address] : []))[1] ?? "";
    expect(await redis(Number(new URL(place).port), "GET", "kept")).toBe("yes");
  });

  it("take the next port where one is taken, and say by whom", async () => {
    const other = createServer().listen(bench.ports.redis, "127.0.0.1");
    const events = await up(bench.services);
    const notices = events.flatMap((event) => (event.kind === "notice" ? [formatMessage(event.text)] : []));
    expect(notices).toHaveLength(1);
    expect(notices[0]).toContain(`Port ${bench.ports.redis} is taken by`);
    expect(notices[0]).toContain(`(process ${process.pid})`);
    const ready = events.find((event) => event.kind === "ready" && event.service === "redis");
    const port = Number(new URL(ready?.kind === "ready" ? ready.address : "").port);
    expect(port).toBeGreaterThan(bench.ports.redis);
    expect(await redis(port, "PING")).toBe("+PONG");
    expect(other.listening).toBe(true);
    expect(readPlaces(bench.home)["redis"]).toBe(`redis://127.0.0.1:${port}`);
    // It stays there, also when it is stopped and started.
    await bench.services.down({}, never);
    expect(short(await up(bench.services))).toContain("started redis");
    other.close();
  });

  it("leave containers alone that are not theirs, whatever their names", async () => {
    const image = "redis:7.4.8-alpine";
    await ask(socket(), "POST", "/containers/create?name=switchyard-redis", { Image: image });
    await ask(socket(), "POST", "/containers/create?name=other", { Image: image, Labels: { app: "x" } });
    const before = await containers(socket());
    await expect(up(bench.services)).rejects.toMatchObject({ kind: "bad-input" });
    // The first process of a container hears nothing before it listens: stopping it sooner takes 10 s.
    await until(() => fetch(`http://127.0.0.1:${bench.ports.ollama}`).catch(() => undefined));
    await bench.services.remove({ withVolumes: true }, never);
    const after = await containers(socket());
    expect(after.get("switchyard-redis")?.Id).toBe(before.get("switchyard-redis")?.Id);
    expect(after.has("other")).toBe(true);
    for (const name of ["switchyard-redis", "other"]) await ask(socket(), "DELETE", `/containers/${name}`);
  });

  it("are one stack when 20 windows start them at once", async () => {
    const windows = Array.from({ length: 20 }, () => bench.again());
    const all = (await Promise.all(windows.map((window) => up(window)))).map(short);
    expect(all.flat().filter((text) => text === "created ollama")).toHaveLength(1);
    expect(all.flat().filter((text) => text === "created redis")).toHaveLength(1);
    expect(all.filter((texts) => texts.includes("ready redis"))).toHaveLength(20);
    expect(new Set((await containers(socket())).keys())).toEqual(new Set(["switchyard-ollama", "switchyard-redis"]));
  });

  it("are waited for while another window is at work on them, and the shell says for whom", async () => {
    await up(bench.services);
    const lock = await takeLock(join(bench.home, "services.lock"), never, { work: "update", door: "editor" });
    const env = { SWITCHYARD_HOME: bench.home, SWITCHYARD_DOCKER_HOST: engine?.address ?? "", LC_ALL: "C" };
    const command = startCommand(["down"], { env });
    const said = new RegExp(
      `Waiting for a window of the editor \\(process ${process.pid}\\): it updates Ollama, for \\d+ s so far`,
    );
    await until(() => (said.test(command.err()) ? true : undefined));
    expect((await inspect(socket(), "switchyard-redis")).State.Running).toBe(true);
    await lock.release();
    expect(await command.ended).toBe(0);
    expect((await inspect(socket(), "switchyard-redis")).State.Running).toBe(false);
  });

  it("run as before where they were about to be made anew and that is cancelled, also while one is being stopped", async () => {
    await up(bench.services);
    const { Id: id, State } = await inspect(socket(), "switchyard-ollama");
    // It takes no notice of being told to stop, so that takes its time.
    process.kill(State.Pid, "SIGSTOP");
    const stop = new AbortController();
    const changed = bench.again({}, { MAX_MODEL_MEMORY: "2G" });
    const begun = Math.floor(Date.now() / 1000);
    const made = (async () => {
      for await (const _ of changed.up({}, stop.signal));
    })();
    const filters = encodeURIComponent(JSON.stringify({ container: [id], event: ["kill"] }));
    const killed = () =>
      ask(socket(), "GET", `/events?since=${begun}&until=${Math.ceil(Date.now() / 1000)}&filters=${filters}`);
    await until(async () => ((await killed()).body.trim() === "" ? undefined : true));
    stop.abort();
    await expect(made).rejects.toThrow(/abort/i);
    const after = await inspect(socket(), "switchyard-ollama");
    expect(after.State.Running).toBe(true);
    expect(after.HostConfig.Memory).toBe(2 ** 30);
    await until(() => fetch(`http://127.0.0.1:${bench.ports.ollama}`).catch(() => undefined));
  });

  it("say that they are not set up where one is started of which there is not even an image", async () => {
    await up(bench.services);
    const image = (await inspect(socket(), "switchyard-redis")).Config.Image;
    await ask(socket(), "DELETE", "/containers/switchyard-redis?force=1");
    await ask(socket(), "POST", `/images/${image}/tag?repo=kept&tag=redis`);
    await ask(socket(), "DELETE", `/images/${image}`);
    try {
      await expect(bench.services.start("redis", {}, never)).rejects.toThrow(/^redis is not set up yet/);
    } finally {
      const [repo, tag] = image.split(":");
      await ask(socket(), "POST", `/images/kept:redis/tag?repo=${repo}&tag=${tag}`);
    }
  });

  it("finish the next time what was cancelled half way", async () => {
    for (const stopAt of ["engine", "created", "waiting"]) {
      const stop = new AbortController();
      const half = async () => {
        for await (const event of bench.services.up({}, stop.signal)) if (event.kind === stopAt) stop.abort();
      };
      const ended = await half().then(() => "whole", String);
      // Ollama itself is ready before it has to be waited for.
      expect(ended, stopAt).toMatch(stopAt === "waiting" && !stop.signal.aborted ? /^whole$/ : /abort/i);
      expect(short(await up(bench.services)), stopAt).toContain("ready redis");
      await bench.services.remove({ withVolumes: false }, never);
    }
  });

  it("stop and stay; are removed and keep their volumes unless told twice", async () => {
    await up(bench.services);
    await redis(bench.ports.redis, "SET", "kept", "yes");
    await bench.services.down({}, never);
    const stopped = await bench.services.status(never);
    expect(stopped.kind === "engine" && stopped.services.map(({ state }) => state)).toEqual(["stopped", "stopped"]);
    expect(short(await up(bench.services))).toEqual(["started ollama", "started redis", "ready ollama", "ready redis"]);
    await bench.services.remove({ withVolumes: false }, never);
    expect(await containers(socket())).toEqual(new Map());
    await up(bench.services);
    expect(await redis(bench.ports.redis, "GET", "kept")).toBe("yes");
    await bench.services.remove({ withVolumes: true }, never);
    expect(JSON.parse((await ask(socket(), "GET", "/volumes")).body).Volumes ?? []).toEqual([]);
    expect((await ask(socket(), "GET", "/networks/switchyard")).status).toBe(404);
  });

  it("show what they print, and what they print next", async () => {
    await up(bench.services);
    const stop = new AbortController();
    const lines: string[] = [];
    const read = (async () => {
      for await (const line of bench.services.logs("redis", 50, stop.signal)) {
        lines.push(line);
        if (line.includes("DB saved on disk")) return;
        if (line.includes("Ready to accept connections")) await redis(bench.ports.redis, "SAVE");
      }
    })();
    await read;
    expect(lines.some((line) => line.includes("Ready to accept connections"))).toBe(true);
    const env = { SWITCHYARD_HOME: bench.home, SWITCHYARD_DOCKER_HOST: engine?.address ?? "", LC_ALL: "C" };
    const shell = startCommand(["services", "--logs", "redis"], { env });
    await expect.poll(shell.out).toContain("DB saved on disk");
    shell.child.kill("SIGINT");
    expect(await shell.ended).toBe(130);
    expect(shell.err()).toBe("");
    const unknown = await runCommand(["services", "--logs", "nobody"], { env });
    expect(unknown).toMatchObject({ code: 2, err: expect.stringContaining("nobody") });
  });

  it("tell how much memory each takes of its limit, from the second look how much processor, and are restarted one by one", async () => {
    await up(bench.services);
    const first = await bench.services.usage(never);
    const redisUse = first.find(({ name }) => name === "redis");
    expect(redisUse).toMatchObject({ memoryLimitBytes: 256 * 2 ** 20 });
    expect(redisUse?.memoryBytes).toBeGreaterThan(500_000);
    expect(redisUse?.memoryBytes).toBeLessThan(100_000_000);
    expect(redisUse?.cpus).toBeUndefined();
    const second = await bench.services.usage(never);
    expect(second.find(({ name }) => name === "redis")?.cpus).toBeGreaterThanOrEqual(0);
    const before = (await inspect(socket(), "switchyard-redis")).State.StartedAt;
    await bench.services.restart("redis", {}, never);
    expect((await inspect(socket(), "switchyard-redis")).State.StartedAt).not.toBe(before);
    await bench.services.stop("redis", {}, never);
    expect((await bench.services.usage(never)).map(({ name }) => name)).toEqual(["ollama"]);
  });

  it("fetch nothing while Offline is on", async () => {
    await ask(socket(), "POST", "/images/redis:7.4.8-alpine/tag?repo=kept&tag=redis");
    await ask(socket(), "DELETE", "/images/redis:7.4.8-alpine");
    try {
      await expect(up(bench.again({ isOffline: () => true }))).rejects.toMatchObject({ kind: "local-only" });
    } finally {
      await ask(socket(), "POST", "/images/kept:redis/tag?repo=redis&tag=7.4.8-alpine");
    }
    expect(short(await up(bench.again({ isOffline: () => true })))).toContain("ready redis");
  });
});
