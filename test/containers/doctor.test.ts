// The doctor and the shell, on a real Docker engine: what is found, what shows it, and that a repair is proven.
import { execFile } from "node:child_process";
import { createHash } from "node:crypto";
import { mkdirSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { ask, type DockerEngine } from "../../scripts/docker.ts";
import { readPlaces } from "../../src/containers/places.ts";
import { formatMessage } from "../../src/core/message.ts";
import type { DoctorFinding, Services } from "../../src/core/services.ts";
import { defaultSettings } from "../../src/core/settings.ts";
import { type Bench, containers, createBench, dockerd, inspect, never, startTestEngine, until, up } from "./harness.ts";

let engine: DockerEngine | undefined;
let bench: Bench;

beforeAll(async () => {
  engine = await startTestEngine();
}, 240_000);
afterAll(() => engine?.dispose());

const socket = () => engine?.socket ?? "";
const textOf = ({ evidence }: DoctorFinding) => evidence.map((each) => formatMessage(each)).join("\n");
/** What this machine itself lacks is no matter of these tests. */
const examine = async (services: Services) =>
  (await services.doctor(never)).filter(({ id }) => !["disk-short", "memory-short", "gpu-unused"].includes(id));

describe.skipIf(!dockerd)("the doctor on a real engine", { timeout: 240_000 }, () => {
  beforeEach(async ({ skip }) => {
    if (!engine) skip();
    bench = await createBench(engine?.address ?? "");
  });
  afterEach(async () => {
    if (!engine) return;
    await bench.services.remove({ withVolumes: true }, never);
    rmSync(bench.home, { recursive: true, force: true });
  });

  it("finds nothing where nothing is wrong, and changes nothing by looking", async () => {
    expect(await examine(bench.services)).toEqual([]);
    expect(await containers(socket())).toEqual(new Map());
    await up(bench.services);
    expect(await examine(bench.services)).toEqual([]);
  });

  it("names who holds a port, starts elsewhere what was set up, and looks again", async () => {
    const before = createServer().listen(bench.ports.redis, "127.0.0.1");
    const [finding, ...more] = await examine(bench.services);
    expect(more).toEqual([]);
    // Nothing was set up: to mend it would be to fetch everything.
    expect(finding).toMatchObject({ id: "port-taken-redis", canRepair: false });
    expect(finding && textOf(finding)).toContain(`(process ${process.pid})`);
    before.close();
    await up(bench.services);
    await bench.services.stop("redis", {}, never);
    const other = createServer().listen(bench.ports.redis, "127.0.0.1");
    const taken = (await examine(bench.services)).find(({ id }) => id === "port-taken-redis");
    expect(taken).toMatchObject({ canRepair: true });
    expect(await bench.services.repair("port-taken-redis", {}, never)).toEqual({
      id: "port-taken-redis",
      isFixed: true,
    });
    expect(other.listening).toBe(true);
    other.close();
    // Every window finds it where it is now.
    const { Ports: ports } = (await inspect(socket(), "switchyard-redis")).NetworkSettings;
    expect(readPlaces(bench.home)["redis"]).toBe(`redis://127.0.0.1:${ports["6379/tcp"][0].HostPort}`);
  });

  it("finds a container of ours that other machines can reach, and makes it reachable from here alone", async () => {
    await up(bench.services);
    const { Config: config } = await inspect(socket(), "switchyard-redis");
    await ask(socket(), "DELETE", "/containers/switchyard-redis?force=1");
    const HostConfig = {
      PortBindings: { "6379/tcp": [{ HostIp: "0.0.0.0", HostPort: String(bench.ports.redis) }] },
      NetworkMode: "switchyard",
    };
    const body = {
      Image: config.Image,
      Labels: config.Labels,
      Cmd: config.Cmd,
      ExposedPorts: { "6379/tcp": {} },
      HostConfig,
    };
    await ask(socket(), "POST", "/containers/create?name=switchyard-redis", body);
    await ask(socket(), "POST", "/containers/switchyard-redis/start");
    const findings = await examine(bench.services);
    expect(findings.map(({ id, severity }) => [id, severity])).toEqual([["exposed-redis", "problem"]]);
    expect(findings.map(textOf)[0]).toContain(`0.0.0.0:${bench.ports.redis}`);
    expect((await bench.services.repair("exposed-redis", {}, never)).isFixed).toBe(true);
    const { Ports: ports } = (await inspect(socket(), "switchyard-redis")).NetworkSettings;
    expect(ports["6379/tcp"].map(({ HostIp }: { HostIp: string }) => HostIp)).toEqual(["127.0.0.1"]);
  });

  it("starts what does not run, says when a setting is not in force, and fetches nothing while Offline is on", async () => {
    await up(bench.services);
    await ask(socket(), "POST", "/containers/switchyard-redis/stop");
    expect((await examine(bench.services)).map(({ id }) => id)).toEqual(["not-running-redis"]);
    expect((await bench.services.repair("not-running-redis", {}, never)).isFixed).toBe(true);
    const changed = bench.again({}, { MAX_MODEL_MEMORY: "2G" });
    expect((await examine(changed)).map(({ id }) => id)).toEqual(["outdated-ollama"]);
    expect((await changed.repair("outdated-ollama", {}, never)).isFixed).toBe(true);
    writeFileSync(join(bench.home, "ollama-version"), "0.77.7\n");
    const offline = bench.again({ isOffline: () => true }, { MAX_MODEL_MEMORY: "2G" });
    expect((await examine(offline)).map(({ id }) => id)).toEqual(["outdated-ollama"]);
    await expect(offline.repair("outdated-ollama", {}, never)).rejects.toMatchObject({ kind: "local-only" });
  });

  it("names containers of others that other machines can reach, and leaves them alone", async () => {
    const HostConfig = { PortBindings: { "6379/tcp": [{ HostIp: "0.0.0.0", HostPort: String(bench.ports.redis) }] } };
    const body = { Image: "redis:7.4.8-alpine", Cmd: ["redis-server"], ExposedPorts: { "6379/tcp": {} }, HostConfig };
    await ask(socket(), "POST", "/networks/create", { Name: "others" });
    const onNetwork = { ...body, HostConfig: { ...HostConfig, NetworkMode: "others" } };
    await ask(socket(), "POST", "/containers/create?name=my-cache", onNetwork);
    await ask(socket(), "POST", "/containers/my-cache/start");
    const found = (await examine(bench.services)).find(({ id }) => id === "exposed-my-cache");
    expect(found).toMatchObject({ severity: "problem", canRepair: false });
    expect(found && textOf(found)).toContain(`my-cache is published on 0.0.0.0:${bench.ports.redis}`);
    await expect(bench.services.repair("exposed-my-cache", {}, never)).rejects.toMatchObject({ kind: "bad-input" });
    expect((await inspect(socket(), "my-cache")).State.Running).toBe(true);
    await ask(socket(), "DELETE", "/containers/my-cache?force=1");
    await ask(socket(), "DELETE", "/networks/others");
  });

  it("sees that a container lost its card and that the server is too old, restarts it, and looks again", async () => {
    const model = { name: "gpt-oss:20b", size: 13e9 };
    const answers = (onCard: number) => ({
      "/api/version": { version: "0.9.0" },
      "/api/tags": { models: [model] },
      "/api/ps": { models: [{ ...model, size_vram: onCard }] },
    });
    const Labels = { "dev.switchyard.stack": "switchyard", "dev.switchyard.service": "ollama" };
    await ask(socket(), "POST", "/networks/create", { Name: "switchyard", Labels });
    const body = {
      Image: "ollama/ollama:0.31.1",
      Env: [`ANSWERS=${JSON.stringify([answers(0), answers(13e9)])}`],
      Labels,
      ExposedPorts: { "11434/tcp": {} },
      HostConfig: {
        NetworkMode: "switchyard",
        // No card is at hand: what matters is that one was given.
        Devices: [{ PathOnHost: "/dev/null", PathInContainer: "/dev/dri", CgroupPermissions: "rwm" }],
        PortBindings: { "11434/tcp": [{ HostIp: "127.0.0.1", HostPort: String(bench.ports.ollama) }] },
      },
    };
    await ask(socket(), "POST", "/containers/create?name=switchyard-ollama", body);
    await ask(socket(), "POST", "/containers/switchyard-ollama/start");
    await until(() => fetch(`http://127.0.0.1:${bench.ports.ollama}`).catch(() => undefined));
    const findings = await examine(bench.services);
    expect(findings.map(({ id }) => id)).toEqual(expect.arrayContaining(["gpu-lost-ollama", "image-too-old"]));
    const of = (id: string) => findings.filter((each) => each.id === id).map(textOf)[0];
    expect(of("gpu-lost-ollama")).toContain("gpt-oss:20b: 13.0 GB in memory, nothing on the card");
    expect(of("image-too-old")).toBe("gpt-oss:20b wants Ollama 0.11.0, this is 0.9.0");
    const begun = Promise.withResolvers<void>();
    const whole = Promise.withResolvers<void>();
    const services = bench.again({
      balancer: {
        load: () => ({ waiting: 0, longestWaitMs: 0, inFlight: 0 }),
        drain: () => {
          begun.resolve();
          return whole.promise;
        },
        admit: () => undefined,
      },
    });
    const startedAt = async () => (await inspect(socket(), "switchyard-ollama")).State.StartedAt;
    const first = await startedAt();
    const told: string[] = [];
    const repaired = services.repair("gpu-lost-ollama", { tell: ({ kind }) => told.push(kind) }, never);
    await begun.promise;
    // Longer than it takes to see that nobody else is answered.
    await sleep(2_000);
    expect(await startedAt()).toBe(first);
    whole.resolve();
    expect(await repaired).toMatchObject({ isFixed: true });
    expect(told).toEqual(["finishing"]);
    expect(await startedAt()).not.toBe(first);
    expect(findings.find(({ id }) => id === "image-too-old")?.canRepair).toBe(true);
    const before = await inspect(socket(), "switchyard-ollama");
    expect(await bench.services.repair("image-too-old", {}, never)).toMatchObject({ isFixed: true });
    const after = await inspect(socket(), "switchyard-ollama");
    expect([after.Config.Image, after.Id === before.Id]).toEqual(["ollama/ollama:0.31.1", false]);
    expect((await fetch(`http://127.0.0.1:${bench.ports.ollama}`)).ok).toBe(true);
  });

  it("finds a wrong clock, an engine that is not the chosen one, and a proxy that does not answer", async () => {
    const minutes = 5 * 60_000;
    const late = await examine(bench.again({ nowMs: () => Date.now() - minutes }));
    expect(late.find(({ id }) => id === "clock-off")).toMatchObject({ severity: "problem" });
    expect(late.filter(({ id }) => id === "clock-off").map(textOf)[0]).toMatch(/by (29|30)\d s/);
    const context = createHash("sha256").update("mine").digest("hex");
    const meta = join(bench.home, ".docker/contexts/meta", context);
    mkdirSync(meta, { recursive: true });
    writeFileSync(join(meta, "meta.json"), JSON.stringify({ Endpoints: { docker: { Host: engine?.address } } }));
    const env = { SWITCHYARD_DOCKER_HOST: "", DOCKER_HOST: "unix:///nowhere/docker.sock", DOCKER_CONTEXT: "mine" };
    const other = (await examine(bench.again({}, env))).find(({ id }) => id === "other-context");
    expect(other && textOf(other)).toContain("DOCKER_HOST, unix:///nowhere/docker.sock: no such socket");
    const settings = () => ({
      ...defaultSettings,
      downloadProxy: `http://name:secret@127.0.0.1:${bench.ports.grafana}`,
    });
    const [proxy] = await examine(bench.again({ settings }));
    expect(proxy).toMatchObject({ id: "proxy-unreachable", severity: "problem" });
    expect(proxy && textOf(proxy)).not.toContain("secret");
    expect(await examine(bench.again({ settings, isOffline: () => true }))).toEqual([]);
    const unused = await examine(bench.again({}, { HTTPS_PROXY: "http://proxy.example.com:3128" }));
    expect(unused.map(({ id }) => id)).toEqual(["engine-without-proxy"]);
  });

  it("goes back to the version of before where another one does not come up, and keeps its models", {
    timeout: 240_000,
  }, async () => {
    // Two of them: both are what one is.
    const services = bench.again({ settings: () => ({ ...defaultSettings, minModelContainers: 2 }) });
    await up(services);
    await ask(socket(), "POST", "/images/ollama/ollama:0.31.1/tag?repo=ollama/ollama&tag=0.99.0");
    // A program that ends at once, again and again.
    const changes = encodeURIComponent('ENTRYPOINT ["/usr/local/bin/redis-server","--nonsense"]');
    await ask(
      socket(),
      "POST",
      `/commit?container=switchyard-redis&repo=ollama/ollama&tag=9.9.9&pause=0&changes=${changes}`,
      {},
    );
    const update = async (version: string) => {
      for await (const _ of services.update(version, {}, never));
    };
    const running = async () => {
      const names = ["switchyard-ollama", "switchyard-ollama-2"];
      const images = await Promise.all(names.map(async (name) => (await inspect(socket(), name)).Config.Image));
      return [...new Set(images)].join();
    };
    const volumeSince = async () =>
      JSON.parse((await ask(socket(), "GET", "/volumes/switchyard-models")).body).CreatedAt;
    const since = await volumeSince();
    await update("0.99.0");
    expect(await running()).toBe("ollama/ollama:0.99.0");
    expect(await examine(services)).toEqual([]);
    await expect(update("9.9.9")).rejects.toMatchObject({ kind: "server-error" });
    expect(await running()).toBe("ollama/ollama:0.99.0");
    expect((await fetch(`http://127.0.0.1:${bench.ports.ollama}`)).ok).toBe(true);
    await update("");
    expect(await running()).toBe("ollama/ollama:0.31.1");
    expect(await volumeSince()).toBe(since);
    await expect(update("../x")).rejects.toMatchObject({ kind: "bad-input" });
    for (const version of ["0.99.0", "9.9.9"]) await ask(socket(), "DELETE", `/images/ollama/ollama:${version}`);
  });

  it("is to be had from the shell, as are up, services and down", { timeout: 240_000 }, async () => {
    const shell = (...args: readonly string[]) =>
      run(args, { SWITCHYARD_HOME: bench.home, SWITCHYARD_DOCKER_HOST: engine?.address ?? "" });
    const started = await shell("up", "--json");
    expect(started.code).toBe(0);
    const kinds = started.lines.map(({ kind, service }) => `${kind} ${service ?? ""}`.trim());
    expect(kinds).toEqual(expect.arrayContaining(["engine", "created redis", "ready redis"]));
    const status = (await shell("services", "--json")).lines[0];
    expect(status).toMatchObject({ kind: "engine", source: "SWITCHYARD_DOCKER_HOST" });
    const doctor = (await shell("doctor", "--json")).lines[0];
    expect(doctor).toHaveProperty("findings");
    const report = (await shell("doctor", "--report")).text;
    expect(report).toContain("### Switchyard doctor");
    expect(report).not.toContain(bench.home);
    expect((await shell("down", "--remove", "--volumes")).code).toBe(2);
    expect((await containers(socket())).has("switchyard-redis")).toBe(true);
    expect((await shell("down", "--remove", "--json")).lines).toEqual([{ done: true }]);
    expect(await containers(socket())).toEqual(new Map());
  });
});

interface Said {
  readonly code: number;
  readonly text: string;
  readonly lines: readonly Readonly<Record<string, unknown>>[];
}

function run(args: readonly string[], env: Readonly<Record<string, string>>): Promise<Said> {
  return new Promise((resolve) => {
    const options = { env: { ...process.env, ...env } };
    execFile(process.execPath, ["src/cli/main.ts", ...args], options, (error, stdout) => {
      const lines = stdout.split("\n").filter((line) => line.startsWith("{"));
      const code = typeof error?.code === "number" ? error.code : 0;
      resolve({ code, text: stdout, lines: lines.map((line) => JSON.parse(line)) });
    });
  });
}
