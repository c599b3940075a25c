// A small HTTP server for tests that answers as told: model servers that are slow, broken, cut off or lying.
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";

export type Handler = (request: IncomingMessage, response: ServerResponse, body: string) => unknown;

export interface ScriptedServer {
  readonly url: string;
  /** `METHOD /path` of every request, in order. */
  readonly requests: string[];
  readonly bodies: string[];
  /** How many connections were made to it. */
  connections(): number;
  close(): Promise<void>;
}

/** @param routes `METHOD /path` to what answers it; what is not listed gets Ollama's 404 */
export async function startScriptedServer(
  routes: Readonly<Record<string, Handler>>,
  host = "127.0.0.1",
): Promise<ScriptedServer> {
  const requests: string[] = [];
  const bodies: string[] = [];
  const server = createServer(async (request, response) => {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk);
    const name = `${request.method} ${request.url}`;
    const body = Buffer.concat(chunks).toString();
    requests.push(name);
    bodies.push(body);
    const handler = routes[name];
    if (handler) handler(request, response, body);
    else sendJson(response, { error: "not found" }, 404);
  });
  let connections = 0;
  server.on("connection", () => connections++);
  await new Promise<void>((resolve) => server.listen(0, host, resolve));
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://${host}:${port}`,
    requests,
    bodies,
    connections: () => connections,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

export function sendJson(response: ServerResponse, value: unknown, status = 200): void {
  response.writeHead(status, { "content-type": "application/json; charset=utf-8" }).end(JSON.stringify(value));
}

export function beginLines(response: ServerResponse): void {
  response.writeHead(200, { "content-type": "application/x-ndjson" });
}

export const tokenLine = (text: string) =>
  `${JSON.stringify({ model: "m", message: { role: "assistant", content: text }, done: false })}\n`;

/** Ollama's last line, with durations in nanoseconds. */
export const doneLine = (over: object = {}) =>
  `${JSON.stringify({
    model: "m",
    message: { role: "assistant", content: "" },
    done: true,
    done_reason: "stop",
    total_duration: 3_000_000_000,
    load_duration: 500_000_000,
    prompt_eval_count: 12,
    prompt_eval_duration: 500_000_000,
    eval_count: 40,
    eval_duration: 2_000_000_000,
    ...over,
  })}\n`;

export const noModelsLoaded: Handler = (_, response) => sendJson(response, { models: [] });

/** What an Ollama tells of itself: the models on its disk as it lists them, and that none is loaded. */
export const ollamaRoutes = (
  models: readonly object[] | (() => readonly object[]),
  version = "0.20.0",
): Readonly<Record<string, Handler>> => ({
  "GET /api/version": (_, response) => sendJson(response, { version }),
  "GET /api/tags": (_, response) => sendJson(response, { models: typeof models === "function" ? models() : models }),
  "GET /api/ps": noModelsLoaded,
});

/** A chat without messages only loads the model, and has nothing to say. */
export const loadingFirst =
  (chat: Handler): Handler =>
  (request, response, body) =>
    JSON.parse(body).messages.length === 0
      ? sendJson(response, { model: "m", done: true, done_reason: "load" })
      : chat(request, response, body);
