// Settings, open windows and a missing token: what the service goes by while it runs.
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { Client, StreamableHTTPClientTransport } from "@modelcontextprotocol/client";
import { describe, expect, it, onTestFinished } from "vitest";
import { announceWindow } from "../../src/service/open-windows.ts";
import { ollamaRoutes, startScriptedServer } from "../backends/scripted-server.ts";
import { eventually, newShell, type Shell } from "./serving.ts";

async function shell(): Promise<Shell> {
  const made = await newShell();
  onTestFinished(made.close);
  return made;
}

const statusOf = (url: string, headers: Record<string, string>) =>
  fetch(url, { headers }).then(
    (answer) => answer.status,
    () => 0,
  );

describe("settings that change", () => {
  it("are taken over without a dropped request; a broken file changes nothing, and that is said", async () => {
    const { home, start, port, token: ownToken } = await shell();
    const ollama = await startScriptedServer(ollamaRoutes([]));
    onTestFinished(ollama.close);
    const config = join(home, "config.json");
    await writeFile(config, JSON.stringify({ modelProfile: "current" }));
    const started = start(["serve"], { SWITCHYARD_OLLAMA_URL: ollama.url });
    const url = `http://127.0.0.1:${await port()}`;
    const headers = { authorization: `Bearer ${await ownToken()}` };
    // Another program may have the usual port, which is said there as well.
    const broken = async (): Promise<string | undefined> => {
      const { notice = "" } = await (await fetch(`${url}/health`, { headers })).json();
      return /The settings stay as they were\..*/.exec(notice)?.[0];
    };
    const stop = new AbortController();
    const served: number[] = [];
    const serving = (async () => {
      while (!stop.signal.aborted) served.push(await statusOf(`${url}/v1/models`, headers));
    })();
    onTestFinished(() => stop.abort());
    await writeFile(config, JSON.stringify({ modelProfile: "design" }));
    await eventually(() => started.err().includes("The settings were read again."));
    expect(await broken()).toBeUndefined();
    await writeFile(config, '{ "modelProfile": ');
    expect(await eventually(broken)).toContain(config);
    await eventually(() => started.err().includes("The settings stay as they were."));
    await writeFile(config, JSON.stringify({ modelProfile: "none such" }));
    await eventually(async () => (await broken())?.includes("modelProfile"));
    await writeFile(config, JSON.stringify({ modelProfile: "current" }));
    await eventually(async () => ((await broken()) === undefined ? true : undefined));
    stop.abort();
    await serving;
    expect(served.length).toBeGreaterThan(5);
    expect(new Set(served)).toEqual(new Set([200]));
  });

  it("of the editor hold in the service, and a rule of privacy in either file holds", async () => {
    const { home, start, port } = await shell();
    await writeFile(join(home, "editor-settings.json"), JSON.stringify({ offline: true, unknownKey: 1 }));
    await writeFile(join(home, "config.json"), JSON.stringify({ offline: false, localOnlyPaths: ["**/own/**"] }));
    const { readServiceSettings } = await import("../../src/cli/read-settings.ts");
    const files = { file: join(home, "config.json"), editorFile: join(home, "editor-settings.json") };
    const settings = readServiceSettings(files, {});
    expect(settings.offline).toBe(true);
    expect(settings.localOnlyPaths).toEqual(expect.arrayContaining(["**/own/**", "**/.env"]));
    const started = start(["serve"]);
    await port();
    await writeFile(join(home, "editor-settings.json"), JSON.stringify({ offline: false }));
    await eventually(() => started.err().includes("The settings were read again."));
    expect(await readFile(join(home, "editor-settings.json"), "utf8")).toContain("false");
  });
});

it("goes by what a window keeps here that is open before it, or opens while it runs", async () => {
  const { home, start, port, token: ownToken } = await shell();
  await writeFile(join(home, "config.json"), JSON.stringify({ nodes: [{ url: "http://10.11.12.13:11434" }] }));
  const window = announceWindow(home);
  onTestFinished(() => window.dispose());
  await window.say({ offline: true, localOnly: [] });
  start(["serve"]);
  const url = `http://127.0.0.1:${await port()}`;
  const health = async () => {
    const headers = { authorization: `Bearer ${await ownToken()}` };
    return JSON.stringify(await (await fetch(`${url}/health`, { headers })).json());
  };
  expect(await health()).toMatch(/10\.11\.12\.13:11434","outcome":"not asked: Offline is on"/);
  expect(await health()).toContain("A window of the editor is offline, and so is the service.");
  await window.say({ offline: false, localOnly: [home] });
  await eventually(async () => (await health()).includes(`${home} is open in the editor and local only`) || undefined);
});

it("without a token no file of this machine is read for a program that connects", async () => {
  const { home, start, port } = await shell();
  await writeFile(join(home, "notes.md"), "something\n");
  start(["serve", "--no-token"]);
  const client = new Client({ name: "stranger", version: "1" }, { capabilities: { roots: {} } });
  client.setRequestHandler("roots/list", () => ({ roots: [{ uri: pathToFileURL(home).href }] }));
  await client.connect(new StreamableHTTPClientTransport(new URL(`http://127.0.0.1:${await port()}/mcp`)));
  onTestFinished(() => client.close());
  const result = await client.callTool({ name: "explain_code", arguments: { paths: ["notes.md"] } });
  expect(JSON.stringify(result.content)).toContain("No files are read here");
});
