// A Docker engine whose disk is a small file: what does not fit is refused with the numbers, and nothing half done stays.
import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync, statfsSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { ask, type DockerEngine, startDocker } from "../../scripts/docker.ts";
import { type Engine, openEngine } from "../../src/containers/engine.ts";
import { fetchImage } from "../../src/containers/fetch-image.ts";
import { formatMessage } from "../../src/core/message.ts";
import { TaskError } from "../../src/core/task-error.ts";
import { containers, createBench, dockerd, never, until, up } from "./harness.ts";
import { startRegistry } from "./registry.ts";

const diskMiB = 100;
let folder: string | undefined;
let server: DockerEngine | undefined;
let engine: Engine;

beforeAll(async () => {
  if (!dockerd) return;
  folder = mountSmallDisk();
  server = folder ? await startDocker(dockerd, join(folder, "disk")).catch(() => undefined) : undefined;
  if (!server) return;
  const connection = { kind: "socket", path: server.socket } as const;
  engine = await openEngine({ source: "", address: server.address, connection, product: "docker", isLocal: true }, []);
}, 240_000);
afterAll(async () => {
  await server?.dispose();
  if (!folder) return;
  execFileSync("umount", ["--lazy", join(folder, "disk")]);
  rmSync(folder, { recursive: true, force: true });
});

/** Undefined where nothing can be mounted, as inside most containers. */
function mountSmallDisk(): string | undefined {
  const made = mkdtempSync(join(tmpdir(), "switchyard-small-"));
  const file = join(made, "image");
  const disk = join(made, "disk");
  try {
    execFileSync("truncate", ["-s", `${diskMiB}M`, file]);
    execFileSync("mkfs.ext4", ["-q", file], {
      env: { ...process.env, PATH: `${process.env["PATH"]}:/usr/sbin:/sbin` },
    });
    execFileSync("mkdir", [disk]);
    execFileSync("mount", ["-o", "loop", file, disk], { stdio: "ignore" });
    return made;
  } catch {
    rmSync(made, { recursive: true, force: true });
    return undefined;
  }
}

const freeBytes = () => {
  const { bavail, bsize } = statfsSync(join(folder ?? "", "disk"));
  return bavail * bsize;
};
const errorOf = (work: Promise<unknown>) =>
  work.then(
    () => undefined,
    (error: unknown) => (error instanceof TaskError ? error : undefined),
  );
const drain = async (events: AsyncIterable<unknown>) => {
  for await (const _ of events);
};

describe.skipIf(!dockerd)("an engine with a small disk", { timeout: 240_000 }, () => {
  it("is not given images that do not fit: the sum is shown before the first byte", async ({ skip }) => {
    if (!server) skip();
    const bench = await createBench(server?.address ?? "");
    const error = await errorOf(up(bench.services));
    expect(error?.kind).toBe("storage");
    const text = error ? formatMessage(error.text) : "";
    expect(text).toMatch(/ollama\/ollama:\S+ 5\.0 GB \+ redis:\S+ 50 MB\) × 1\.4 \+ 500 MB = 7\.6 GB/);
    expect(text).toContain("Nothing was fetched");
    expect(await containers(server?.socket ?? "")).toEqual(new Map());
    rmSync(bench.home, { recursive: true, force: true });
  });

  it("that fills up half way says so, and has its room again", async ({ skip }) => {
    if (!server) skip();
    const registry = await startRegistry(60_000_000);
    const before = freeBytes();
    try {
      const error = await errorOf(drain(fetchImage(engine, registry.image, [], never)));
      expect(error?.kind).toBe("storage");
      expect(error && formatMessage(error.text)).toContain("The disk of the Docker engine is full");
      expect((await ask(server?.socket ?? "", "GET", `/images/${registry.image}/json`)).status).toBe(404);
      // What was half unpacked is thrown away by the engine; it takes its time.
      await until(() => (before - freeBytes() < 5e6 ? true : undefined));
    } finally {
      registry.close();
    }
  });

  it("gets from a mirror what it would get from Docker’s own registry, under its own name", async ({ skip }) => {
    if (!server) skip();
    const [empty, full] = [
      await startRegistry(1_000, "other:1"),
      await startRegistry(1_000, "library/redis:7.4.8-alpine"),
    ];
    const notices: string[] = [];
    try {
      for await (const event of fetchImage(engine, "redis:7.4.8-alpine", [empty.host, `http://${full.host}/`], never)) {
        if (event.kind === "notice") notices.push(formatMessage(event.text));
      }
      expect(notices).toEqual([`The mirror ${empty.host} did not give redis:7.4.8-alpine; the next place is asked.`]);
      const { RepoTags: tags } = JSON.parse(
        (await ask(server?.socket ?? "", "GET", "/images/redis:7.4.8-alpine/json")).body,
      );
      expect(tags).toEqual(["redis:7.4.8-alpine"]);
    } finally {
      empty.close();
      full.close();
    }
  });
});
