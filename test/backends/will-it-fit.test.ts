// What servers, cards and disks say of themselves, put together.
import { chmod, mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { detailsFrom } from "../../src/backends/model-shape.ts";
import { OllamaBackend } from "../../src/backends/ollama.ts";
import { graphicsMemory } from "../../src/backends/room.ts";
import { createFitting } from "../../src/backends/will-it-fit.ts";
import { knownModel } from "../../src/core/catalogue.ts";
import { createMeasuredSizes } from "../../src/store/measured-sizes.ts";
import { type ScriptedServer, sendJson, startScriptedServer } from "./scripted-server.ts";

const never = new AbortController().signal;
const gib = 2 ** 30;
let folder = "";
const servers: ScriptedServer[] = [];

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "switchyard-fit-"));
});
afterEach(async () => {
  await Promise.all(servers.splice(0).map((server) => server.close()));
  await rm(folder, { recursive: true, force: true });
});

const qwen = {
  "general.architecture": "qwen2",
  "qwen2.block_count": 28,
  "qwen2.embedding_length": 3584,
  "qwen2.attention.head_count": 28,
  "qwen2.attention.head_count_kv": 4,
};

async function serverWith(models: readonly string[], loaded: readonly string[] = []): Promise<OllamaBackend> {
  const server = await startScriptedServer({
    "GET /api/ps": (_, response) =>
      sendJson(response, {
        models: loaded.map((name) => ({ name, size: 5e9, size_vram: 1e9, context_length: 8192, expires_at: "" })),
      }),
    "GET /api/tags": (_, response) =>
      sendJson(response, { models: models.map((name) => ({ name, size: 4_683_087_332, digest: name })) }),
    "POST /api/show": (_, response) => sendJson(response, { capabilities: ["completion"], model_info: qwen }),
  });
  servers.push(server);
  return new OllamaBackend({ name: "test server", place: "this-machine", address: async () => server.url });
}

describe("the shape of a model", () => {
  it("is read from what the server shows; a head is as wide as the model through its heads where nothing else is said", () => {
    expect(detailsFrom(qwen).shape).toEqual({ layers: 28, kvHeads: 4, keyLength: 128, valueLength: 128 });
  });

  it("is that of the largest layer where layers differ, and unknown where the server says too little", () => {
    const differing = { ...qwen, "qwen2.attention.head_count_kv": [0, 2, 8, 0] };
    expect(detailsFrom(differing).shape?.kvHeads).toBe(8);
    expect(detailsFrom({ "general.architecture": "mamba", "mamba.block_count": 64 }).shape).toBeUndefined();
  });
});

describe("graphics memory", () => {
  it("is that of all cards, as NVIDIA’s tool counts it", async () => {
    const program = join(folder, "nvidia-smi");
    await writeFile(program, "#!/bin/sh\necho 24576\necho 8192\n");
    await chmod(program, 0o755);
    expect(await graphicsMemory(program, folder)).toBe(32 * gib);
  });

  it("is what AMD’s driver says where there is no such tool, and nothing where there is neither", async () => {
    await mkdir(join(folder, "card0/device"), { recursive: true });
    await mkdir(join(folder, "card0-HDMI-A-1"));
    expect(await graphicsMemory(join(folder, "none"), folder)).toBe(0);
    await writeFile(join(folder, "card0/device/mem_info_vram_total"), `${16 * gib}\n`);
    expect(await graphicsMemory(join(folder, "none"), folder)).toBe(16 * gib);
  });
});

describe("whether a model will fit", () => {
  const fittingWith = (memoryBytes: number) =>
    createFitting({
      knownModel,
      measured: createMeasuredSizes(join(folder, "fit.json")),
      roomOf: async () => ({ room: { memoryBytes }, parallel: 1 }),
    });

  it("goes by the shape that the server shows of an installed one", async () => {
    const backend = await serverWith(["qwen2.5:7b"]);
    const fit = await fittingWith(16 * gib).fit("qwen2.5:7b", backend, never);
    expect(fit).toMatchObject({ verdict: "fits", need: { basis: "shape", contextBytes: 8192 * 28 * 4 * 256 * 2 } });
  });

  it("is not said where nobody knows how large the model is, until the first bytes tell", async () => {
    const backend = await serverWith([]);
    const fitting = fittingWith(4 * gib);
    expect(await fitting.fit("unheard:latest", backend, never)).toBeUndefined();
    expect(await fitting.fit("unheard:latest", backend, never, 9e9)).toMatchObject({ verdict: "too-large" });
  });

  it("goes by what is free now, and by what the server gives back, for one that is to be loaded", async () => {
    const verdictWith = async (freeBytes: number, installed: readonly string[], loaded: readonly string[]) => {
      const fitting = createFitting({
        knownModel,
        measured: createMeasuredSizes(join(folder, "fit.json")),
        roomOf: async () => ({ room: { memoryBytes: 32 * gib, freeBytes }, parallel: 1 }),
      });
      return (await fitting.fit("qwen2.5:7b", await serverWith(installed, loaded), never))?.verdict;
    };
    expect(await verdictWith(3e9, ["qwen2.5:7b"], [])).toBe("not-now");
    expect(await verdictWith(8e9, ["qwen2.5:7b"], [])).toBe("fits");
    expect(await verdictWith(3e9, ["qwen2.5:7b", "other:7b"], ["other:7b"])).toBe("fits");
    expect(await verdictWith(1e9, ["qwen2.5:7b", "other:7b"], ["other:7b"])).toBe("not-now");
    // Loaded already, and not to be fetched because of this moment.
    expect(await verdictWith(1e9, ["qwen2.5:7b"], ["qwen2.5:7b"])).toBe("fits");
    expect(await verdictWith(1e9, [], [])).toBe("fits");
  });

  it("learns from what a model took when it was loaded, for itself and for others", async () => {
    const backend = await serverWith(["qwen2.5:7b"]);
    const fitting = fittingWith(8 * gib);
    const before = await fitting.fit("qwen2.5:7b", backend, never);
    const other = await fitting.fit("llama3.1:8b", backend, never);
    expect(before?.verdict).toBe("fits");
    const loaded = {
      name: "qwen2.5:7b",
      backend: "test server",
      sizeBytes: 7.1e9,
      vramBytes: 0,
      contextTokens: 8192,
    };
    fitting.learn([loaded], () => backend);
    await fitting.settled();
    const after = await fittingWith(8 * gib).fit("qwen2.5:7b", backend, never);
    expect(after).toMatchObject({ verdict: "too-large", need: { basis: "measured", totalBytes: 7.1e9 } });
    const otherAfter = await fittingWith(8 * gib).fit("llama3.1:8b", backend, never);
    const ratio = 7.1e9 / (before?.need.totalBytes ?? 1);
    expect((otherAfter?.need.totalBytes ?? 0) / (other?.need.totalBytes ?? 1)).toBeCloseTo(ratio, 2);
  });
});
