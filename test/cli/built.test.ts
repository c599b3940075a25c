import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createClient } from "@redis/client";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { findProgram } from "../../scripts/debian.ts";
import { startRedis } from "../../scripts/redis.ts";
import { startClaudeServer, testKey } from "../backends/claude-server.ts";
import { beginLines, doneLine, ollamaRoutes, startScriptedServer, tokenLine } from "../backends/scripted-server.ts";
import { builtEntry, runCommand } from "../harness/command-line.ts";

const redisProgram = findProgram("redis-server");
let folder = "";
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "switchyard-built-"));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

async function run(config: object, args: readonly string[], env: Readonly<Record<string, string>> = {}) {
  await writeFile(join(folder, "config.json"), JSON.stringify(config));
  return runCommand([...args, "--config", join(folder, "config.json")], {
    entry: builtEntry,
    cwd: folder,
    env: { SWITCHYARD_HOME: join(folder, "home"), ...env },
  });
}

async function startModelServer() {
  const asked: string[] = [];
  const server = await startScriptedServer({
    ...ollamaRoutes([
      { name: "m:1b", size: 1e9, digest: "d", details: { context_length: 32768 }, capabilities: ["completion"] },
    ]),
    "POST /api/chat": (_request, response, body) => {
      asked.push(body);
      beginLines(response);
      setTimeout(() => response.end(tokenLine("It adds two numbers.") + doneLine()), 300);
    },
  });
  return { server, asked };
}

describe("the shipped command line", () => {
  it.skipIf(!redisProgram)("keeps answers in a Redis, and gives them again from there", async () => {
    const redis = await startRedis(redisProgram ?? "");
    const { server, asked } = await startModelServer();
    const config = { engine: "ollama", ollamaUrl: server.url, redisUrl: redis.url };
    await writeFile(join(folder, "add.js"), "export const add = (a, b) => a + b;\n");
    try {
      const first = await run(config, ["explain", "add.js"]);
      expect(first).toMatchObject({ code: 0, out: "It adds two numbers.\n" });
      expect(first.err).not.toMatch(/redis/i);
      const client = await createClient({ url: redis.url }).connect();
      expect(await client.keys("switchyard:answer:*")).toHaveLength(1);
      client.destroy();
      expect(await run(config, ["explain", "add.js"])).toMatchObject({ code: 0, out: "It adds two numbers.\n" });
      expect(asked.length).toBeLessThanOrEqual(2);
    } finally {
      await server.close();
      await redis.kill();
    }
  });

  it("asks Claude when it is allowed to, and writes down what left", async () => {
    const claude = await startClaudeServer();
    const { server } = await startModelServer();
    const config = { engine: "ollama", ollamaUrl: server.url, claudeBaseUrl: claude.url };
    const env = { ANTHROPIC_API_KEY: testKey };
    const question = ["ask", "Analyze the trade-offs of both strategies", "--model", "claude-sonnet-5-5"];
    try {
      const refused = await run(config, question, env);
      expect(refused.err).toMatch(/To allow it, add --allow-cloud/);
      expect(claude.requests).toEqual([]);
      const allowed = await run(config, [...question, "--allow-cloud"], env);
      expect(allowed).toMatchObject({ code: 0 });
      expect(allowed.out).toMatch(/short/);
      expect(claude.requests).toHaveLength(1);
      const ledger = await run(config, ["ledger", "--json"]);
      expect(JSON.parse(ledger.out)).toMatchObject([{ model: "claude-sonnet-5-5", outcome: "done", askedBy: "shell" }]);
      expect((await run(config, ["forget", "--yes"])).code).toBe(0);
      expect(JSON.parse((await run(config, ["ledger", "--json"])).out)).toEqual([]);
    } finally {
      await claude.stop();
      await server.close();
    }
  });
});
