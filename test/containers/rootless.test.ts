// A rootless engine without a control group of its own, by what one (20.10, cgroup v1) said: its figures are those of all
// processes together.
import { once } from "node:events";
import { createServer, type Server } from "node:http";
import { afterEach, expect, it } from "vitest";
import { checkEngine } from "../../src/containers/doctor-engine.ts";
import { openEngine } from "../../src/containers/engine.ts";
import { findEngine } from "../../src/containers/find-engine.ts";
import { labels } from "../../src/containers/stack.ts";
import { createUsage } from "../../src/containers/usage.ts";

const { signal: never } = new AbortController();
let server: Server | undefined;
afterEach(() => void server?.close());

const container = {
  Id: "c1",
  Config: { Labels: { [labels.stack]: "switchyard", [labels.service]: "ollama" } },
  HostConfig: { Memory: 2 ** 30 },
  State: { Running: true },
};

async function startEngine(driver: string): Promise<string> {
  const stats = () => ({
    cpu_stats: { cpu_usage: { total_usage: 5e9 } },
    memory_stats: { usage: 1_054_224_384, stats: {} },
  });
  server = createServer((request, response) => {
    const path = (request.url ?? "").replace(/^\/v[\d.]+/, "").split("?")[0] ?? "";
    const answers: Readonly<Record<string, () => unknown>> = {
      "/_ping": () => "OK",
      "/info": () => ({ CgroupDriver: driver, SystemTime: new Date().toISOString() }),
      "/containers/json": () => [{ Id: "c1" }],
      "/containers/c1/json": () => container,
      "/containers/c1/stats": stats,
    };
    const answer = answers[path];
    response.writeHead(answer ? 200 : 404, { "api-version": "1.41", "content-type": "application/json" });
    response.end(JSON.stringify(answer?.() ?? {}));
  }).listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  return `tcp://127.0.0.1:${typeof address === "object" ? address?.port : ""}`;
}

async function lookAt(driver: string) {
  const address = await startEngine(driver);
  const around = { platform: "linux", home: "/none", env: {}, userId: 1000 } as const;
  const search = (signal: AbortSignal) =>
    findEngine(address, { ...around, readFile: () => undefined, listFolder: () => [] }, signal);
  const usage = createUsage({ search, stackName: "switchyard" }, () => performance.now());
  await usage(never);
  const { engine, tried } = await search(never);
  if (!engine) throw new Error("no engine");
  const findings = await checkEngine(await openEngine(engine, tried), { nowMs: Date.now, search }, never);
  return { used: await usage(never), findings: findings.map(({ id }) => id) };
}

it("is not asked what a container takes, as it does not know, and the doctor says that it keeps no limits", async () => {
  expect(await lookAt("none")).toEqual({ used: [], findings: ["limits-not-kept"] });
});

it("with a group of its own counts as any other", async () => {
  const { used, findings } = await lookAt("systemd");
  expect(used).toMatchObject([{ name: "ollama", memoryBytes: 1_054_224_384, cpus: expect.any(Number) }]);
  expect(findings).toEqual([]);
});
