// The HTTP service: who may ask, what is asked, and what becomes of it.
import {
  createServer,
  type IncomingHttpHeaders,
  type IncomingMessage,
  type Server,
  type ServerResponse,
} from "node:http";
import type { App } from "../core/app.ts";
import { classify } from "../core/classify.ts";
import { isAbort } from "../core/task-error.ts";
import { challengeHeader, proofOf } from "../service/proof.ts";
import { refuseBroken, whatFailed } from "./broken.ts";
import { clientOf, conversationOf, tellWait } from "./client.ts";
import type { Dialect, Outcome } from "./exchange.ts";
import { createTokenCheck, refuseForeign, refuseForms } from "./guard.ts";
import type { Handled, Tracing } from "./handled.ts";
import { createHealth } from "./health.ts";
import { createHostReader, thisHost } from "./host-figures.ts";
import { createLifetime, type Lifetime, type ServiceState } from "./lifetime.ts";
import { createMetrics, type Metrics } from "./metrics.ts";
import { type Mount, mountAt, serveMount } from "./mount.ts";
import { messagesRoute, opensToClaude, passToClaude } from "./pass-claude.ts";
import { ProxyError, toProxyError } from "./proxy-error.ts";
import { readAnswer } from "./read-answer.ts";
import { jsonIn, readBytes } from "./read-body.ts";
import { type Sent, sendJson, sendStream, sendWhole } from "./respond.ts";
import { createRoutes, dialectOf, pathOf, queryOf } from "./routes.ts";

export interface ProxyOptions {
  /** What clients have to know; undefined: nothing, which only a service for this machine may allow. */
  readonly token: string | undefined;
  /** Whether it listens for this machine alone. */
  readonly isLoopback: boolean;
  readonly version: string;
  readonly log: (level: "debug" | "info" | "warn" | "error", text: string) => void;
  readonly maxBodyBytes?: number;
  /** Longest silence of a stream, ms. */
  readonly beatMs?: number;
  /** How long a client may take for its headers, and for its whole request, ms. */
  readonly headersMs?: number;
  readonly requestMs?: number;
  /** Protocols of their own; `run` is the app's, in turn with all other requests. */
  readonly mounts?: (run: App["run"]) => readonly Mount[];
  /** What the person should know, for whoever asks how the service is. */
  readonly notice?: () => string | undefined;
  readonly tracing?: Tracing;
  /** Hears which program asked for what, never what it said. */
  readonly seen?: (route: string, agent: string) => void;
}

export interface ProxyServer extends Lifetime {
  readonly server: Server;
}

interface Parts {
  readonly app: App;
  readonly options: ProxyOptions;
  readonly metrics: Metrics;
  readonly findRoute: ReturnType<typeof createRoutes>;
  readonly health: ReturnType<typeof createHealth>;
  readonly mounts: readonly Mount[];
  readonly state: ServiceState;
  readonly isKnown: (headers: IncomingHttpHeaders) => boolean;
}

const mebibyte = 1024 * 1024;

/** Listens to nothing yet. The app has to refuse by itself what may not leave: nobody is asked here. */
export function createProxy(app: App, options: ProxyOptions): ProxyServer {
  if (options.token === undefined && !options.isLoopback) {
    throw new ProxyError(500, "Other machines may connect only with a token.");
  }
  const state: ServiceState = {
    isDraining: false,
    connections: 0,
    open: 0,
    lastMs: performance.now(),
    active: new Set(),
  };
  const { version } = options;
  const parts: Parts = {
    app,
    options,
    metrics: createMetrics({
      app,
      version,
      host: createHostReader(thisHost),
      connections: () => state.connections,
    }),
    findRoute: createRoutes(app, options.token !== undefined),
    mounts: options.mounts?.((ask, signal) => app.run({ ...ask, client: "mcp" }, signal)) ?? [],
    health: createHealth(app, options),
    state,
    isKnown: options.token === undefined ? () => true : createTokenCheck(options.token),
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
    state.connections++;
    socket.on("close", () => state.connections--);
  });
  server.on("request", (request, response) => void handle(request, response, parts, false));
  server.on("checkContinue", (request, response) => void handle(request, response, parts, true));
  server.on("clientError", refuseBroken);
  return { server, ...createLifetime(server, state, parts.mounts) };
}

