// The HTTP service: who may ask, what is asked, and what becomes of it.
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { Duplex } from "node:stream";
import type { App } from "../core/app.ts";
import { classify } from "../core/classify.ts";
import type { Ask, TaskKind } from "../core/task.ts";
import { isAbort, TaskError } from "../core/task-error.ts";
import type { Dialect, Outcome } from "./exchange.ts";
import { createGate, defaultLimits, type Gate } from "./gate.ts";
import { challengeHeader, knowsToken, proofOf, refuseForeign, refuseForms } from "./guard.ts";
import { createHealth } from "./health.ts";
import { createMetrics, type Metrics } from "./metrics.ts";
import { type Mount, serveMount } from "./mount.ts";
import { ProxyError, toProxyError } from "./proxy-error.ts";
import { readAnswer } from "./read-answer.ts";
import { readJson } from "./read-body.ts";
import { type Sent, sendJson, sendStream, sendWhole } from "./respond.ts";
import { createRoutes, dialectOf } from "./routes.ts";

export interface ProxyOptions {
  /** What clients have to know; undefined: nothing, which only a service for this machine may allow. */
  readonly token: string | undefined;
  /** Whether it listens for this machine alone. */
  readonly isLoopback: boolean;
  readonly version: string;
  readonly log: (level: "debug" | "info" | "warn" | "error", text: string) => void;
  readonly limits?: Readonly<Partial<Record<TaskKind, number>>>;
  /** Requests of one kind that may wait. */
  readonly maxWaiting?: number;
  readonly maxBodyBytes?: number;
  /** Longest silence of a stream, ms. */
  readonly beatMs?: number;
  /** How long a client may take for its headers, and for its whole request, ms. */
  readonly headersMs?: number;
  readonly requestMs?: number;
  /** Serves a protocol of its own; `run` is the app's, in turn with all other requests. */
  readonly mount?: (run: App["run"]) => Mount;
}

export interface ProxyServer {
  readonly server: Server;
  /** Takes nothing new, lets what is begun finish, stops what takes longer, and closes. */
  drain(limitMs: number): Promise<void>;
}

interface Parts {
  readonly app: App;
  readonly options: ProxyOptions;
  readonly gate: Gate;
  readonly metrics: Metrics;
  readonly findRoute: ReturnType<typeof createRoutes>;
  readonly health: ReturnType<typeof createHealth>;
  readonly mount: Mount | undefined;
  readonly state: { isDraining: boolean; connections: number; readonly active: Set<AbortController> };
}

const mebibyte = 1024 * 1024;

/** Listens to nothing yet. The app has to refuse by itself what may not leave: nobody is asked here. */
export function createProxy(app: App, options: ProxyOptions): ProxyServer {
  if (options.token === undefined && !options.isLoopback) {
    throw new ProxyError(500, "Other machines may connect only with a token.");
  }
  const gate = createGate({ ...defaultLimits, ...options.limits }, options.maxWaiting ?? 32, () => performance.now());
  const parts: Parts = {
    app,
    options,
    gate,
    metrics: createMetrics(),
    findRoute: createRoutes(app),
    health: createHealth(app, options.version),
    mount: options.mount?.((ask, signal) =>
      runInTurn({ app, gate }, ask, { kind: ask.kind ?? classify(ask).kind, client: "mcp" }, signal),
    ),
    state: { isDraining: false, connections: 0, active: new Set() },
  };
  const server = createServer({
    headersTimeout: options.headersMs ?? 10_000,
    requestTimeout: options.requestMs ?? 120_000,
    connectionsCheckingInterval: Math.min(1_000, options.headersMs ?? 1_000),
    keepAliveTimeout: 65_000,
    maxHeaderSize: 32 * 1024,
  });
  server.maxConnections = 2048;
  server.on("connection", (socket) => {
    parts.state.connections++;
    socket.on("close", () => parts.state.connections--);
  });
  server.on("request", (request, response) => void handle(request, response, parts, false));
  server.on("checkContinue", (request, response) => void handle(request, response, parts, true));
  server.on("clientError", refuseBroken);
  return { server, drain: (limitMs) => drain(server, parts, limitMs) };
}

