// The npm package as it would be handed over: unpacked where nothing else is, and without any network.
import { execFile, spawn } from "node:child_process";
import { mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { root } from "../../scripts/run.ts";
import {
  beginLines,
  doneLine,
  type ScriptedServer,
  sendJson,
  startScriptedServer,
  tokenLine,
} from "../backends/scripted-server.ts";

let folder = "";
let server: ScriptedServer;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "switchyard-packed-"));
  await promisify(execFile)("npm", ["pack", "--ignore-scripts", "--offline", "--pack-destination", folder], {
    cwd: root,
  });
  const [file = ""] = await readdir(folder);
  await promisify(execFile)("tar", ["-xzf", join(folder, file), "-C", folder]);
  const model = {
    name: "m:1b",
    size: 1e9,
    digest: "d",
    details: { context_length: 8192 },
    capabilities: ["completion"],
  };
  server = await startScriptedServer({
    "GET /api/version": (_, response) => sendJson(response, { version: "0.20.0" }),
    "GET /api/tags": (_, response) => sendJson(response, { models: [model] }),
    "GET /api/ps": (_, response) => sendJson(response, { models: [] }),
    "POST /api/chat": (_, response) => {
      beginLines(response);
      for (const text of ["It ", "streams", "."]) response.write(tokenLine(text));
      response.end(doneLine());
    },
  });
}, 60_000);
afterAll(async () => {
  await server.close();
  await rm(folder, { recursive: true, force: true });
});

async function run(engine: string, ...args: readonly string[]) {
  const env = { PATH: process.env["PATH"], SWITCHYARD_HOME: join(folder, "home"), SWITCHYARD_ENGINE: engine };
  const child = spawn(process.execPath, [join(folder, "package", "dist", "cli.js"), ...args], {
    cwd: folder,
    env: { ...env, SWITCHYARD_OLLAMA_URL: server.url, LANG: "zh_CN.UTF-8" },
    stdio: ["ignore", "pipe", "pipe"],
  });
  const told = { out: "", err: "" };
  child.stdout.on("data", (piece) => {
    told.out += piece;
  });
  child.stderr.on("data", (piece) => {
    told.err += piece;
  });
  const code = await new Promise<number | null>((resolve) => child.on("close", resolve));
  return { code, ...told };
}

describe("the packed package in an empty folder", { timeout: 60_000 }, () => {
  it("case 59: streams an answer, in the person's language, with no package beside it", async () => {
    const result = await run("ollama", "ask", "does it work?");
    expect(result).toMatchObject({ code: 0, out: "It streams.\n" });
    expect(result.err).toContain("完成");
  });

  it("case 59: serves a stream to other programs, with no package beside it", async () => {
    const args = [join(folder, "package", "dist", "cli.js"), "serve", "--port", "0"];
    const env = {
      PATH: process.env["PATH"],
      SWITCHYARD_HOME: join(folder, "new", "home"),
      SWITCHYARD_PROXY_TOKEN: "t",
    };
    const child = spawn(process.execPath, args, {
      cwd: folder,
      env: { ...env, SWITCHYARD_ENGINE: "ollama", SWITCHYARD_OLLAMA_URL: server.url, LANG: "C" },
      stdio: ["ignore", "pipe", "ignore"],
    });
    const ended = new Promise<number | null>((resolve) => child.once("close", resolve));
    const url = await new Promise<string>((resolve) => {
      child.stdout.on("data", (piece) => {
        const found = /http:\/\/\S+/.exec(String(piece))?.[0];
        if (found) resolve(found);
      });
    });
    const answer = await fetch(`${url}/v1/chat/completions`, {
      method: "POST",
      headers: { authorization: "Bearer t", "content-type": "application/json" },
      body: JSON.stringify({ model: "m:1b", stream: true, messages: [{ role: "user", content: "does it stream?" }] }),
    });
    const text = await answer.text();
    expect(text).toContain('"content":"streams"');
    expect(text).toContain("data: [DONE]");
    child.kill("SIGTERM");
    expect(await ended).toBe(0);
  });

  it("says what to do where it has no engine of its own", async () => {
    const { code, err } = await run("embedded", "ask", "does it work?");
    expect(code).toBe(3);
    expect(err).toContain("This build has no built-in engine. Install Ollama");
    expect(err).not.toContain("node:internal");
  });

  it("holds what it needs and none of our own things", async () => {
    const files = await readdir(join(folder, "package"), { recursive: true });
    expect(files).toContain(join("dist", "engine.js"));
    expect(files.filter((file) => /^(?:src|test|scripts|out|node_modules)\b|\.map$/.test(file))).toEqual([]);
  });
});
