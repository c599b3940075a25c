// Serves one client over standard input and output, which carry nothing else.
import { join } from "node:path";
import { serveStdio } from "@modelcontextprotocol/server/stdio";
import type { App } from "../core/app.ts";
import { keepOutput } from "./kept-output.ts";
import { createMcpServer, type McpParts } from "./server.ts";

export interface ServeOptions {
  readonly app: App;
  readonly version: string;
  /** Where the product keeps its things. */
  readonly home: string;
  /** Shared with a client that tells no roots. */
  readonly folder: string;
  readonly log: (text: string) => void;
  readonly asksFolders: NonNullable<McpParts["asksFolders"]>;
}

/** Resolves when the client is gone, or when the signal is aborted; what was running then is stopped. */
export async function serveMcp(options: ServeOptions, signal: AbortSignal): Promise<void> {
  const { app, version, home, folder, log, asksFolders } = options;
  const keep = (text: string) => keepOutput(join(home, "mcp-output"), text, Date.now());
  const isGone = Promise.withResolvers<void>();
  process.stdin.once("end", isGone.resolve);
  process.stdin.once("close", isGone.resolve);
  signal.addEventListener("abort", () => isGone.resolve(), { once: true });
  const server = serveStdio(
    () => createMcpServer({ app, version, folder, keep, asksFolders, nowMs: () => performance.now() }),
    {
      onerror: (error) => log(`mcp: ${error.message}`),
    },
  );
  await isGone.promise;
  await server.close();
}
