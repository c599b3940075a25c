// The doctor and the shell, on a real Docker engine: what is found, what shows it, and that a repair is proven.
import { execFile } from "node:child_process";
import { rmSync } from "node:fs";
import { createServer } from "node:net";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { ask, type DockerEngine } from "../../scripts/docker.ts";
import { formatMessage } from "../../src/core/message.ts";
import type { DoctorFinding, Services } from "../../src/core/services.ts";
import { type Bench, containers, createBench, dockerd, inspect, never, startTestEngine, up } from "./harness.ts";

let engine: DockerEngine | undefined;
let bench: Bench;

beforeAll(async () => {
  engine = await startTestEngine();
}, 120_000);
afterAll(() => engine?.dispose());

const socket = () => engine?.socket ?? "";
const textOf = ({ evidence }: DoctorFinding) => evidence.map((each) => formatMessage(each)).join("\n");
/** What this machine itself lacks is no matter of these tests. */
const examine = async (services: Services) =>
  (await services.doctor(never)).filter(({ id }) => !["disk-short", "memory-short", "gpu-unused"].includes(id));

describe.skipIf(!dockerd)("the doctor on a real engine", { timeout: 60_000 }, () => {
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

  it("names who holds a port, starts elsewhere, and looks again", async () => {
    const other = createServer().listen(bench.ports.redis, "127.0.0.1");
    const [finding, ...more] = await examine(bench.services);
    expect(more).toEqual([]);
    expect(finding).toMatchObject({ id: "port-taken-redis", canRepair: true });
    expect(finding && textOf(finding)).toContain(`(process ${process.pid})`);
    expect(await bench.services.repair("port-taken-redis", never)).toEqual({ id: "port-taken-redis", isFixed: true });
    expect(other.listening).toBe(true);
    other.close();
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
    expect((await bench.services.repair("exposed-redis", never)).isFixed).toBe(true);
    const { Ports: ports } = (await inspect(socket(), "switchyard-redis")).NetworkSettings;
    expect(ports["6379/tcp"].map(({ HostIp }: { HostIp: string }) => HostIp)).toEqual(["127.0.0.1"]);
  });

  it("starts what does not run, and says when a setting is not in force", async () => {
    await up(bench.services);
    await ask(socket(), "POST", "/containers/switchyard-redis/stop");
    expect((await examine(bench.services)).map(({ id }) => id)).toEqual(["not-running-redis"]);
    expect((await bench.services.repair("not-running-redis", never)).isFixed).toBe(true);
    const changed = bench.again({}, { MAX_MODEL_MEMORY: "2G" });
    expect((await examine(changed)).map(({ id }) => id)).toEqual(["outdated-ollama"]);
    expect((await changed.repair("outdated-ollama", never)).isFixed).toBe(true);
  });

  it("is to be had from the shell, as are up, services and down", { timeout: 90_000 }, async () => {
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
    expect((await shell("down", "--remove", "--volumes")).code).toBe(2);
    expect((await containers(socket())).has("switchyard-redis")).toBe(true);
    expect((await shell("down", "--remove", "--json")).lines).toEqual([{ done: true }]);
    expect(await containers(socket())).toEqual(new Map());
  });
});

describe("the doctor without an engine", () => {
  it.skipIf(process.platform === "win32")("tells what was tried, and tells a stopped engine from none", async () => {
    const none = await createBench("unix:///nowhere/docker.sock");
    const [missing] = await none.services.doctor(never);
    expect(missing).toMatchObject({ id: "engine-missing", severity: "problem", canRepair: false });
    expect(missing && textOf(missing)).toContain("unix:///nowhere/docker.sock: no such socket");
    await expect(up(none.services)).rejects.toMatchObject({ kind: "server-unreachable" });
    // A socket whose program was killed stays behind.
    const left = join(none.home, "docker.sock");
    const program = `require("node:net").createServer().listen(${JSON.stringify(left)}, () => process.kill(process.pid, "SIGKILL"))`;
    await new Promise((resolve) => execFile(process.execPath, ["-e", program], resolve));
    const [stopped] = await none.again({}, { SWITCHYARD_DOCKER_HOST: `unix://${left}` }).doctor(never);
    expect(stopped?.id).toBe("engine-stopped");
    rmSync(none.home, { recursive: true, force: true });
  });
});

interface Said {
  readonly code: number;
  readonly lines: readonly Readonly<Record<string, unknown>>[];
}

function run(args: readonly string[], env: Readonly<Record<string, string>>): Promise<Said> {
  return new Promise((resolve) => {
    const options = { env: { ...process.env, ...env } };
    execFile(process.execPath, ["src/cli/main.ts", ...args], options, (error, stdout) => {
      const lines = stdout.split("\n").filter((line) => line.startsWith("{"));
      resolve({ code: typeof error?.code === "number" ? error.code : 0, lines: lines.map((line) => JSON.parse(line)) });
    });
  });
}
