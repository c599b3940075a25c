// Claude Code itself, on a model of this machine: it asks, calls a tool, reads a file and answers, all through us.
import { writeFile } from "node:fs/promises";
import { createServer } from "node:net";
import { join } from "node:path";
import { afterEach, expect, it } from "vitest";
import { claudeCode } from "../../scripts/claude-code.ts";
import { beginLines, doneLine, type Handler, sendJson, tokenLine } from "../backends/scripted-server.ts";
import { type TemporaryFolder, temporaryFolder } from "../harness/servers.ts";
import { callsLine, startProxy, tag, token } from "./harness.ts";
import { runClaudeCode } from "./run-claude-code.ts";

const program = claudeCode();
const model = "qwen3-coder:30b";
const contextTokens = 65_536;
const closers: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close();
});

async function folder(name: string): Promise<TemporaryFolder> {
  const made = await temporaryFolder(name);
  closers.push(() => made.remove());
  return made;
}

/** Where everything that is not for this machine would go: it is counted, and refused. */
async function startTrap(): Promise<{ readonly url: string; readonly tries: string[] }> {
  const tries: string[] = [];
  const trap = createServer((socket) => {
    socket.on("error", () => undefined);
    socket.once("data", (data) => {
      tries.push(data.toString().split("\r\n")[0] ?? "");
      socket.destroy();
    });
  });
  await new Promise<void>((resolve) => trap.listen(0, "127.0.0.1", resolve));
  closers.push(() => trap.close());
  const address = trap.address();
  return { url: `http://127.0.0.1:${typeof address === "object" ? address?.port : 0}`, tries };
}

/** Asks to read the file, and then says what was in it. */
const readsAndTells =
  (file: string): Handler =>
  (_, response, body) => {
    const request: { messages: { role: string; content: string }[]; tools?: unknown[] } = JSON.parse(body);
    const last = request.messages.at(-1);
    if (!last) return sendJson(response, { model, message: { role: "assistant", content: "" }, done: true });
    beginLines(response);
    if (last.role === "tool") response.end(tokenLine(`It says: ${last.content}`) + doneLine());
    else response.end(callsLine({ name: "Read", arguments: { file_path: file } }) + doneLine());
  };

it.skipIf(!program)(
  "completes a turn with a tool, and reaches nothing but this service",
  {
    timeout: 120_000,
    retry: 1,
  },
  async () => {
    const work = await folder("claude-work");
    const home = await folder("claude-home");
    const file = join(work.path, "note.txt");
    await writeFile(file, "The word of the day is heliotrope.\n");
    const trap = await startTrap();
    const running = await startProxy({
      chat: readsAndTells(file),
      models: [{ ...tag(model, "completion", "tools", "thinking"), details: { context_length: 262_144 } }],
      ps: (_, response) =>
        sendJson(response, { models: [{ name: model, size: 1, size_vram: 1, context_length: contextTokens }] }),
      settings: { maxContextTokens: contextTokens },
    });
    const { told, errors } = await runClaudeCode(
      program,
      ["What does note.txt say?", "--allowedTools", "Read"],
      work.path,
      {
        HOME: home.path,
        ANTHROPIC_AUTH_TOKEN: token,
        ANTHROPIC_BASE_URL: running.url,
        ANTHROPIC_MODEL: `claude-local-${model}`,
        ANTHROPIC_DEFAULT_HAIKU_MODEL: `claude-local-${model}`,
        HTTPS_PROXY: trap.url,
        HTTP_PROXY: trap.url,
      },
    );
    expect(told, errors).toMatchObject({
      is_error: false,
      num_turns: 2,
      result: expect.stringContaining("heliotrope"),
    });
    const [first, second] = running.asked().filter((ask) => ask.messages.length > 0);
    expect(first?.tools?.length).toBeGreaterThan(5);
    // What was read of the conversation is read once: the second request begins with all of the first, in the same window.
    expect(second?.messages.slice(0, first?.messages.length)).toEqual(first?.messages);
    expect(second?.tools).toEqual(first?.tools);
    expect(second?.options["num_ctx"]).toBe(first?.options["num_ctx"]);
    expect(second?.messages.at(-1)?.content).toContain("heliotrope");
    expect(JSON.stringify(running.asked())).not.toContain("x-anthropic-billing-header");
    expect(trap.tries).toEqual([]);
  },
);
