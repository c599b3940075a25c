// The service over the real app and a scripted model server.
import { mkdtemp, rm } from "node:fs/promises";
import { request as httpRequest } from "node:http";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { onTestFinished } from "vitest";
import { createApp } from "../../src/app.ts";
import type { App, AppOptions } from "../../src/core/app.ts";
import { defaultSettings, type Settings } from "../../src/core/settings.ts";
import { createProxy, type ProxyOptions, type ProxyServer } from "../../src/proxy/server.ts";
import {
  beginLines,
  doneLine,
  type Handler,
  ollamaRoutes,
  type ScriptedServer,
  startScriptedServer,
  tokenLine,
} from "../backends/scripted-server.ts";

export const token = "sy-canary-3f1e";

export interface Running {
  readonly url: string;
  readonly port: number;
  readonly proxy: ProxyServer;
  readonly app: App;
  readonly ollama: ScriptedServer;
  readonly log: string[];
  /** What the model was asked, parsed. */
  asked(): readonly ModelAsk[];
}

export interface ModelAsk {
  readonly model: string;
  readonly messages: readonly {
    readonly role: string;
    readonly content: string;
    readonly images?: readonly string[];
    readonly tool_calls?: readonly unknown[];
  }[];
  readonly tools?: readonly unknown[];
  readonly think?: boolean | string;
  readonly keep_alive?: unknown;
  readonly options: Readonly<Record<string, unknown>>;
  readonly format?: unknown;
}

/** As Ollama lists a model. */
export const tag = (name: string, ...capabilities: readonly string[]) => ({
  name,
  size: 1000,
  digest: `digest of ${name}`,
  details: { context_length: 8192 },
  capabilities,
});

/** The two that are always there: one here, one that computes elsewhere. */
const models = [
  {
    name: "llama3.1:8b",
    size: 1000,
    digest: "d1",
    details: { parameter_size: "8B", quantization_level: "Q4_K_M", context_length: 8192 },
    capabilities: ["completion"],
  },
  {
    name: "big:cloud",
    size: 0,
    digest: "d2",
    details: { context_length: 8192 },
    capabilities: ["completion"],
    remote_host: "https://ollama.com",
    remote_model: "big",
  },
];

/** A line in which the model calls tools. */
export const callsLine = (...calls: readonly { readonly name: string; readonly arguments: object }[]) =>
  `${JSON.stringify({
    model: "m",
    message: { role: "assistant", content: "", tool_calls: calls.map((call) => ({ function: call })) },
    done: false,
  })}\n`;

/** Sends these lines. */
export const sayLines =
  (...lines: readonly string[]): Handler =>
  (_, response) => {
    beginLines(response);
    response.end(lines.join(""));
  };

/** Answers “Hello 世界” in three tokens. */
export const sayHello: Handler = (_, response) => {
  beginLines(response);
  response.write(tokenLine("Hello "));
  response.write(tokenLine("世"));
  response.end(tokenLine("界") + doneLine());
};

/** Tokens without end, until the caller leaves; `onLeave` is told when. */
export const sayForever =
  (onLeave: () => void): Handler =>
  (_, response) => {
    beginLines(response);
    const timer = setInterval(() => response.write(tokenLine(`word${Math.random()} `)), 5);
    response.on("close", () => {
      clearInterval(timer);
      onLeave();
    });
  };

export async function startProxy(
  over: {
    chat?: Handler;
    ps?: Handler;
    /** Besides the two that are always there. */
    models?: readonly object[];
    routes?: Readonly<Record<string, Handler>>;
    options?: Partial<ProxyOptions>;
    settings?: Partial<Settings>;
    app?: Partial<AppOptions>;
    /** Requests that the model server takes at the same time. */
    slots?: number;
  } = {},
): Promise<Running> {
  const home = await mkdtemp(join(tmpdir(), "switchyard-proxy-"));
  onTestFinished(() => rm(home, { recursive: true, force: true }));
  const ollama = await startScriptedServer({
    ...ollamaRoutes([...models, ...(over.models ?? [])], "0.13.0"),
    ...(over.ps && { "GET /api/ps": over.ps }),
    "POST /api/chat": over.chat ?? sayHello,
    ...over.routes,
  });
  onTestFinished(() => ollama.close());
  const slots = over.slots === undefined ? {} : { nodes: [{ url: ollama.url, slots: over.slots }] };
  const app = createApp({
    settings: { ...defaultSettings, engine: "ollama", ollamaUrl: ollama.url, ...slots, ...over.settings },
    folders: { home, engineEntry: "none" },
    log: () => undefined,
    env: {},
    askedBy: "proxy",
    ...over.app,
  });
  onTestFinished(() => app.dispose());
  const log: string[] = [];
  const options = { token, isLoopback: true, version: "1.2.3", log: (_: string, text: string) => log.push(text) };
  const proxy = createProxy(app, { ...options, ...over.options });
  await new Promise<void>((resolve) => proxy.server.listen(0, "127.0.0.1", resolve));
  onTestFinished(() => proxy.drain(0));
  const address = proxy.server.address();
  const port = typeof address === "object" && address !== null ? address.port : 0;
  return {
    url: `http://127.0.0.1:${port}`,
    port,
    proxy,
    app,
    ollama,
    log,
    asked: () =>
      ollama.requests.flatMap((request, at) =>
        request === "POST /api/chat" ? [JSON.parse(ollama.bodies[at] ?? "{}")] : [],
      ),
  };
}

export const known = { authorization: `Bearer ${token}`, "content-type": "application/json" };

export function post(url: string, path: string, body: unknown, init: RequestInit = {}): Promise<Response> {
  const text = typeof body === "string" ? body : JSON.stringify(body);
  return fetch(`${url}${path}`, { method: "POST", headers: known, body: text, ...init });
}

export interface RawAnswer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly text: string;
}

/** With headers that `fetch` does not let be set, such as Host and Origin. */
export function rawRequest(
  port: number,
  { method = "GET", path = "/api/tags", headers = {}, body = "" }: RawRequest,
): Promise<RawAnswer> {
  return new Promise((resolve, reject) => {
    const request = httpRequest({ port, host: "127.0.0.1", method, path, headers, agent: false }, (response) => {
      let text = "";
      response.setEncoding("utf8");
      response.on("data", (piece) => {
        text += piece;
      });
      response.on("end", () => resolve({ status: response.statusCode ?? 0, headers: response.headers, text }));
    });
    request.on("error", reject);
    request.end(body);
  });
}

interface RawRequest {
  readonly method?: string;
  readonly path?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
}

/** Bytes as they are, and everything that comes back until the other side closes, with how long that took. */
export function rawBytes(port: number, ...pieces: readonly string[]): Promise<{ text: string; ms: number }> {
  return new Promise((resolve) => {
    const startMs = performance.now();
    let text = "";
    const socket = connect(port, "127.0.0.1", () => {
      for (const piece of pieces) socket.write(piece);
    });
    socket.on("data", (data) => {
      text += data.toString();
    });
    socket.on("error", () => undefined);
    socket.on("close", () => resolve({ text, ms: performance.now() - startMs }));
  });
}

export async function until(isSo: () => boolean, limitMs = 30_000): Promise<number> {
  const startMs = performance.now();
  while (!isSo()) {
    if (performance.now() - startMs > limitMs) throw new Error("did not come about");
    await new Promise((resolve) => setTimeout(resolve, 2));
  }
  return performance.now() - startMs;
}
