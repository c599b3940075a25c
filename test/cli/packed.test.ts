// The npm package as it would be handed over: unpacked where nothing else is, and without any network.
import { execFile } from "node:child_process";
import { mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { root } from "../../scripts/run.ts";
import {
  beginLines,
  doneLine,
  ollamaRoutes,
  type ScriptedServer,
  startScriptedServer,
  tokenLine,
} from "../backends/scripted-server.ts";
import { runCommand, startCommand } from "../harness/command-line.ts";

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
    ...ollamaRoutes([model]),
    "POST /api/chat": (_, response) => {
      beginLines(response);
      for (const text of ["It ", "streams", "."]) response.write(tokenLine(text));
      response.end(doneLine());
    },
  });
});
afterAll(async () => {
  await server.close();
  await rm(folder, { recursive: true, force: true });
});

const options = (home: string, env: Readonly<Record<string, string>>) => ({
  entry: join(folder, "package", "dist", "cli.js"),
  cwd: folder,
  env: { SWITCHYARD_HOME: join(folder, home), SWITCHYARD_OLLAMA_URL: server.url, ...env },
});
const run = (engine: string, ...args: readonly string[]) =>
  runCommand(args, options("home", { SWITCHYARD_ENGINE: engine, LANG: "zh_CN.UTF-8" }));

describe("the packed package in an empty folder", () => {
  it("case 59: streams an answer, in the person's language, with no package beside it", async () => {
    const result = await run("ollama", "ask", "does it work?");
    expect(result).toMatchObject({ code: 0, out: "It streams.\n" });
    expect(result.err).toContain("完成");
  });

  it("case 59: serves a stream to other programs, with no package beside it", async () => {
    const env = { SWITCHYARD_PROXY_TOKEN: "t", SWITCHYARD_ENGINE: "ollama", LANG: "C" };
    const service = startCommand(["serve", "--port", "0"], options("new-home", env));
    await expect.poll(service.out).toMatch(/http:\/\/\S+\s/);
    const url = /http:\/\/\S+/.exec(service.out())?.[0];
    const answer = await fetch(`${url}/v1/chat/completions`, {
      method: "POST",
      headers: { authorization: "Bearer t", "content-type": "application/json" },
      body: JSON.stringify({ model: "m:1b", stream: true, messages: [{ role: "user", content: "does it stream?" }] }),
    });
    const text = await answer.text();
    expect(text).toContain('"content":"streams"');
    expect(text).toContain("data: [DONE]");
    service.child.kill("SIGTERM");
    expect(await service.ended).toBe(0);
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
