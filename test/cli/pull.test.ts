// Getting a model for the built-in engine from two shells at once, with real files: the first is killed in the middle.
import type { ChildProcess } from "node:child_process";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { tinyModel } from "../../scripts/tiny-model.ts";
import { type ScriptedServer, startScriptedServer } from "../backends/scripted-server.ts";
import { startCommand } from "../harness/command-line.ts";

const model = "qwen2.5:0.5b";
const file = "qwen2.5-0.5b-instruct-q4_k_m.gguf";
const content = tinyModel();
const half = Math.floor(content.length / 2);
const children: ChildProcess[] = [];
let home = "";
let server: ScriptedServer;
let begins: number[] = [];

beforeEach(async () => {
  home = await mkdtemp(join(tmpdir(), "switchyard-pull-"));
  begins = [];
  server = await startScriptedServer({
    [`GET /${file}`]: (request, response) => {
      const from = Number(/^bytes=(\d+)-$/.exec(request.headers.range ?? "")?.[1] ?? 0);
      begins.push(from);
      response.writeHead(from > 0 ? 206 : 200, {
        "content-type": "application/octet-stream",
        "content-length": content.length - from,
        ...(from > 0 ? { "content-range": `bytes ${from}-${content.length - 1}/${content.length}` } : {}),
      });
      // The first one gets half of it, and then nothing.
      if (begins.length === 1) response.write(content.subarray(0, half));
      else response.end(content.subarray(from));
    },
  });
});
afterEach(async () => {
  for (const child of children.splice(0)) child.kill("SIGKILL");
  await server.close();
  await rm(home, { recursive: true, force: true, maxRetries: 5 });
});

function start(...args: readonly string[]) {
  const env = {
    SWITCHYARD_HOME: home,
    SWITCHYARD_ENGINE: "embedded",
    SWITCHYARD_WEIGHT_SOURCES: `${server.url}/{file}`,
  };
  const started = startCommand(args, { cwd: home, env });
  children.push(started.child);
  return { ...started, said: () => started.out() + started.err() };
}

describe("a model for the built-in engine", () => {
  it("is got once by two shells, and by the second from where the first was killed", async () => {
    const first = start("models", "pull", model);
    await expect.poll(first.said).toMatch(/\d+ % ·/);
    const second = start("models", "pull", model);
    await expect.poll(second.said).toMatch(/\d+ % ·/);
    expect(begins).toEqual([0]);
    const seen = start("models", "downloads");
    await seen.ended;
    expect(seen.said()).toMatch(new RegExp(`^${model}  downloading  `));
    first.child.kill("SIGKILL");
    const code = await second.ended;
    expect(second.said()).toContain(`${model} is ready.`);
    expect(code).toBe(0);
    expect(begins).toEqual([0, half]);
    expect(await readFile(join(home, "models", "qwen2.5-0.5b.gguf"))).toEqual(content);
  });

  it("is paused from another shell, and thrown away when it is cancelled", async () => {
    const first = start("models", "pull", model);
    await expect.poll(first.said).toMatch(/\d+ % ·/);
    await start("models", "pause", model).ended;
    const code = await first.ended;
    expect(code).toBe(130);
    expect(first.said()).toContain(`${model} is paused. To go on: switchyard models pull ${model}`);
    const seen = start("models", "downloads");
    await seen.ended;
    expect(seen.said()).toMatch(new RegExp(`^${model}  paused  `));
    await expect(readFile(join(home, "models", "qwen2.5-0.5b.part"))).resolves.toHaveLength(half);
    await start("models", "cancel", model).ended;
    await expect(readFile(join(home, "models", "qwen2.5-0.5b.part"))).rejects.toThrow();
    const after = start("models", "downloads");
    await after.ended;
    expect(after.said()).toContain("Nothing is being got.");
  });
});
