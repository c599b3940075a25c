// What the shipped command line reads before it does what it is asked for, and what it keeps for the next time.
import { execFile, spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { mkdir, mkdtemp, readdir, readFile, rm, utimes, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, it } from "vitest";

const dist = join(import.meta.dirname, "..", "..", "dist");
const cli = join(dist, "cli.js");
let folder = "";
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "switchyard-lean-"));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

const envOf = (home: string) => ({ PATH: process.env["PATH"], SWITCHYARD_HOME: home, LANG: "C" });

/** A bundled file and all that it cannot do without. */
async function readWith(file: string, found = new Map<string, string>()): Promise<ReadonlyMap<string, string>> {
  if (found.has(file)) return found;
  const text = await readFile(file, "utf8");
  found.set(file, text);
  const statements = text.matchAll(/\b(?:import|export)\s*(?:[\w*{][^;"]*?from\s*)?"(\.[^"]+)"/g);
  for (const [, name = ""] of statements) await readWith(join(dirname(file), name), found);
  return found;
}

/** A part that this file loads only where it is needed. */
async function partOf(file: string, name: string): Promise<string> {
  const [, path = ""] =
    new RegExp(`import\\("(\\./[^"]*\\b${name}-[^"]+)"\\)`).exec(await readFile(file, "utf8")) ?? [];
  expect(path, name).not.toBe("");
  return join(dirname(file), path);
}

describe("the start of the shipped command line", () => {
  it("reads nothing that only answers need, nor the service what only agents do", async () => {
    const run = await partOf(cli, "run");
    const texts = [...(await readWith(run)).values()].join("\n");
    expect(texts).toContain("fail-on");
    for (const part of ["llhttp", "hljs", "micromark", "dockerode", "StreamableHTTP"]) {
      expect(texts).not.toContain(part);
    }
    const service = [...(await readWith(await partOf(run, "run-service"))).values()].join("\n");
    expect(service).toContain("/v1/chat/completions");
    for (const part of ["StreamableHTTP", "toml"]) expect(service).not.toContain(part);
  });

  it("listens before Node has read its fetch", async () => {
    const hook = join(folder, "hook.cjs");
    await writeFile(
      hook,
      `const write = process.stdout.write;
process.stdout.write = function (text, ...rest) {
  if (/http:/.test(text)) process.stderr.write("[" + process.moduleLoadList.filter((each) => /undici|http2/.test(each)) + "]");
  return write.call(this, text, ...rest);
};`,
    );
    const child = spawn(process.execPath, ["--require", hook, cli, "serve", "--port", "0"], {
      env: envOf(join(folder, "served")),
      stdio: ["ignore", "pipe", "pipe"],
    });
    let told = "";
    child.stderr.on("data", (piece) => {
      told += piece;
    });
    await new Promise((resolve) => child.stdout.once("data", resolve));
    const ended = new Promise((resolve) => child.once("close", resolve));
    child.kill("SIGTERM");
    await ended;
    expect(told).toContain("[]");
  });

  it("keeps what is compiled where a home is, and makes none for it", async () => {
    const absent = join(folder, "absent");
    await promisify(execFile)(process.execPath, [cli, "--version"], { env: envOf(absent) });
    expect(existsSync(absent)).toBe(false);
    const home = join(folder, "home");
    await mkdir(home);
    await promisify(execFile)(process.execPath, [cli, "--version"], { env: envOf(home) });
    expect((await readdir(join(home, "compiled"), { recursive: true })).length).toBeGreaterThan(3);
  });

  it("throws away what has been kept for long", async () => {
    const home = join(folder, "old");
    const [old, young] = ["a", "b"].map((name) => join(home, "compiled", "v22", name));
    await mkdir(join(home, "compiled", "v22"), { recursive: true });
    for (const file of [old, young]) await writeFile(file ?? "", "");
    await utimes(old ?? "", new Date(0), new Date(0));
    const child = spawn(process.execPath, [cli, "serve", "--port", "0"], { env: envOf(home), stdio: "ignore" });
    const ended = new Promise((resolve) => child.once("close", resolve));
    try {
      await expect.poll(() => existsSync(old ?? "")).toBe(false);
      expect(existsSync(young ?? "")).toBe(true);
    } finally {
      child.kill("SIGTERM");
      await ended;
    }
  });
});
