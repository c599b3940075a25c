import { afterEach, vi } from "vitest";
import { type ClaudeReply, type ClaudeServer, startClaudeServer } from "./claude-server.ts";

/** Starts stand-ins for Claude that are stopped after the test, as the environment it changed is put back. */
export function claudeServers(): (script?: readonly ClaudeReply[]) => Promise<ClaudeServer> {
  const open: ClaudeServer[] = [];
  afterEach(async () => {
    vi.unstubAllEnvs();
    await Promise.all(open.splice(0).map((server) => server.stop()));
  });
  return async (script) => {
    const server = await startClaudeServer(script);
    open.push(server);
    return server;
  };
}