/** Never rejects. */
async function handle(request: IncomingMessage, response: ServerResponse, parts: Parts, asksFirst: boolean) {
  const { active } = parts.state;
  const left = new AbortController();
  response.on("close", () => {
    // An abort that nobody needs costs more than the rest of a small request.
    if (!response.writableFinished) left.abort();
    active.delete(left);
  });
  const path = (request.url ?? "/").split("?")[0] ?? "/";
  // A client that only listens keeps nobody from stopping.
  if (request.method !== "GET" || path !== parts.mount?.path) active.add(left);
  const dialect = dialectOf(path, request.headers);
  try {
    const outcome = await decide(request, response, path, dialect, parts, left.signal, asksFirst);
    if (outcome.kind === "json") sendJson(response, outcome.status ?? 200, outcome.value);
    else if (outcome.kind === "text") response.writeHead(200, { "content-type": outcome.type }).end(outcome.text);
    else if (outcome.kind === "answer") await answer(outcome, request, response, parts, left.signal);
    parts.metrics.request(dialect.name, "done");
  } catch (error) {
    fail(error, request, response, dialect, parts);
  }
}

/** What the request is answered with; refuses before anything of its body is read where it can. */
async function decide(
  request: IncomingMessage,
  response: ServerResponse,
  path: string,
  dialect: Dialect,
  parts: Parts,
  signal: AbortSignal,
  asksFirst: boolean,
): Promise<Outcome> {
  const { options, state } = parts;
  const method = request.method === "HEAD" ? "GET" : (request.method ?? "GET");
  refuseForeign(request.headers, options.isLoopback);
  if (method === "GET" && path === "/") return { kind: "text", text: "Ollama is running", type: "text/plain" };
  const isKnown = options.token === undefined || knowsToken(request.headers, options.token);
  if (method === "GET" && path === "/health") {
    const challenge = request.headers[challengeHeader];
    const proof = options.token && typeof challenge === "string" ? proofOf(options.token, challenge) : undefined;
    return parts.health({ isKnown, proof }, state.isDraining, signal);
  }
  if (!isKnown)
    throw new ProxyError(401, "The token is missing or wrong. The command “switchyard serve --show-token” shows it.");
  if (method === "GET" && path === "/metrics") {
    const text = parts.metrics.text(parts.gate, state.connections);
    return { kind: "text", text, type: "text/plain; version=0.0.4; charset=utf-8" };
  }
  if (state.isDraining) throw stopping();
  const maxBytes = options.maxBodyBytes ?? 64 * mebibyte;
  if (path === parts.mount?.path) {
    await serveMount(parts.mount, { request, response, maxBytes, asksFirst }, signal);
    return { kind: "sent" };
  }
  const route = parts.findRoute(method, path, dialect);
  options.log("debug", `proxy: ${route.key}`);
  if (method !== "POST") return route.endpoint(undefined, signal, route.name);
  refuseForms(request.headers);
  if (asksFirst && Number(request.headers["content-length"] ?? 0) <= maxBytes) response.writeContinue();
  return route.endpoint(await readJson(request, maxBytes), signal, route.name);
}

async function answer(
  { ask, form, stops, streams }: Extract<Outcome, { kind: "answer" }>,
  request: IncomingMessage,
  response: ServerResponse,
  { app, gate, metrics, options }: Parts,
  signal: AbortSignal,
): Promise<void> {
  // The app recognises it again, with the person's corrections; here it only says in which queue to wait.
  const kind = ask.kind ?? classify(ask).kind;
  const sent: Sent = {};
  const run = (stop: AbortSignal) => runInTurn({ app, gate }, ask, { kind, client: clientOf(request) }, stop);
  const promptText = () => [ask.ownPrompt?.system, ...ask.history.map((turn) => turn.text), ask.text].join("\n");
  const events = readAnswer({ run, stops, promptText }, signal);
  const reply = { response, form, signal, beatMs: options.beatMs ?? 5_000 };
  try {
    await (streams ? sendStream(events, reply, sent) : sendWhole(events, reply, sent));
  } catch (error) {
    if (!signal.aborted) sent.error = toProxyError(error);
    throw error;
  } finally {
    metrics.answer(sent.route?.task ?? kind, sent);
  }
}

