// Advice from a shell: runs are recorded, a slow model is found, the change is measured, and taken back exactly.
import { mkdtemp, readFile, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import {
  beginLines,
  doneLine,
  ollamaRoutes,
  type ScriptedServer,
  sendJson,
  startScriptedServer,
  tokenLine,
} from "../backends/scripted-server.ts";
import { runCommand } from "../harness/command-line.ts";

const [large, small] = ["qwen3.5:9b", "qwen3.5:4b"];
let home = "";
let server: ScriptedServer;

beforeAll(async () => {
  home = await mkdtemp(join(tmpdir(), "switchyard-advice-"));
  const models = [
    { name: large, size: 6_600_000_000, digest: "a" },
    { name: small, size: 3_400_000_000, digest: "b" },
  ];
  server = await startScriptedServer({
    ...ollamaRoutes(models),
    "GET /api/ps": (_, response) =>
      sendJson(response, {
        models: models.map(({ name, size }) => ({ name, size, size_vram: 0, context_length: 8192 })),
      }),
    "POST /api/show": (_, response) =>
      sendJson(response, { capabilities: ["completion"], model_info: { "x.context_length": 32768 } }),
    "POST /api/chat": (_, response, body) => {
      const isLarge = JSON.parse(body).model === large;
      beginLines(response);
      // 40 tokens: 2 a second, or 20.
      response.end(tokenLine("An answer.") + doneLine({ load_duration: 0, eval_duration: isLarge ? 20e9 : 2e9 }));
    },
  });
});
afterAll(async () => {
  await server.close();
  await rm(home, { recursive: true, force: true });
});

const run = (...args: readonly string[]) =>
  runCommand(args, {
    cwd: home,
    env: { SWITCHYARD_HOME: home, SWITCHYARD_OLLAMA_URL: server.url, SWITCHYARD_ENGINE: "ollama" },
  });

describe("advice from a shell", () => {
  const id = `slow:code:${large}`;
  const config = () => join(home, "config.json");

  it("is none at first", async () => {
    expect((await run("advice")).out).toContain("No advice");
  });

  it("names a slow model with its speed, from what was recorded without a word of the question", async () => {
    for (const question of ["first secret question", "second", "third"]) {
      await run("ask", "--task", "code", "--fresh", question);
    }
    const recorded = await readFile(join(home, "runs.ndjson"), "utf8");
    expect(recorded.trim().split("\n")).toHaveLength(3);
    expect(recorded).not.toContain("secret");
    expect((await stat(join(home, "runs.ndjson"))).mode & 0o077).toBe(0);
    const { out } = await run("advice");
    expect(out).toContain(`${large} is slow at “Code”.`);
    expect(out).toContain("2.0 tokens a second, the middle of the last 3 answers");
    expect(out).toContain(`switchyard advice --apply "${id}"`);
  });

  it("is applied to one setting and measured before and after", async () => {
    // As nobody would write it: it has to come back like this.
    await writeFile(config(), '{ "reviewPresentation":\t"chat",\n\n"pinnedModels": {"chat": "x"} }');
    const { out, code } = await run("advice", "--apply", id);
    expect(code).toBe(0);
    expect(out).toMatch(new RegExp(`Before: Code, ${large}: .* 2.0 tokens/s`));
    expect(out).toMatch(new RegExp(`After: Code, ${small}: .* 20.0 tokens/s`));
    expect(JSON.parse(await readFile(config(), "utf8"))).toEqual({
      reviewPresentation: "chat",
      pinnedModels: { chat: "x", code: small },
    });
  });

  it("is taken back byte for byte, once", async () => {
    expect((await run("advice", "--undo")).out).toContain("Taken back");
    expect(await readFile(config(), "utf8")).toBe(
      '{ "reviewPresentation":\t"chat",\n\n"pinnedModels": {"chat": "x"} }',
    );
    const again = await run("advice", "--undo");
    expect(again.code).toBe(2);
    expect(again.err).toContain("No advice was applied");
  });

  it("removes a settings file that it made, and leaves one that was changed by hand since", async () => {
    await rm(config());
    await run("advice", "--apply", id);
    await run("advice", "--undo");
    await expect(readFile(config())).rejects.toThrow();
    await run("advice", "--apply", id);
    await writeFile(config(), "{}");
    expect((await run("advice", "--undo")).err).toContain("was changed by hand since");
    expect(await readFile(config(), "utf8")).toBe("{}");
  });
});