/** One request while it is being handled. */
interface Call {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  readonly path: string;
  readonly dialect: Dialect;
  /** Waits to be told before it sends its body. */
  readonly asksFirst: boolean;
  /** Aborted when the client leaves. */
  readonly signal: AbortSignal;
  /** As in the table of routes, once it is found. */
  route: string;
  /** What became of the answer, where a model is asked. */
  sent?: Sent;
}

/** Never rejects. */
async function handle(request: IncomingMessage, response: ServerResponse, parts: Parts, asksFirst: boolean) {
  const { state } = parts;
  const left = new AbortController();
  state.open++;
  response.on("close", () => {
    state.open--;
    state.lastMs = performance.now();
    // An abort that nobody needs costs more than the rest of a small request.
    if (!response.writableFinished) left.abort();
    state.active.delete(left);
  });
  const path = pathOf(request.url ?? "/");
  // A client that only listens keeps nobody from stopping.
  if (request.method !== "GET" || !mountAt(path, parts.mounts)) state.active.add(left);
  const dialect = dialectOf(path, request.headers);
  const call: Call = { request, response, path, dialect, asksFirst, signal: left.signal, route: "" };
  const startMs = parts.options.tracing ? Date.now() : 0;
  try {
    const outcome = await decide(call, parts);
    if (outcome.kind === "json") sendJson(response, outcome.status ?? 200, outcome.value);
    else if (outcome.kind === "text") response.writeHead(200, { "content-type": outcome.type }).end(outcome.text);
    else if (outcome.kind === "answer") await answer(outcome, call, parts);
    count(outcome, call, parts);
  } catch (error) {
    fail(error, call, parts);
  }
  if (call.route !== "") parts.options.tracing?.handled(handled(call, startMs));
}

/** Who has sent an answer itself has also said so where it was an error. */
function count({ kind }: Outcome, { response, dialect, sent }: Call, { metrics }: Parts): void {
  const status = kind === "sent" ? response.statusCode : 200;
  if (status >= 400) metrics.refused(dialect.name, status);
  const isFailed = sent?.error !== undefined || status >= 500;
  metrics.request(dialect.name, isFailed ? "failed" : status >= 400 ? "refused" : "done");
}

function handled({ route, dialect, response, request, sent }: Call, startMs: number): Handled {
  const parent = request.headers["traceparent"];
  return {
    route,
    dialect: dialect.name,
    status: response.statusCode,
    traceParent: typeof parent === "string" ? parent : undefined,
    startMs,
    endMs: Date.now(),
    sent,
  };
}

