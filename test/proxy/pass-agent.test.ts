// Claude Code itself, on Claude, through us: with a key of its own, and with a file that must not leave.
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, it, onTestFinished } from "vitest";
import { agentProgram } from "../../scripts/agents.ts";
import { answer, answerEvents, block, type ClaudeReply, sendEvents, testKey } from "../backends/claude-server.ts";
import { temporaryFolder } from "../harness/servers.ts";
import { token } from "./harness.ts";
import { model, start } from "./passing.ts";
import { runClaudeCode } from "./run-agent.ts";

async function folder(name: string): Promise<string> {
  const made = await temporaryFolder(name);
  onTestFinished(() => made.remove());
  return made.path;
}

/** Reads the file, and then says what came of it. */
const readsAndTells = (file: string): ClaudeReply => {
  const input = { type: "input_json_delta", partial_json: JSON.stringify({ file_path: file }) };
  const events = answerEvents({ stopReason: "tool_use", texts: ["I look."] });
  const call = block(1, { type: "tool_use", id: "toolu_1", name: "Read", input: {} }, [input]);
  const reads = sendEvents([...events.slice(0, -2), ...call, ...events.slice(-2)]);
  const tells = answer({ texts: ["It is heliotrope."], pauseMs: 0 });
  return (response, request) => (/tool_result/.test(request.bytes.toString()) ? tells : reads)(response, request);
};

async function run(name: string, keys: Readonly<Record<string, string>>) {
  const work = await folder("agent-work");
  const file = join(work, name);
  await writeFile(file, "The word of the day is heliotrope.\n");
  const running = await start([readsAndTells(file)]);
  const { told, errors } = await runClaudeCode([`What does ${name} say?`, "--allowedTools", "Read"], work, {
    HOME: await folder("agent-home"),
    ANTHROPIC_BASE_URL: running.url,
    ANTHROPIC_MODEL: model,
    ANTHROPIC_DEFAULT_HAIKU_MODEL: model,
    ...keys,
  });
  return { running, told, errors, file };
}

const limits = { retry: 1 };
const header = `x-switchyard-token: ${token}`;

it.skipIf(!agentProgram("claudeCode")).each([
  ["our token in a header of its own", { ANTHROPIC_CUSTOM_HEADERS: header, ANTHROPIC_API_KEY: testKey }],
  ["our token as its bearer", { ANTHROPIC_AUTH_TOKEN: token, ANTHROPIC_API_KEY: testKey }],
  ["a bearer of its own", { ANTHROPIC_CUSTOM_HEADERS: header, ANTHROPIC_AUTH_TOKEN: testKey }],
])("Claude Code completes a turn with a tool on Claude, with %s", limits, async (_, keys) => {
  const { running, told, errors, file } = await run("note.txt", keys);
  expect(told, errors).toMatchObject({ is_error: false, num_turns: 2, result: "It is heliotrope." });
  // Its first entry tells Anthropic whom to bill, and comes there.
  expect(running.claude.requests.at(-1)?.bytes.toString()).toContain("x-anthropic-billing-header");
  for (const { headers, bytes } of running.claude.requests) {
    expect(headers.authorization ?? headers["x-api-key"]).toContain(testKey);
    expect(JSON.stringify(headers) + bytes.toString()).not.toContain(token);
  }
  const entries = await running.app.ledger.list();
  expect(entries).toHaveLength(running.claude.requests.length);
  expect(entries.every(({ outcome }) => outcome === "done")).toBe(true);
  expect(entries[0]?.sources.map(({ uri }) => uri)).toContain(file);
});

it.skipIf(!agentProgram("claudeCode"))(
  "Claude Code is told which file must not leave, and Claude never sees it",
  limits,
  async () => {
    const { running, told, file } = await run(".env", { ANTHROPIC_CUSTOM_HEADERS: header, ANTHROPIC_API_KEY: testKey });
    expect(told.is_error).toBe(true);
    expect(told.result).toContain(`${file} is local only (the pattern “**/.env” in “switchyard.localOnlyPaths”)`);
    expect(running.claude.requests.map(({ bytes }) => bytes.toString()).join()).not.toContain("heliotrope");
  },
);
