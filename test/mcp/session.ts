// A `switchyard mcp` of its own with a real client at its pipes, and the scripted model server it asks.
import { mkdtemp, realpath, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type CallToolResult, Client } from "@modelcontextprotocol/client";
import { StdioClientTransport } from "@modelcontextprotocol/client/stdio";
import {
  type Handler,
  ollamaRoutes,
  type ScriptedServer,
  sendJson,
  startScriptedServer,
} from "../backends/scripted-server.ts";
import { sourceEntry } from "../harness/command-line.ts";

export const modelName = "qwen3.5:9b";

export function serveModel(chat: Handler): Promise<ScriptedServer> {
  const model = { name: modelName, model: modelName, size: 1_000_000, details: { parameter_size: "9B" } };
  return startScriptedServer({
    ...ollamaRoutes([model]),
    "POST /api/show": (_, response) =>
      sendJson(response, { details: {}, model_info: { "q.context_length": 8192 }, capabilities: ["completion"] }),
    "POST /api/chat": chat,
  });
}

/** A folder whose path has no links in it, so that it can be compared. */
export async function newFolder(): Promise<{ path: string; remove(): Promise<void> }> {
  const path = await realpath(await mkdtemp(join(tmpdir(), "switchyard-mcp-")));
  return { path, remove: () => rm(path, { recursive: true, force: true, maxRetries: 5 }) };
}

export interface SessionOptions {
  readonly entry?: string;
  readonly args?: readonly string[];
  /** Working directory of the server. */
  readonly folder: string;
  readonly env: Readonly<Record<string, string>>;
  /** What the client answers when it is asked for its roots; absent: it has none to tell. */
  readonly roots?: readonly string[];
  /** Which generation of the protocol it speaks. */
  readonly mode?: "legacy" | "auto";
}

export interface Session {
  readonly client: Client;
  /** What went wrong on the pipes, such as a line that is no message. */
  readonly faults: readonly Error[];
  call(name: string, input: Record<string, unknown>): Promise<CallToolResult>;
  close(): Promise<void>;
}

export async function openSession(options: SessionOptions): Promise<Session> {
  const { roots, mode = "legacy" } = options;
  const client = new Client(
    { name: "test", version: "1" },
    { capabilities: roots ? { roots: {} } : {}, versionNegotiation: { mode } },
  );
  if (roots) client.setRequestHandler("roots/list", () => ({ roots: roots.map((uri) => ({ uri })) }));
  const faults: Error[] = [];
  client.onerror = (error) => faults.push(error);
  await client.connect(
    new StdioClientTransport({
      command: process.execPath,
      args: [options.entry ?? sourceEntry, "mcp", ...(options.args ?? [])],
      cwd: options.folder,
      env: { PATH: process.env["PATH"] ?? "", ...options.env },
    }),
  );
  await client.listTools();
  return {
    client,
    faults,
    call: (name, input) => client.callTool({ name, arguments: input }),
    close: () => client.close(),
  };
}

export function textOf(result: CallToolResult): string {
  return result.content.map((part) => (part.type === "text" ? part.text : "")).join("");
}
