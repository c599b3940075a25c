// Getting weights from servers that cut the line, fall silent, lie or have nothing; each a real one on this machine.
import { execFile } from "node:child_process";
import { createHash } from "node:crypto";
import { mkdtemp, readdir, readFile, rm, stat, utimes, writeFile } from "node:fs/promises";
import type { IncomingMessage, ServerResponse } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { tinyModel } from "../../scripts/tiny-model.ts";
import type { DownloadLimits } from "../../src/backends/embedded/download.ts";
import { createModelFiles } from "../../src/backends/embedded/model-files.ts";
import { createWeights, type Weights } from "../../src/backends/embedded/weights.ts";
import { type Handler, type ScriptedServer, startScriptedServer } from "./scripted-server.ts";

const content = tinyModel();
const half = Math.floor(content.length / 2);
const checksum = createHash("sha256").update(content).digest("hex");
/** Standing still is looked at by tests that say so. */
const patient: DownloadLimits = { connectMs: 30_000, stallMs: 30_000, tries: 2 };
const hasty: DownloadLimits = { ...patient, stallMs: 1_000 };
const never = new AbortController().signal;

let folder = "";
const servers: ScriptedServer[] = [];
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "switchyard-download-"));
});
afterEach(async () => {
  await Promise.all(servers.splice(0).map((server) => server.close()));
  await rm(folder, { recursive: true, force: true });
});

/** @param answers what each request for the file gets, in order; the last one answers all that follow */
async function serve(...answers: readonly Handler[]): Promise<string> {
  let asked = 0;
  const server = await startScriptedServer({
    "GET /model.gguf": (request, response, body) =>
      answers[Math.min(asked++, answers.length - 1)]?.(request, response, body),
  });
  servers.push(server);
  return `${server.url}/model.gguf`;
}

/** One model that comes from these addresses alone. */
function weightsFrom(sources: readonly string[], sha256?: string, limits = patient): Weights {
  const source = { kind: "hub", repo: "test", ...(sha256 ? { sha256 } : {}) };
  const entry = { file: "model.gguf", parameterSize: "1M", quantization: "F32", sources: [source] };
  return createWeights({
    folder,
    files: createModelFiles(folder),
    ownSources: async () => [],
    limits,
    catalogue: { tiny: entry },
    hubs: sources,
  });
}

async function pull(weights: Weights, signal = never): Promise<readonly string[]> {
  const statuses: string[] = [];
  for await (const line of weights.pull("tiny", signal)) statuses.push(String(line["status"]));
  return statuses;
}

const partSize = () =>
  stat(join(folder, "tiny.part")).then(
    ({ size }) => size,
    () => undefined,
  );
const fileNames = async () => (await readdir(folder)).sort();

function head(response: ServerResponse, from: number): void {
  const length = content.length - from;
  const range = `bytes ${from}-${content.length - 1}/${content.length}`;
  response.writeHead(from > 0 ? 206 : 200, {
    "content-type": "application/octet-stream",
    "content-length": length,
    ...(from > 0 ? { "content-range": range } : {}),
  });
}

const wantedFrom = (request: IncomingMessage) => Number(/^bytes=(\d+)-$/.exec(request.headers.range ?? "")?.[1] ?? 0);

/** Everything that was asked for. */
const whole: Handler = (request, response) => {
  const from = wantedFrom(request);
  head(response, from);
  response.end(content.subarray(from));
};
/** The first half, and then what `next` does. */
const firstHalf =
  (next: (response: ServerResponse) => void): Handler =>
  (_, response) => {
    head(response, 0);
    response.write(content.subarray(0, half), async () => {
      // What is on its way when the line is cut would be lost.
      await expect.poll(partSize).toBe(half);
      next(response);
    });
  };
const cut = firstHalf((response) => response.destroy());
const silent = firstHalf(() => {});
const missing: Handler = (_, response) => response.writeHead(404).end("no such file");

