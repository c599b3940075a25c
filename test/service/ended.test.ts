// What a service has learned a moment before it is ended is not lost.
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { afterEach, expect, it } from "vitest";
import {
  beginLines,
  doneLine,
  ollamaRoutes,
  type ScriptedServer,
  startScriptedServer,
  tokenLine,
} from "../backends/scripted-server.ts";
import { newShell, type Shell } from "./serving.ts";

let shell: Shell | undefined;
let ollama: ScriptedServer | undefined;
afterEach(async () => {
  await shell?.close();
  await ollama?.close();
});

it.each(["SIGTERM", "SIGINT"] as const)(
  "the last answer and its figures are written when %s comes right after it",
  async (signal) => {
    shell = await newShell();
    ollama = await startScriptedServer({
      ...ollamaRoutes([
        { name: "m:1b", size: 1e9, digest: "d", details: { context_length: 8192 }, capabilities: ["completion"] },
      ]),
      "POST /api/chat": (_, response) => {
        beginLines(response);
        response.end(tokenLine("It adds.") + doneLine());
      },
    });
    const env = { SWITCHYARD_OLLAMA_URL: ollama.url };
    const { home, token } = shell;
    const ask = async () => {
      const port = await shell?.port();
      const headers = { authorization: `Bearer ${await token()}`, "content-type": "application/json" };
      const body = JSON.stringify({ model: "m:1b", messages: [{ role: "user", content: "Say what it does." }] });
      const answer = await fetch(`http://127.0.0.1:${port}/v1/chat/completions`, {
        method: "POST",
        headers,
        body,
      });
      await answer.text();
      return answer.headers.get("x-switchyard-cache");
    };
    const first = shell.start(["serve"], env);
    expect(await ask()).toBe("miss");
    first.child.kill(signal);
    await first.ended;
    const figures = await readFile(join(home, "runs.ndjson"), "utf8");
    expect(figures.trim().split("\n")).toHaveLength(1);
    shell.start(["serve"], env);
    expect(await ask()).toBe("hit");
  },
);
