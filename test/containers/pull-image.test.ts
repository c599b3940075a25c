// Fetching images: the sum over layers, and a registry that stalls, cuts and refuses, through a real Docker engine.
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { ask, type DockerEngine, startDocker } from "../../scripts/docker.ts";
import { type Engine, openEngine } from "../../src/containers/engine.ts";
import { createLayerMeter, pullImage } from "../../src/containers/pull-image.ts";
import { dockerd, never } from "./harness.ts";
import { startRegistry } from "./registry.ts";

describe("bytes over all layers", () => {
  it("are added up, and never go back when a layer starts again", () => {
    const meter = createLayerMeter();
    const at = (id: string, current: number) =>
      meter.add({ id, status: "Downloading", progressDetail: { current, total: 100 } });
    at("a", 60);
    at("b", 10);
    expect(meter.sum()).toEqual({ completedBytes: 70, totalBytes: 200 });
    at("a", 5);
    expect(meter.sum().completedBytes).toBe(70);
    meter.add({ id: "a", status: "Download complete" });
    meter.add({ id: "a", status: "Extracting", progressDetail: { current: 1, total: 900 } });
    expect(meter.sum()).toEqual({ completedBytes: 110, totalBytes: 200 });
  });
});

describe.skipIf(!dockerd)("an image from a registry", { timeout: 240_000 }, () => {
  let server: DockerEngine | undefined;
  let engine: Engine;
  let registry: Awaited<ReturnType<typeof startRegistry>>;

  beforeAll(async () => {
    server = await startDocker(dockerd ?? "").catch(() => undefined);
    if (!server) return;
    const connection = { kind: "socket", path: server.socket } as const;
    engine = await openEngine(
      { source: "", address: server.address, connection, product: "docker", isLocal: true },
      [],
    );
  }, 240_000);
  afterAll(() => server?.dispose());
  beforeEach(async ({ skip }) => {
    if (!server) skip();
    registry = await startRegistry();
  });
  afterEach(() => registry?.close());

  const pull = async (signal = never, stallMs = 30_000) => {
    const sums: number[] = [];
    for await (const event of pullImage(engine, registry.image, signal, { stallMs })) {
      if (event.kind === "pull") sums.push(event.completedBytes);
    }
    return sums;
  };
  const isThere = async () => (await ask(server?.socket ?? "", "GET", `/images/${registry.image}/json`)).status === 200;
  const rises = (sums: readonly number[]) => sums.every((sum, index) => sum >= (sums[index - 1] ?? 0));

  it("comes with bytes that rise to the whole", async () => {
    const sums = await pull();
    expect(sums.length).toBeGreaterThan(2);
    expect(rises(sums)).toBe(true);
    expect(sums.at(-1)).toBe(registry.totalBytes);
    expect(await isThere()).toBe(true);
  });

  it("comes though the connection is cut half way", async () => {
    registry.faults.push("cut");
    expect(rises(await pull())).toBe(true);
    expect(await isThere()).toBe(true);
  });

  it("comes though the registry falls silent: it is asked again", async () => {
    registry.faults.push("stall", "stall");
    expect(rises(await pull(never, 1_500))).toBe(true);
    expect(registry.downloads()).toBeGreaterThan(2);
    expect(await isThere()).toBe(true);
  });

  it("is refused with what the registry said", async () => {
    // The engine tries more than once.
    registry.faults.push(...Array.from({ length: 20 }, () => "gone" as const));
    await expect(pull()).rejects.toMatchObject({ kind: "network" });
  });

  it("fails with what the engine says where no registry answers, and not with how it says it", async () => {
    const from = async () => {
      for await (const _ of pullImage(engine, "127.0.0.1:1/none:1", never));
    };
    await expect(from()).rejects.toMatchObject({ kind: "network", message: /^The image 127\.0\.0\.1:1\/none:1 could/ });
    await expect(from()).rejects.toThrow(/: Get "http.*refused$/);
  });

  it("is let go at once when it is cancelled, and comes the next time", async () => {
    registry.faults.push("stall", "stall");
    const stop = new AbortController();
    const startMs = performance.now();
    setTimeout(() => stop.abort(), 600);
    await expect(pull(stop.signal)).rejects.toThrow(/abort/i);
    expect(performance.now() - startMs).toBeLessThan(10_000);
    await pull();
    expect(await isThere()).toBe(true);
  });
});
