// The larger profiles on a real Docker engine: a real Prometheus that really asks the proxy in its container. Grafana is a
// stand-in, which wants what the real one is given.
import { execFileSync } from "node:child_process";
import { existsSync, rmSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { ask, type DockerEngine } from "../../scripts/docker.ts";
import { mustRun, root } from "../../scripts/run.ts";
import { composeFile } from "../../src/containers/compose.ts";
import { readSecret } from "../../src/containers/secrets.ts";
import { defaultChoice, describeStack } from "../../src/containers/stack.ts";
import { formatMessage } from "../../src/core/message.ts";
import type { UpEvent } from "../../src/core/services.ts";
import { defaultSettings } from "../../src/core/settings.ts";
import {
  type Bench,
  containers,
  createBench,
  dockerd,
  inspect,
  never,
  short,
  startTestEngine,
  until,
  up,
} from "./harness.ts";

let engine: DockerEngine | undefined;
let bench: Bench;
let events: readonly UpEvent[];

beforeAll(async () => {
  engine = await startTestEngine(undefined, "team");
  if (!engine) return;
  if (!existsSync(join(root, "dist/cli.js"))) await mustRun("node", ["esbuild.mjs"]);
  bench = await createBench(engine.address);
  events = await up(bench.services, "team");
}, 240_000);
afterAll(async () => {
  if (engine) await bench.services.remove({ withVolumes: true }, never);
  await engine?.dispose();
  if (engine) rmSync(bench.home, { recursive: true, force: true });
});

const socket = () => engine?.socket ?? "";
const at = (service: keyof Bench["ports"]) => `http://127.0.0.1:${bench.ports[service]}`;

describe.skipIf(!dockerd)("the profile team on a real engine", { timeout: 240_000 }, () => {
  it("starts everything with one call, the proxy from an image made of the product’s own files", ({ skip }) => {
    if (!engine) skip();
    expect(events.filter(({ kind }) => kind === "build")).toHaveLength(1);
    expect(short(events).filter((text) => text.startsWith("ready"))).toEqual(
      ["ollama", "redis", "prometheus", "grafana", "local-llm-proxy"].map((name) => `ready ${name}`),
    );
  });

  it("has a proxy that is healthy and gives answers only to who has the person’s token", async ({ skip }) => {
    if (!engine) skip();
    expect(await (await fetch(`${at("local-llm-proxy")}/health`)).text()).toContain("ok");
    expect((await fetch(`${at("local-llm-proxy")}/api/tags`)).status).toBe(401);
    const token = await readSecret(bench.home, "proxy-token");
    const headers = { authorization: `Bearer ${token}` };
    const health = await (await fetch(`${at("local-llm-proxy")}/health`, { headers })).json();
    // The model server is reached by its name inside the network of the stack.
    expect(JSON.stringify(health)).toContain("Ollama at ollama:11434");
  });

  it("has a proxy that finds model servers that are started later, and forgets those that are gone", async ({
    skip,
  }) => {
    if (!engine) skip();
    const headers = { authorization: `Bearer ${await readSecret(bench.home, "proxy-token")}` };
    // The stand-in has no models: each is among those that were asked.
    const asked = async (): Promise<readonly string[]> => {
      const { parts } = await (await fetch(`${at("local-llm-proxy")}/health`, { headers })).json();
      const names = parts.asked.map(({ address }: { address: string }) => address);
      return names.filter((name: string) => name.startsWith("Ollama at "));
    };
    const two = bench.again({ settings: () => ({ ...defaultSettings, minModelContainers: 2, maxModelContainers: 2 }) });
    await up(two, "team");
    expect((await containers(socket())).has("switchyard-ollama-2")).toBe(true);
    const both = await until(async () => {
      const names = new Set(await asked());
      return names.size === 2 ? [...names] : undefined;
    });
    for (const name of both) expect(name).toMatch(/^Ollama at [\d.]+:11434 \(ollama:11434\)$/);
    await two.stop("ollama-2", {}, never);
    await until(async () => ((await asked()).join() === "Ollama at ollama:11434" ? true : undefined));
    // As many as there are is what an `up` keeps.
    await ask(socket(), "DELETE", "/containers/switchyard-ollama-2?force=1");
  });

  it("has a Prometheus that is let in by the same token and finds the proxy up", async ({ skip }) => {
    if (!engine) skip();
    const ups = await until(async () => {
      const answer = await (await fetch(`${at("prometheus")}/api/v1/query?query=up`)).json();
      return answer.data.result.length > 0 ? answer.data.result : undefined;
    });
    expect(ups).toMatchObject([
      { metric: { instance: "local-llm-proxy:8000", job: "switchyard" }, value: [expect.anything(), "1"] },
    ]);
    const { data } = await (await fetch(`${at("prometheus")}/api/v1/rules`)).json();
    expect(data.groups.length).toBeGreaterThan(0);
  });

  it("gives Grafana the dashboards, the data source and a password that nobody else knows", async ({ skip }) => {
    if (!engine) skip();
    const password = await bench.services.grafanaPassword();
    expect(password?.length).toBeGreaterThan(20);
    expect(statSync(join(bench.home, "grafana-password")).mode & 0o777).toBe(0o600);
    const as = (secret: string) => ({
      headers: { authorization: `Basic ${Buffer.from(`admin:${secret}`).toString("base64")}` },
    });
    expect((await fetch(`${at("grafana")}/`, as("admin"))).status).toBe(401);
    const given = await (await fetch(`${at("grafana")}/`, as(password ?? ""))).json();
    expect(given.dashboards).toEqual(["switchyard", expect.stringContaining("switchyard")]);
    expect(given.prometheus).toBe("http://prometheus:9090");
    expect(given.sources).toContain("switchyard-prometheus");
  });

  it("shows no secret to who looks at the containers, and gives none of them more rights than it needs", async ({
    skip,
  }) => {
    if (!engine) skip();
    const secrets = [await readSecret(bench.home, "proxy-token"), await bench.services.grafanaPassword()];
    for (const name of (await containers(socket())).keys()) {
      const found = await inspect(socket(), name);
      for (const secret of secrets) expect(JSON.stringify(found)).not.toContain(secret);
      expect(found.HostConfig).toMatchObject({ ReadonlyRootfs: true, CapDrop: ["ALL"], Privileged: false });
      for (const binding of Object.values<{ HostIp: string }[] | null>(found.NetworkSettings.Ports).flatMap(
        (each) => each ?? [],
      ))
        expect(binding.HostIp).toBe("127.0.0.1");
    }
  });

  it("does nothing twice, and is gone back from with a smaller profile, which keeps what was recorded", async ({
    skip,
  }) => {
    if (!engine) skip();
    expect(short(await up(bench.services)).filter((text) => !text.startsWith("ready"))).toEqual([]);
    const smaller = await up(bench.services, "core");
    expect(
      short(smaller)
        .filter((text) => text.startsWith("removed"))
        .sort(),
    ).toEqual(["grafana", "local-llm-proxy", "prometheus"].map((name) => `removed ${name}`));
    expect(new Set((await containers(socket())).keys())).toEqual(new Set(["switchyard-ollama", "switchyard-redis"]));
    expect((await ask(socket(), "GET", "/volumes/switchyard-prometheus")).status).toBe(200);
    const monitoring = await up(bench.services, "monitoring");
    const notices = monitoring.flatMap((event) => (event.kind === "notice" ? [formatMessage(event.text)] : []));
    // Its token and its image are the ones of before; here the proxy has to be in a container.
    expect(notices).toEqual([expect.stringContaining("The proxy is started as well")]);
    expect(short(monitoring)).toContain("ready local-llm-proxy");
    expect(monitoring.filter(({ kind }) => kind === "build")).toEqual([]);
  });
});

/** The services of before are gone by then. */
const compose = (file: string, ...args: readonly string[]) =>
  execFileSync("docker-compose", ["-f", file, ...args], {
    cwd: join(root, "deploy/compose"),
    encoding: "utf8",
    stdio: ["ignore", "pipe", "pipe"],
    env: { ...process.env, DOCKER_HOST: engine?.address },
  });

describe("the Compose files", () => {
  const hasCompose = existsSync("/usr/bin/docker-compose");

  it.skipIf(!hasCompose).each(["compose.yaml", "compose.nvidia.yaml", "compose.amd.yaml", "compose.vulkan.yaml"])(
    "%s is accepted, alone and with the production variant over it",
    (file) => {
      expect(compose(file, "config")).toContain("switchyard-ollama");
      expect(compose(file, "-f", "compose.production.yaml", "config")).toContain("restart: always");
    },
  );

  it.skipIf(!hasCompose)(
    "start the containers that the editor then takes for its own",
    { timeout: 240_000 },
    async ({ skip }) => {
      if (!engine) skip();
      await bench.services.remove({ withVolumes: true }, never);
      const file = join(bench.home, "compose.yaml");
      const choice = { ...defaultChoice, ports: bench.ports, modelMemoryMiB: 1024 };
      writeFileSync(file, composeFile(describeStack(choice)));
      compose(file, "up", "-d");
      await until(() => fetch(at("ollama")).catch(() => undefined));
      expect(short(await up(bench.services, "core"))).toEqual(["ready ollama", "ready redis"]);
      compose(file, "down", "--volumes");
      expect(await containers(socket())).toEqual(new Map());
    },
  );
});
