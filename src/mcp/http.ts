// The tools over streamable HTTP: one address for both generations of the protocol. Who may connect is decided before.
import type { IncomingMessage, ServerResponse } from "node:http";
import { join } from "node:path";
import { toNodeHandler } from "@modelcontextprotocol/node";
import {
  createMcpHandler,
  isInitializeRequest,
  isJSONRPCRequest,
  isLegacyRequest,
  type McpServer,
  WebStandardStreamableHTTPServerTransport,
} from "@modelcontextprotocol/server";
import type { App } from "../core/app.ts";
import { keepOutput } from "./kept-output.ts";
import { createMcpServer, type McpParts } from "./server.ts";

export interface McpEndpoint {
  readonly path: string;
  /** @param body what the request holds, parsed; undefined where it holds nothing */
  handle(request: IncomingMessage, response: ServerResponse, body: unknown): Promise<void>;
  /** Ends every stream and session. */
  close(): Promise<void>;
}

export interface McpEndpointOptions {
  readonly run: App["run"];
  readonly version: string;
  /** Where the product keeps its things. */
  readonly home: string;
  readonly log: (text: string) => void;
  /** Whether files are read for a client: only where every client is this person's own program. */
  readonly readsFiles: boolean;
  readonly asksFolders?: NonNullable<McpParts["asksFolders"]>;
}

interface McpSession {
  readonly server: McpServer;
  readonly transport: WebStandardStreamableHTTPServerTransport;
  lastUsedMs: number;
}

/** Sessions that are kept at once; the one used longest ago makes room. */
const mostSessions = 256;
const sessionIdleMs = 12 * 3600_000;
/** Where nothing is heard for a minute, clients give up. */
const keepAliveMs = 10_000;

/**
 * Clients of 2025 keep a session, because only there can they be asked for their roots and can they cancel; those of
 * 2026 say everything with each request.
 */
export function createMcpEndpoint(options: McpEndpointOptions): McpEndpoint {
  const { run, version, home, log, readsFiles, asksFolders } = options;
  const keep = (text: string) => keepOutput(join(home, "mcp-output"), text, Date.now());
  const parts: McpParts = {
    app: { run },
    version,
    keep,
    nowMs: () => performance.now(),
    readsFiles,
    ...(asksFolders ? { asksFolders } : {}),
  };
  const onerror = (error: Error) => log(`mcp: ${error.message}`);
  const handler = createMcpHandler(() => createMcpServer(parts), { onerror, keepAliveMs });
  const sessions = createSessions(parts, onerror);

  async function serve(request: Request, parsedBody: unknown): Promise<Response> {
    if (!(await isLegacyRequest(request, parsedBody))) return handler.fetch(request, { parsedBody });
    const id = request.headers.get("mcp-session-id");
    // Who keeps no session gets an answer as well, as long as nothing has to be asked back.
    if (id === null) {
      return isInitializeRequest(parsedBody)
        ? sessions.begin(request, parsedBody)
        : handler.fetch(request, { parsedBody });
    }
    const transport = sessions.use(id);
    if (!transport) return unknownSession();
    cancelWhenLeft(transport, request, parsedBody);
    return transport.handleRequest(request, { parsedBody });
  }

  const onRequest = toNodeHandler({ fetch: (request, { parsedBody } = {}) => serve(request, parsedBody) }, { onerror });
  return {
    path: "/mcp",
    handle(request, response, body) {
      const { method = "GET", url = "/" } = request;
      return onRequest(Object.assign(request, { method, url }), response, body);
    },
    async close() {
      await sessions.close();
      await handler.close();
    },
  };
}

/** Of clients that keep one. */
function createSessions(parts: McpParts, onerror: (error: Error) => void) {
  const sessions = new Map<string, McpSession>();
  const end = async (id: string) => {
    const session = sessions.get(id);
    sessions.delete(id);
    await session?.server.close();
  };
  const makeRoom = async () => {
    const idle = [...sessions].filter(([, { lastUsedMs }]) => parts.nowMs() - lastUsedMs > sessionIdleMs);
    const [oldest] = [...sessions].sort(([, a], [, b]) => a.lastUsedMs - b.lastUsedMs);
    if (oldest && idle.length === 0 && sessions.size >= mostSessions) idle.push(oldest);
    for (const [id] of idle) await end(id);
  };
  return {
    async begin(request: Request, parsedBody: unknown): Promise<Response> {
      await makeRoom();
      const server = createMcpServer(parts);
      const transport = new WebStandardStreamableHTTPServerTransport({
        sessionIdGenerator: () => crypto.randomUUID(),
        onsessioninitialized: (id) => void sessions.set(id, { server, transport, lastUsedMs: parts.nowMs() }),
        onsessionclosed: (id) => void sessions.delete(id),
        keepAliveMs,
      });
      transport.onerror = onerror;
      await server.connect(transport);
      return transport.handleRequest(request, { parsedBody });
    },
    /** Undefined where it is over, or never was. */
    use(id: string): McpSession["transport"] | undefined {
      const session = sessions.get(id);
      if (session) session.lastUsedMs = parts.nowMs();
      return session?.transport;
    },
    async close(): Promise<void> {
      await Promise.all([...sessions.keys()].map(end));
    },
  };
}

/** A client whose connection is gone never hears the answer: nothing is kept for it, so the model stops. */
function cancelWhenLeft(transport: WebStandardStreamableHTTPServerTransport, request: Request, body: unknown): void {
  if (!isJSONRPCRequest(body)) return;
  const params = { requestId: body.id, reason: "The client left." };
  request.signal.addEventListener(
    "abort",
    () => transport.onmessage?.({ jsonrpc: "2.0", method: "notifications/cancelled", params }),
    { once: true },
  );
}

/** As the protocol wants it, so that the client begins a new one. */
function unknownSession(): Response {
  const error = { code: -32001, message: "Session not found" };
  return Response.json({ jsonrpc: "2.0", error, id: null }, { status: 404 });
}