describe("getting a model", () => {
  it("goes on after a cut from where it stopped, and no byte is sent twice", async () => {
    const asked: number[] = [];
    const from = await serve(cut, (request, response, body) => {
      asked.push(wantedFrom(request));
      whole(request, response, body);
    });
    expect((await pull(weightsFrom([from], checksum))).at(-1)).toBe("success");
    expect(asked).toEqual([half]);
    expect(await readFile(join(folder, "tiny.gguf"))).toEqual(content);
    expect(await fileNames()).toEqual(["tiny.gguf", "tiny.json"]);
  });

  it("begins again with a server that cannot go on in the middle", async () => {
    const fromStart: Handler = (_, response) => {
      head(response, 0);
      response.end(content);
    };
    await pull(weightsFrom([await serve(cut, fromStart)]));
    expect(await readFile(join(folder, "tiny.gguf"))).toEqual(content);
  });

  it("refuses another part of the file than it asked for", async () => {
    const wrongPart: Handler = (_, response) => {
      head(response, 1);
      response.end(content.subarray(1));
    };
    await expect(pull(weightsFrom([await serve(cut, wrongPart)]))).rejects.toThrow("another part of the file");
    expect(await partSize()).toBe(half);
  });

  it("asks for the rest again when nothing comes for a while", async () => {
    const startMs = performance.now();
    await pull(weightsFrom([await serve(silent, whole)], checksum, hasty));
    expect(performance.now() - startMs).toBeGreaterThan(hasty.stallMs);
    expect(await readFile(join(folder, "tiny.gguf"))).toEqual(content);
  });

  it("gives up a server that stays silent, says so, and goes on with the next from what came", async () => {
    const mute: Handler = (_, response) => {
      head(response, half);
      response.flushHeaders();
    };
    const asked: number[] = [];
    const good: Handler = (request, response, body) => {
      asked.push(wantedFrom(request));
      whole(request, response, body);
    };
    const statuses = await pull(weightsFrom([await serve(silent, mute), await serve(good)], undefined, hasty));
    expect(statuses).toContainEqual(expect.stringContaining("no data for 1 s"));
    expect(asked).toEqual([half]);
  });

  it("refuses a file with a wrong checksum, and removes it", async () => {
    const from = await serve(whole);
    await expect(pull(weightsFrom([from], "0".repeat(64)))).rejects.toThrow(
      `the file has the checksum ${checksum}, not ${"0".repeat(64)}`,
    );
    expect(await fileNames()).toEqual([]);
  });

  it("refuses a file that begins as a model does and is none, and leaves nothing of it", async () => {
    const from = await serve((_, response) =>
      response.end(Buffer.concat([Buffer.from("GGUF"), Buffer.alloc(5000, 7)])),
    );
    await expect(pull(weightsFrom([from]))).rejects.toMatchObject({ status: 502 });
    expect(await fileNames()).toEqual([]);
  });

  it("tries the next source when one has nothing, and names each as it goes", async () => {
    const sources = [await serve(missing), "http://127.0.0.1:9/model.gguf", await serve(whole)];
    const statuses = await pull(weightsFrom(sources));
    expect(statuses.filter((status) => status.startsWith("trying"))).toEqual(sources.map((url) => `trying ${url}`));
    expect(statuses).toContain(`${sources[0]}: there is no such file (HTTP 404)`);
    expect(JSON.parse(await readFile(join(folder, "tiny.json"), "utf8"))).toMatchObject({ source: sources[2] });
  });

  it("names every source and its reason when none can be used", async () => {
    const sources = [await serve(missing), await serve((_, response) => response.writeHead(503).end())];
    const [none, away] = sources.map((url) => new URL(url).host);
    await expect(pull(weightsFrom(sources))).rejects.toMatchObject({
      status: 502,
      message: expect.stringContaining(`there is no such file (HTTP 404): ${none}; HTTP 503: ${away}`),
    });
  });

  it("takes no web page for weights, whatever type it is sent with", async () => {
    const page = "<!doctype html><title>Log in to this network</title>";
    const asPage: Handler = (_, response) => response.writeHead(200, { "content-type": "text/html" }).end(page);
    const asFile: Handler = (_, response) =>
      response.writeHead(200, { "content-type": "application/octet-stream" }).end(page);
    const pulling = pull(weightsFrom([await serve(asPage), await serve(asFile)]));
    await expect(pulling).rejects.toThrow(/a web page instead of a file.*the file is not a GGUF model/);
    expect(await fileNames()).toEqual([]);
  });

  it("keeps what came when it is stopped, and goes on from there when asked again", async () => {
    const stop = new AbortController();
    const asked: number[] = [];
    const from = await serve(
      firstHalf(() => stop.abort()),
      (request, response, body) => {
        asked.push(wantedFrom(request));
        whole(request, response, body);
      },
    );
    await expect(pull(weightsFrom([from]), stop.signal)).rejects.toMatchObject({ name: "AbortError" });
    expect(await fileNames()).toEqual(["tiny.part"]);
    expect(await partSize()).toBe(half);
    await pull(weightsFrom([from], checksum));
    expect(asked).toEqual([half]);
  });

  it("throws away what arrived of a model that is not whole, and nothing else", async () => {
    const stop = new AbortController();
    const weights = weightsFrom([await serve(firstHalf(() => stop.abort()))]);
    await expect(pull(weights, stop.signal)).rejects.toMatchObject({ name: "AbortError" });
    await writeFile(join(folder, "other.part"), "x");
    expect(await weights.discard("tiny")).toBe(true);
    expect(await fileNames()).toEqual(["other.part"]);
    expect(await weights.discard("tiny")).toBe(false);
  });

  it("makes one file of many that ask for the same model at once; the others are told", async () => {
    let requests = 0;
    let told = 0;
    const whenAllAreTold: Handler = async (_, response) => {
      requests++;
      head(response, 0);
      await expect.poll(() => told).toBe(19);
      response.end(content);
    };
    const from = await serve(whenAllAreTold);
    const pulls = Array.from({ length: 20 }, () => pull(weightsFrom([from], checksum)));
    for (const each of pulls) each.catch(() => told++);
    const outcomes = await Promise.allSettled(pulls);
    expect(outcomes.filter((each) => each.status === "fulfilled")).toHaveLength(1);
    for (const each of outcomes) {
      if (each.status === "rejected") expect(each.reason).toMatchObject({ status: 409 });
    }
    expect(requests).toBe(1);
    expect(await fileNames()).toEqual(["tiny.gguf", "tiny.json"]);
  });

  it("takes over from one that died in the middle, but not from one that has only begun", async () => {
    const weights = weightsFrom([await serve(whole)]);
    const lock = join(folder, "tiny.lock");
    await writeFile(lock, "");
    await expect(pull(weights)).rejects.toMatchObject({ status: 409 });
    const longAgo = new Date(Date.now() - 60_000);
    await utimes(lock, longAgo, longAgo);
    expect((await pull(weights)).at(-1)).toBe("success");
    await rm(join(folder, "tiny.json"));
    // A process id beyond what any system gives out.
    await writeFile(lock, "999999999");
    expect((await pull(weights)).at(-1)).toBe("success");
  });

  it("says that the disk is full, keeps what came, and goes on when there is room", async (context) => {
    const mount = (options: string) =>
      promisify(execFile)("mount", ["-t", "tmpfs", "-o", options, "switchyard-test", folder]);
    const isMounted = await mount("size=512k").then(
      () => true,
      () => false,
    );
    if (!isMounted) return context.skip("small disks can be made by the administrator of a Linux machine only");
    try {
      const asked: number[] = [];
      const from = await serve((request, response, body) => {
        asked.push(wantedFrom(request));
        whole(request, response, body);
      });
      await expect(pull(weightsFrom([from, from]))).rejects.toMatchObject({
        status: 507,
        message: expect.stringContaining(join(folder, "tiny.part")),
      });
      const kept = (await partSize()) ?? 0;
      expect(kept).toBeGreaterThan(400_000);
      await mount("remount,size=8m");
      await pull(weightsFrom([from], checksum));
      expect(asked).toEqual([0, kept]);
    } finally {
      await promisify(execFile)("umount", [folder]);
    }
  });
});