async function* runInTurn(
  { app, gate }: Pick<Parts, "app" | "gate">,
  ask: Ask,
  { kind, client }: { readonly kind: TaskKind; readonly client: string },
  stop: AbortSignal,
) {
  const leave = await gate.enter(kind, client, stop);
  try {
    yield* app.run(ask, stop);
  } finally {
    leave();
  }
}

/** Whose turn it is goes by this: sessions where a client tells them, else programs. */
function clientOf({ headers }: IncomingMessage): string {
  const session = headers["x-claude-code-session-id"];
  return String(session ?? headers["user-agent"] ?? "").slice(0, 200);
}

function fail(
  error: unknown,
  request: IncomingMessage,
  response: ServerResponse,
  dialect: Dialect,
  parts: Parts,
): void {
  if (response.destroyed || response.socket?.destroyed !== false) {
    parts.metrics.request(dialect.name, "left");
    response.destroy();
    return;
  }
  const isStopped = parts.state.isDraining && isAbort(error);
  const told = isStopped ? stopping() : toProxyError(error);
  parts.metrics.request(dialect.name, told.status < 500 ? "refused" : "failed");
  if (told.status >= 500) parts.options.log("warn", `proxy: ${told.status}, ${whatFailed(error)}`);
  if (response.headersSent) {
    response.destroy();
    return;
  }
  const { retryAfterSeconds } = told.details;
  sendJson(response, told.status, dialect.errorBody(told), {
    ...(retryAfterSeconds === undefined ? {} : { "retry-after": String(retryAfterSeconds) }),
    ...(told.status === 401 ? { "www-authenticate": "Bearer" } : {}),
    ...(parts.state.isDraining ? { connection: "close" } : {}),
  });
  // What is still being sent is thrown away, for a while: to cut it off at once would lose the answer on its way.
  if (!request.complete) setTimeout(() => request.complete || request.destroy(), 1_000).unref();
}

const stopping = () => new ProxyError(503, "The service is stopping.", { retryAfterSeconds: 5 });

/** For the log: which of our own places, never a text that came from outside. */
function whatFailed(error: unknown): string {
  if (error instanceof TaskError) return error.kind;
  if (!(error instanceof Error)) return "unknown";
  const places = [...(error.stack ?? "").matchAll(/([\w-]+\.[jt]s:\d+):\d+\)?$/gm)].map((match) => match[1]);
  return `${error.name} at ${places.slice(0, 3).join(", ")}`;
}

/** What is not HTTP, or took too long to become a request. */
function refuseBroken(error: Error & { code?: string }, socket: Duplex): void {
  if (!socket.writable) {
    socket.destroy();
    return;
  }
  const status: Readonly<Record<string, string>> = {
    ERR_HTTP_REQUEST_TIMEOUT: "408 Request Timeout",
    HPE_HEADER_OVERFLOW: "431 Request Header Fields Too Large",
  };
  socket.end(
    `HTTP/1.1 ${status[error.code ?? ""] ?? "400 Bad Request"}\r\nconnection: close\r\ncontent-length: 0\r\n\r\n`,
  );
}

async function drain(server: Server, { state, mount }: Parts, limitMs: number): Promise<void> {
  state.isDraining = true;
  const endMs = performance.now() + limitMs;
  while (state.active.size > 0 && performance.now() < endMs) await new Promise((resolve) => setTimeout(resolve, 20));
  for (const each of state.active) each.abort();
  await mount?.close();
  const closed = new Promise<void>((resolve) => server.close(() => resolve()));
  server.closeIdleConnections();
  // Those that were stopped get a moment to be told so.
  const last = setTimeout(() => server.closeAllConnections(), 200);
  await closed;
  clearTimeout(last);
}
