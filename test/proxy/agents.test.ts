// Claude Code and Codex themselves, on a model of this machine: each asks, calls a tool, sees what came of it and answers,
// all through us.
import { writeFile } from "node:fs/promises";
import { createServer } from "node:net";
import { join } from "node:path";
import { expect, it, onTestFinished } from "vitest";
import { agentProgram } from "../../scripts/agents.ts";
import { beginLines, doneLine, type Handler, sendJson, tokenLine } from "../backends/scripted-server.ts";
import { temporaryFolder } from "../harness/servers.ts";
import { callsLine, type ModelAsk, startProxy, tag, token } from "./harness.ts";
import { runClaudeCode, runCodex } from "./run-agent.ts";

const model = "qwen3-coder:30b";
const contextTokens = 65_536;
const limits = { retry: 1 };

async function folder(name: string): Promise<string> {
  const made = await temporaryFolder(name);
  onTestFinished(() => made.remove());
  return made.path;
}

/** Where everything that is not for this machine would go: it is counted, and refused. */
async function startTrap() {
  const tries: string[] = [];
  const trap = createServer((socket) => {
    socket.on("error", () => undefined);
    socket.once("data", (data) => {
      tries.push(data.toString().split("\r\n")[0] ?? "");
      socket.destroy();
    });
  });
  await new Promise<void>((resolve) => trap.listen(0, "127.0.0.1", resolve));
  onTestFinished(() => void trap.close());
  const address = trap.address();
  const url = `http://127.0.0.1:${typeof address === "object" ? address?.port : 0}`;
  return { tries, env: { HTTPS_PROXY: url, HTTP_PROXY: url, ALL_PROXY: url } };
}

/** Calls the tool, and then says what came of it. */
const callsAndTells =
  (call: { readonly name: string; readonly arguments: object }): Handler =>
  (_, response, body) => {
    const { messages }: ModelAsk = JSON.parse(body);
    const last = messages.at(-1);
    if (!last) return sendJson(response, { model, message: { role: "assistant", content: "" }, done: true });
    beginLines(response);
    if (last.role === "tool") response.end(tokenLine(`It says: ${last.content}`) + doneLine());
    else response.end(callsLine(call) + doneLine());
  };

async function start(call: (file: string) => { readonly name: string; readonly arguments: object }) {
  const work = await folder("agent-work");
  const file = join(work, "note.txt");
  await writeFile(file, "The word of the day is heliotrope.\n");
  const running = await startProxy({
    chat: callsAndTells(call(file)),
    models: [{ ...tag(model, "completion", "tools", "thinking"), details: { context_length: 262_144 } }],
    ps: (_, response) =>
      sendJson(response, { models: [{ name: model, size: 1, size_vram: 1, context_length: contextTokens }] }),
    settings: { maxContextTokens: contextTokens },
  });
  return { running, work, home: await folder("agent-home"), trap: await startTrap() };
}

/** What was read of the conversation is read once: each request begins with all of the one before, in the same window. */
function expectOneConversation(asked: readonly ModelAsk[]): void {
  const [first, second] = asked.filter((ask) => ask.messages.length > 0);
  expect(first?.tools?.length).toBeGreaterThan(5);
  expect(second?.messages.slice(0, first?.messages.length)).toEqual(first?.messages);
  expect(second?.tools).toEqual(first?.tools);
  expect(second?.options["num_ctx"]).toBe(first?.options["num_ctx"]);
  expect(second?.messages.at(-1)?.content).toContain("heliotrope");
}

it.skipIf(!agentProgram("claudeCode"))(
  "Claude Code completes a turn with a tool, and reaches nothing but this service",
  limits,
  async () => {
    const { running, work, home, trap } = await start((file) => ({ name: "Read", arguments: { file_path: file } }));
    const { told, errors } = await runClaudeCode(["What does note.txt say?", "--allowedTools", "Read"], work, {
      ...trap.env,
      HOME: home,
      ANTHROPIC_AUTH_TOKEN: token,
      ANTHROPIC_BASE_URL: running.url,
      ANTHROPIC_MODEL: `claude-local-${model}`,
      ANTHROPIC_DEFAULT_HAIKU_MODEL: `claude-local-${model}`,
    });
    expect(told, errors).toMatchObject({
      is_error: false,
      num_turns: 2,
      result: expect.stringContaining("heliotrope"),
    });
    expectOneConversation(running.asked());
    expect(JSON.stringify(running.asked())).not.toContain("x-anthropic-billing-header");
    expect(trap.tries).toEqual([]);
  },
);

it.skipIf(!agentProgram("codex"))(
  "Codex completes a turn with a tool, through OpenAI’s responses",
  limits,
  async () => {
    const { running, work, home, trap } = await start(() => ({
      name: "exec_command",
      arguments: { cmd: "cat note.txt" },
    }));
    const options = { home, url: running.url, token, model };
    const { out, errors } = await runCodex("What does note.txt say?", work, options, trap.env);
    expect(out, errors).toContain("heliotrope");
    expectOneConversation(running.asked());
    // It looks for news of itself elsewhere, whatever it is told; that ends in the trap.
    expect(trap.tries.filter((each) => !/^CONNECT (\w+\.)?(github|chatgpt|openai)\.com:443 /.test(each))).toEqual([]);
  },
);