/** What the request is answered with; refuses before anything of its body is read where it can. */
async function decide(call: Call, parts: Parts): Promise<Outcome> {
  const { request, response, path, dialect, signal } = call;
  const { options, state } = parts;
  const method = request.method === "HEAD" ? "GET" : (request.method ?? "GET");
  refuseForeign(request.headers, options.isLoopback);
  if (method === "GET" && path === "/") return { kind: "text", text: "Ollama is running", type: "text/plain" };
  const isKnown = parts.isKnown(request.headers);
  if (method === "GET" && path === "/health") {
    const challenge = request.headers[challengeHeader];
    const proof = options.token && typeof challenge === "string" ? proofOf(options.token, challenge) : undefined;
    return parts.health({ isKnown, proof }, state.isDraining, signal);
  }
  if (!isKnown)
    throw new ProxyError(401, "The token is missing or wrong. The command “switchyard serve --show-token” shows it.");
  if (method === "GET" && path === "/metrics") {
    return { kind: "text", text: await parts.metrics.text(), type: "text/plain; version=0.0.4; charset=utf-8" };
  }
  if (state.isDraining) throw stopping();
  const maxBytes = options.maxBodyBytes ?? 64 * mebibyte;
  const mount = mountAt(path, parts.mounts);
  const agent = request.headers["user-agent"] ?? "";
  if (mount) {
    options.seen?.(`${method} ${mount.path}`, agent);
    await serveMount(mount, { request, response, maxBytes, asksFirst: call.asksFirst }, signal);
    return { kind: "sent" };
  }
  const route = parts.findRoute(method, path, dialect);
  call.route = route.key;
  options.log("debug", `proxy: ${route.key}`);
  options.seen?.(route.key, agent);
  if (method !== "POST") return route.endpoint(queryOf(request.url ?? ""), signal, route.name);
  refuseForms(request.headers);
  if (call.asksFirst && Number(request.headers["content-length"] ?? 0) <= maxBytes) response.writeContinue();
  const body = await readBytes(request, maxBytes);
  const json = jsonIn(body);
  const ended = route.key === messagesRoute ? parts.metrics.passed : () => undefined;
  const pass = { request, response, body, json, token: options.token, ended };
  if (opensToClaude(route.key, parts.app) && (await passToClaude(pass, parts.app, signal))) return { kind: "sent" };
  return route.endpoint(json, signal, route.name);
}

async function answer(
  { ask: wanted, form, stops, streams }: Extract<Outcome, { kind: "answer" }>,
  call: Call,
  { app, metrics, options }: Parts,
): Promise<void> {
  const { request, response, signal } = call;
  const conversation = wanted.conversation ?? conversationOf(request);
  const ask = { ...wanted, client: clientOf(request), ...(conversation === undefined ? {} : { conversation }) };
  const sent: Sent = {};
  call.sent = sent;
  // Of what was refused before it was routed, for the figures only.
  const kind = () => sent.route?.task ?? ask.kind ?? classify(ask).kind;
  const startMs = performance.now();
  const waited = (ms: number) => metrics.waited(kind(), ms);
  const promptText = () => [ask.ownPrompt?.system, ...ask.history.map((turn) => turn.text), ask.text].join("\n");
  const events = readAnswer({ events: tellWait(app.run(ask, signal), waited), stops, promptText });
  const reply = { response, form, signal, beatMs: options.beatMs ?? 5_000 };
  try {
    await (streams ? sendStream(events, reply, sent) : sendWhole(events, reply, sent));
  } catch (error) {
    if (!signal.aborted) sent.error = toProxyError(error);
    throw error;
  } finally {
    metrics.answer(kind(), sent, performance.now() - startMs);
  }
}

function fail(error: unknown, { request, response, dialect }: Call, parts: Parts): void {
  if (response.destroyed || response.socket?.destroyed !== false) {
    parts.metrics.request(dialect.name, "left");
    response.destroy();
    return;
  }
  const isStopped = parts.state.isDraining && isAbort(error);
  const told = isStopped ? stopping() : toProxyError(error);
  parts.metrics.request(dialect.name, told.status < 500 ? "refused" : "failed");
  parts.metrics.refused(dialect.name, told.status);
  if (told.status >= 500) parts.options.log("warn", `proxy: ${told.status}, ${whatFailed(error)}`);
  if (response.headersSent) {
    response.destroy();
    return;
  }
  const { retryAfterSeconds, allow } = told.details;
  sendJson(response, told.status, dialect.errorBody(told), {
    ...(retryAfterSeconds === undefined ? {} : { "retry-after": String(retryAfterSeconds) }),
    ...(allow === undefined ? {} : { allow }),
    ...(told.status === 401 ? { "www-authenticate": "Bearer" } : {}),
    ...(parts.state.isDraining ? { connection: "close" } : {}),
  });
  // What is still being sent is thrown away, for a while: to cut it off at once would lose the answer on its way.
  if (!request.complete) setTimeout(() => request.complete || request.destroy(), 1_000).unref();
}

const stopping = () => new ProxyError(503, "The service is stopping.", { retryAfterSeconds: 5 });
