// A model that several servers have is taken off those that were chosen, and off none by guessing.
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, it } from "vitest";
import { ollamaRoutes, type ScriptedServer, sendJson, startScriptedServer } from "../backends/scripted-server.ts";
import { runCommand } from "../harness/command-line.ts";

const model = "qwen3.5:9b";
let folder = "";
let servers: readonly ScriptedServer[] = [];

/** @param disk where its models are; containers share one */
async function ollama(disk: { has: boolean }): Promise<ScriptedServer> {
  return startScriptedServer({
    ...ollamaRoutes(() => (disk.has ? [{ name: model, size: 1000 }] : [])),
    "POST /api/show": (_, response) => sendJson(response, { capabilities: ["completion"], model_info: {} }),
    "DELETE /api/delete": (_, response) => {
      sendJson(response, disk.has ? {} : { error: `model '${model}' not found` }, disk.has ? 200 : 404);
      disk.has = false;
    },
  });
}

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "switchyard-delete-"));
});
afterEach(async () => {
  await Promise.all(servers.map((server) => server.close()));
  await rm(folder, { recursive: true, force: true });
});

async function start(...disks: readonly { has: boolean }[]): Promise<void> {
  servers = await Promise.all(disks.map(ollama));
  const [first, ...others] = servers;
  const config = { engine: "ollama", ollamaUrl: first?.url, nodes: others.map(({ url }) => ({ url })) };
  await writeFile(join(folder, "config.json"), JSON.stringify(config));
}

async function remove(...args: readonly string[]): Promise<{ readonly code: number | null; readonly text: string }> {
  const all = ["models", "delete", model, "--config", join(folder, "config.json"), ...args];
  const env = { SWITCHYARD_HOME: join(folder, "home"), LANG: "en" };
  const { code, out, err } = await runCommand(all, { cwd: folder, env });
  return { code, text: out + err };
}

const asked = () => servers.map(({ requests }) => requests.filter((each) => each === "DELETE /api/delete").length);
const host = (index: number) => new URL(servers[index]?.url ?? "").host;

it("is taken off the only one that has it", async () => {
  await start({ has: false }, { has: true });
  expect((await remove()).code).toBe(0);
  expect(asked()).toEqual([0, 1]);
});

it("is asked from where, and stays on all of them until that is said", async () => {
  await start({ has: true }, { has: true });
  const { code, text } = await remove();
  expect(code).toBe(2);
  expect(text).toContain(host(0));
  expect(text).toContain(host(1));
  expect(text).toContain("--from");
  expect(asked()).toEqual([0, 0]);
});

it("is taken off the one that was chosen by its host, or off several", async () => {
  await start({ has: true }, { has: true }, { has: true });
  expect((await remove("--from", host(1))).code).toBe(0);
  expect(asked()).toEqual([0, 1, 0]);
  expect((await remove("--from", host(0), "--from", host(2))).code).toBe(0);
  expect(asked()).toEqual([1, 1, 1]);
});

it("is not taken off another one where it is not on the one that was chosen", async () => {
  await start({ has: true }, { has: false });
  const { code, text } = await remove("--from", host(1));
  expect(code).toBe(2);
  expect(text).toContain(`but on: Ollama at ${host(0)}`);
  expect(asked()).toEqual([0, 0]);
});

it("is gone from all where they share their models, and that is no failure", async () => {
  const shared = { has: true };
  await start(shared, shared);
  expect((await remove("--from", host(0), "--from", host(1))).code).toBe(0);
  expect(asked()).toEqual([1, 1]);
});
