// The HTTP side of the built-in engine. Loopback only, and only for programs: a web page in a browser gets nothing.
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import { reasonOf } from "../../core/reason-of.ts";
import type { Answer, Route } from "./api.ts";
import { EngineError } from "./engine-error.ts";

const maxBodyBytes = 64 * 1024 * 1024;

export interface ServerHooks {
  /** Called for `GET /switchyard/lease`: somebody uses the engine until the request closes. */
  readonly onLease: (request: IncomingMessage, response: ServerResponse) => void;
  readonly onRequest: () => void;
  readonly identity: () => Readonly<Record<string, unknown>>;
}

export function createEngineServer(routes: Readonly<Record<string, Route>>, hooks: ServerHooks): Server {
  // Longer than clients keep a connection that rests: none is closed at the moment it is used again.
  return createServer({ keepAliveTimeout: 65_000 }, (request, response) => {
    handle(request, response, routes, hooks).catch((error: unknown) => sendError(response, error));
  });
}

async function handle(
  request: IncomingMessage,
  response: ServerResponse,
  routes: Readonly<Record<string, Route>>,
  hooks: ServerHooks,
): Promise<void> {
  refuseForeign(request);
  const path = (request.url ?? "/").split("?")[0] ?? "/";
  const method = request.method === "HEAD" ? "GET" : (request.method ?? "GET");
  if (path === "/") {
    response.writeHead(200, { "content-type": "text/plain" }).end("Ollama is running");
    return;
  }
  if (path === "/switchyard/identity") return sendJson(response, 200, hooks.identity());
  if (path === "/switchyard/lease") return hooks.onLease(request, response);
  const route = routes[`${method} ${path}`];
  if (!route) throw new EngineError(404, `${method} ${path} is not part of this server`);
  hooks.onRequest();
  const body = await readJson(request);
  const left = new AbortController();
  response.on("close", () => left.abort());
  await send(response, await route(body, left.signal));
}

/** Against web pages that reach for local servers: a rebound name shows in Host, a foreign page in Origin. */
function refuseForeign(request: IncomingMessage): void {
  const host = (request.headers.host ?? "").replace(/:\d+$/, "");
  if (!["127.0.0.1", "localhost", "[::1]"].includes(host))
    throw new EngineError(403, "this server answers its own machine only");
  if (request.headers.origin !== undefined) throw new EngineError(403, "this server does not answer web pages");
}

async function readJson(request: IncomingMessage): Promise<unknown> {
  const chunks: Buffer[] = [];
  let size = 0;
  if (Number(request.headers["content-length"] ?? 0) > maxBodyBytes) throw tooLarge();
  for await (const chunk of request) {
    size += chunk.length;
    if (size > maxBodyBytes) throw tooLarge();
    chunks.push(chunk);
  }
  if (size === 0) return {};
  try {
    return JSON.parse(Buffer.concat(chunks).toString("utf8"));
  } catch {
    throw new EngineError(400, "the request is not JSON");
  }
}

function tooLarge(): EngineError {
  return new EngineError(413, `the request is larger than ${maxBodyBytes} bytes`);
}

async function send(response: ServerResponse, answer: Answer): Promise<void> {
  if (answer.kind === "json") return sendJson(response, 200, answer.value);
  response.writeHead(200, { "content-type": "application/x-ndjson" });
  response.socket?.setNoDelay(true);
  try {
    for await (const line of answer.lines) {
      if (response.destroyed) return;
      response.write(`${JSON.stringify(line)}\n`);
    }
    response.end();
  } catch (error) {
    // The status is sent: from here on a failure is a line.
    response.end(`${JSON.stringify({ error: reasonOf(error) })}\n`);
  }
}

function sendJson(response: ServerResponse, status: number, value: unknown): void {
  response.writeHead(status, { "content-type": "application/json; charset=utf-8" }).end(JSON.stringify(value));
}

function sendError(response: ServerResponse, error: unknown): void {
  if (response.destroyed) return;
  if (response.headersSent) {
    response.destroy();
    return;
  }
  const isOurs = error instanceof EngineError;
  sendJson(response, isOurs ? error.status : 500, { error: reasonOf(error), ...(isOurs ? error.fields : {}) });
}
