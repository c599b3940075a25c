// Servers that call tools, or talk instead, for the test that tells them apart.
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { beforeEach, onTestFinished } from "vitest";
import {
  beginLines,
  doneLine,
  type Handler,
  loadingFirst,
  ollamaRoutes,
  type ScriptedServer,
  startScriptedServer,
  tokenLine,
} from "../backends/scripted-server.ts";

export const name = "qwen2.5:7b";
let folder = "";
/** A folder of its own for each test. */
export const home = () => folder;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "switchyard-tool-test-"));
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
});

export const tag = (model: string, digest: string, ...capabilities: readonly string[]) => ({
  name: model,
  size: 4_000_000_000,
  digest,
  details: { context_length: 8192 },
  capabilities: ["completion", ...capabilities],
});

export interface ToolServer extends ScriptedServer {
  tags: readonly object[];
  /** Chat requests that say something, parsed. */
  asked(): readonly Record<string, unknown>[];
}

export async function serve(chat: Handler, ...tags: readonly object[]): Promise<ToolServer> {
  const state = { tags };
  const started = await startScriptedServer({
    ...ollamaRoutes(() => state.tags),
    "POST /api/chat": loadingFirst(chat),
  });
  onTestFinished(() => started.close());
  const asked = () =>
    started.bodies
      .filter((_, at) => started.requests[at] === "POST /api/chat")
      .map((body) => JSON.parse(body))
      .filter(({ messages }) => messages.length > 0);
  return Object.assign(state, started, { asked });
}

export const lines =
  (...all: readonly string[]): Handler =>
  (_, response) => {
    beginLines(response);
    response.end(all.join("") + doneLine());
  };
export const callLine = (called: string, given: object) =>
  `${JSON.stringify({
    model: "m",
    message: { role: "assistant", content: "", tool_calls: [{ function: { name: called, arguments: given } }] },
    done: false,
  })}\n`;
export const calls = lines(callLine("current_time", { city: "Oslo" }));
export const talks = lines(tokenLine("It is "), tokenLine("noon."));

export const verdicts = (tests: readonly { readonly calls: string }[]) => tests.map((test) => test.calls);
