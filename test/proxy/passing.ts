// The service with the way to Claude open, and a stand-in of Claude at its end.
import { expect, onTestFinished } from "vitest";
import type { Settings } from "../../src/core/settings.ts";
import { answer, type ClaudeReply, type ClaudeServer, startClaudeServer, testKey } from "../backends/claude-server.ts";
import { question } from "./clients.ts";
import { post, type Running, startProxy, token } from "./harness.ts";

export const model = "claude-sonnet-5-5";

export interface Passing extends Running {
  readonly claude: ClaudeServer;
}

export async function start(
  script: readonly ClaudeReply[] = [answer({ pauseMs: 0 })],
  settings: Partial<Settings> = {},
  over: Parameters<typeof startProxy>[0] = {},
): Promise<Passing> {
  const claude = await startClaudeServer(script);
  onTestFinished(() => claude.stop());
  const open: Partial<Settings> = { serviceClaude: "pass", claudeBaseUrl: claude.url };
  const running = await startProxy({ ...over, settings: { ...open, ...settings } });
  return { ...running, claude };
}

/** Claude Code's headers with a key of its own; ours comes in a header of its own. */
export const withKey = {
  "content-type": "application/json",
  "x-api-key": testKey,
  "x-switchyard-token": token,
  "anthropic-version": "2023-06-01",
  "anthropic-beta": "interleaved-thinking-2025-05-14",
};
export const small = { model, max_tokens: 100, stream: true, messages: question };
export const ask = (
  { url }: Running,
  body: unknown,
  headers: Record<string, string> = withKey,
  path = "/v1/messages",
) => post(url, path, body, { headers });

/** What it was refused with: status and sentence. Nothing has been sent. */
export async function refusal(running: Passing, body: unknown, headers?: Record<string, string>, path?: string) {
  const response = await ask(running, body, headers, path);
  const { type, error } = JSON.parse(await response.text());
  expect(type).toBe("error");
  expect(running.claude.requests).toEqual([]);
  expect(await running.app.ledger.list()).toEqual([]);
  return { status: response.status, type: error.type, message: error.message };
}

/** With what a tool was called and what it said. */
export const turn = (name: string, input: object, content: unknown = "text") => [
  { role: "user", content: "look at it" },
  { role: "assistant", content: [{ type: "tool_use", id: "toolu_1", name, input }] },
  { role: "user", content: [{ type: "tool_result", tool_use_id: "toolu_1", content }] },
];
