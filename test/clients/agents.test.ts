// Claude Code and Codex themselves, with nothing but the files that setting them up writes: they find the service, its
// models and its tools.
import { join } from "node:path";
import { expect, it, onTestFinished } from "vitest";
import { agentProgram } from "../../scripts/agents.ts";
import type { ClientId } from "../../src/clients/client.ts";
import { applyConnection, planConnection } from "../../src/clients/connect.ts";
import { clients } from "../../src/clients/programs.ts";
import { createMcpEndpoint } from "../../src/mcp/http.ts";
import { beginLines, doneLine, sendJson, tokenLine } from "../backends/scripted-server.ts";
import { temporaryFolder } from "../harness/servers.ts";
import { type ModelAsk, type Running, startProxy, tag, token } from "../proxy/harness.ts";
import { runAgent, runClaudeCode } from "../proxy/run-agent.ts";

const model = "qwen3-coder:30b";
const contextTokens = 65_536;
/** Where everything that is not for this machine would go: nobody is there. */
const nothingElse = { HTTPS_PROXY: "http://127.0.0.1:9", HTTP_PROXY: "http://127.0.0.1:9" };
const limits = { retry: 1 };

async function folder(name: string): Promise<string> {
  const made = await temporaryFolder(name);
  onTestFinished(() => made.remove());
  return made.path;
}

/** A person's home in which one program is set up, and the service it is set up to ask. */
async function setUp(id: ClientId): Promise<{ running: Running; userHome: string; work: string; routes: string[] }> {
  const [userHome, work] = [await folder("agent-home"), await folder("agent-work")];
  const routes: string[] = [];
  const running = await startProxy({
    chat: (_, response, body) => {
      const { messages }: ModelAsk = JSON.parse(body);
      // It is loaded first.
      if (messages.length === 0)
        return sendJson(response, { model, message: { role: "assistant", content: "" }, done: true });
      beginLines(response);
      response.end(tokenLine("The word is heliotrope.") + doneLine());
    },
    models: [{ ...tag(model, "completion", "tools"), details: { context_length: 262_144 } }],
    ps: (_, response) =>
      sendJson(response, { models: [{ name: model, size: 1, size_vram: 1, context_length: contextTokens }] }),
    settings: { maxContextTokens: contextTokens },
    options: {
      mounts: (run) => [
        createMcpEndpoint({ run, version: "1.2.3", home: userHome, log: () => undefined, readsFiles: true }),
      ],
      seen: (route, agent) => {
        if (clients[id].agent.test(agent)) routes.push(route);
      },
    },
  });
  const surroundings = {
    url: running.url,
    token,
    model,
    contextTokens,
    userHome,
    editorFolder: join(userHome, "editor"),
    env: {},
  };
  await applyConnection(
    join(userHome, "data"),
    await planConnection(join(userHome, "data"), clients[id], surroundings),
  );
  return { running, userHome, work, routes };
}

it.skipIf(!agentProgram("claudeCode"))(
  "Claude Code that is set up asks here, and finds our models and tools",
  limits,
  async () => {
    const { running, userHome, work, routes } = await setUp("claude-code");
    const { told, errors } = await runClaudeCode(["What is the word?"], work, { HOME: userHome, ...nothingElse });
    expect(told, errors).toMatchObject({ is_error: false, result: expect.stringContaining("heliotrope") });
    expect(routes).toEqual(expect.arrayContaining(["GET /v1/models", "POST /v1/messages"]));
    expect(JSON.stringify(running.asked())).toContain("mcp__local-llm__local_llm");
    expect(running.asked().every((ask) => ask.model === model)).toBe(true);
    expect(routes).toContain("POST /mcp");
  },
);

it.skipIf(!agentProgram("codex"))("Codex that is set up asks here, and finds our tools", limits, async () => {
  const { running, userHome, work, routes } = await setUp("codex");
  const args = ["exec", "--skip-git-repo-check", "What is the word?"];
  const { out, errors } = await runAgent(agentProgram("codex"), args, work, { HOME: userHome, ...nothingElse });
  expect(out, errors).toContain("heliotrope");
  expect(routes).toContain("POST /v1/responses");
  expect(routes).toContain("POST /mcp");
  expect(running.asked().every((ask) => ask.model === model)).toBe(true);
});
