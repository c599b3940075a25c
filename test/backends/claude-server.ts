// Claude as its Messages API of 2026-10-21 streams it, on this machine: every event in its order, and every way to fail.
import { createServer, type IncomingHttpHeaders, type ServerResponse } from "node:http";
import { setTimeout as sleep } from "node:timers/promises";
import { cloudModels } from "../../src/core/cost.ts";

export interface ClaudeRequest {
  readonly method: string;
  /** With its query. */
  readonly path: string;
  readonly headers: IncomingHttpHeaders;
  /** Parsed; undefined where there is none. */
  readonly body: unknown;
  /** As it came. */
  readonly bytes: Buffer;
  readonly atMs: number;
  /** `performance.now()` at which the connection closed before the answer was whole; undefined as long as it did not. */
  closedAtMs?: number;
}

/** Answers one request for a message. */
export type ClaudeReply = (response: ServerResponse, request: ClaudeRequest) => unknown;

export interface ClaudeServer {
  readonly url: string;
  readonly requests: ClaudeRequest[];
  /** Answers from now on, one after the other; the last of them again and again. */
  answerWith(...script: ClaudeReply[]): void;
  stop(): Promise<void>;
}

/** Keys that begin so are taken. */
export const testKey = "sk-ant-test-0123456789abcdefghijklmnop";
const goodKey = /^sk-ant-test/;
const apiVersions = new Set(["2023-06-01", "2026-10-21"]);

export async function startClaudeServer(script: readonly ClaudeReply[] = [answer()]): Promise<ClaudeServer> {
  const requests: ClaudeRequest[] = [];
  let replies = [...script];
  const server = createServer(async (incoming, response) => {
    const chunks: Buffer[] = [];
    for await (const chunk of incoming) chunks.push(chunk);
    const bytes = Buffer.concat(chunks);
    const text = bytes.toString();
    const request: ClaudeRequest = {
      method: incoming.method ?? "",
      path: incoming.url ?? "",
      headers: incoming.headers,
      body: text === "" ? undefined : parseBody(text),
      bytes,
      atMs: performance.now(),
    };
    requests.push(request);
    response.on("close", () => {
      if (!response.writableFinished) request.closedAtMs = performance.now();
    });
    response.setHeader("request-id", `req_test${requests.length}`);
    const wrong = refusalOf(request);
    if (wrong) wrong(response, request);
    else if (new URL(request.path, "http://x").pathname !== "/v1/messages") smallAnswer(response, request);
    else await (replies.length > 1 ? replies.shift() : replies[0])?.(response, request);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  return {
    url: `http://127.0.0.1:${typeof address === "object" ? address?.port : ""}`,
    requests,
    answerWith: (...next) => {
      replies = next;
    },
    stop: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

/** What the real one refuses before it asks a model. */
function refusalOf({ method, path, headers, body }: ClaudeRequest): ClaudeReply | undefined {
  const key = headers["x-api-key"] ?? headers.authorization?.replace(/^Bearer /, "");
  if (typeof key !== "string" || !goodKey.test(key)) return refuse(401, "authentication_error", "invalid x-api-key");
  const version = String(headers["anthropic-version"] ?? "");
  if (!apiVersions.has(version))
    return refuse(400, "invalid_request_error", "anthropic-version: is not a valid version");
  const { pathname } = new URL(path, "http://x");
  const route = `${method} ${pathname}`;
  if (route === "GET /v1/models") return undefined;
  if (route !== "POST /v1/messages" && route !== "POST /v1/messages/count_tokens") {
    return refuse(404, "not_found_error", "Not Found");
  }
  const wrong = complaint(fieldsOf(body), version, pathname);
  return wrong === undefined ? undefined : refuse(400, "invalid_request_error", wrong);
}

function complaint(body: Fields, version: string, pathname: string): string | undefined {
  const required = pathname === "/v1/messages" ? ["model", "max_tokens", "messages"] : ["model", "messages"];
  for (const name of required) if (body[name] === undefined) return `${name}: Field required`;
  if (pathname !== "/v1/messages" && body["max_tokens"] !== undefined) {
    return "max_tokens: Extra inputs are not permitted";
  }
  const sampling = ["temperature", "top_p", "top_k"].filter((name) => body[name] !== undefined);
  if (version !== "2023-06-01" && sampling[0]) return `${sampling[0]}: Extra inputs are not permitted`;
  if (sampling.length > 1) return "`temperature` and `top_p` cannot both be specified for this model.";
  const messages = Array.isArray(body["messages"]) ? body["messages"] : [];
  if (messages.length === 0) return "messages: at least one message is required";
  const isEmpty = messages.some((each) =>
    [fieldsOf(each)["content"]].flat().some((block) => fieldsOf(block)["text"] === ""),
  );
  return isEmpty ? "messages: text content blocks must be non-empty" : undefined;
}

/** Lists and counts: answers of one piece. */
function smallAnswer(response: ServerResponse, { path, body }: ClaudeRequest): void {
  if (!path.startsWith("/v1/models")) {
    sendJson(response, 200, { input_tokens: Math.ceil(JSON.stringify(fieldsOf(body)["messages"]).length / 4) });
    return;
  }
  const data = cloudModels.map(({ name, title, contextTokens, maxAnswerTokens }) => ({
    type: "model",
    id: name,
    display_name: title,
    created_at: "2026-09-01T00:00:00Z",
    lifecycle: "active",
    max_input_tokens: contextTokens,
    max_tokens: maxAnswerTokens,
  }));
  sendJson(response, 200, { data, has_more: false, first_id: data[0]?.id, last_id: data.at(-1)?.id });
}

export type ServerEvent = Readonly<{ type: string }> & Readonly<Record<string, unknown>>;

export const ping: ServerEvent = { type: "ping" };
export const overloaded: ServerEvent = { type: "error", error: { type: "overloaded_error", message: "Overloaded" } };

export interface Usage {
  readonly input_tokens?: number | null;
  readonly cache_creation_input_tokens?: number | null;
  readonly cache_read_input_tokens?: number | null;
  readonly output_tokens?: number | null;
  readonly server_tool_use?: { readonly web_search_requests: number };
}

export interface AnswerOptions {
  readonly texts?: readonly string[];
  readonly thoughts?: readonly string[];
  readonly stopReason?: string;
  readonly stopDetails?: object;
  readonly usage?: Usage;
  /** Between two events. */
  readonly pauseMs?: number;
  /** Blocks between thinking and text, each with its own events. */
  readonly between?: readonly ServerEvent[];
}

const shortAnswer = [
  "## Answer\n\n",
  "It is **short",
  "**, in markdown:\n\n",
  "```ts\nconst one",
  " = 1;\n```\n",
  "\nThat is all.",
];

/** The events of a whole answer, in the order they come. */
export function answerEvents(options: AnswerOptions = {}): ServerEvent[] {
  const { texts = shortAnswer, thoughts = [], stopReason = "end_turn", stopDetails = null, between = [] } = options;
  const usage = { input_tokens: 25, cache_creation_input_tokens: 0, cache_read_input_tokens: 0, ...options.usage };
  const thinking =
    thoughts.length === 0
      ? []
      : block(0, { type: "thinking", thinking: "", signature: "" }, [
          ...thoughts.map((thought) => ({ type: "thinking_delta", thinking: thought })),
          { type: "signature_delta", signature: "EqQBCgIYAhIM1gbcDa9GJwZA2b3h" },
        ]);
  return [
    {
      type: "message_start",
      message: {
        id: "msg_01TestTestTestTestTest",
        type: "message",
        role: "assistant",
        model: "claude-sonnet-5-5",
        content: [],
        stop_reason: null,
        stop_sequence: null,
        usage: { ...usage, output_tokens: 1 },
      },
    },
    ...thinking,
    ...between,
    ...block(
      thoughts.length === 0 ? 0 : 1,
      { type: "text", text: "" },
      texts.map((text) => ({ type: "text_delta", text })),
    ),
    {
      type: "message_delta",
      delta: { stop_reason: stopReason, stop_sequence: null, stop_details: stopDetails },
      usage: { ...usage, output_tokens: 40, ...options.usage },
    },
    { type: "message_stop" },
  ];
}

/** One block of an answer: its start, its pieces, its end. */
export function block(index: number, start: object, deltas: readonly object[]): ServerEvent[] {
  return [
    { type: "content_block_start", index, content_block: start },
    ...deltas.map((delta) => ({ type: "content_block_delta", index, delta })),
    { type: "content_block_stop", index },
  ];
}

/** As they go over the wire. */
export function wire(events: readonly ServerEvent[]): Buffer {
  return Buffer.from(events.map((event) => `event: ${event.type}\ndata: ${JSON.stringify(event)}\n\n`).join(""));
}

/** Streams a whole answer; without options a short one in markdown, with small pauses. */
export function answer(options: AnswerOptions = {}): ClaudeReply {
  return sendEvents(answerEvents(options), { pauseMs: options.pauseMs ?? 15 });
}

export interface SendOptions {
  readonly pauseMs?: number;
  /** `end`: as it should; `cut`: the connection breaks; `hang`: nothing more comes. */
  readonly ending?: "end" | "cut" | "hang";
}

export function sendEvents(events: readonly ServerEvent[], options: SendOptions = {}): ClaudeReply {
  return sendPieces(
    events.map((event) => wire([event])),
    options,
  );
}

/** Each piece in a packet of its own. */
export function sendPieces(pieces: readonly Uint8Array[], options: SendOptions = {}): ClaudeReply {
  const { pauseMs = 0, ending = "end" } = options;
  return async (response) => {
    response.socket?.setNoDelay(true);
    response.writeHead(200, { "content-type": "text/event-stream; charset=utf-8", "cache-control": "no-cache" });
    response.flushHeaders();
    for (const piece of pieces) {
      if (response.destroyed) return;
      await new Promise<void>((resolve) => response.write(piece, () => resolve()));
      if (pauseMs > 0) await sleep(pauseMs);
    }
    if (ending === "end") response.end();
    if (ending === "cut") response.destroy();
  };
}

/** An error as the real one words it. */
export function refuse(
  status: number,
  type: string,
  message: string,
  headers: Readonly<Record<string, string>> = {},
): ClaudeReply {
  return (response) =>
    sendJson(response, status, { type: "error", error: { type, message }, request_id: "req_test" }, headers);
}

/** The connection is gone before a byte of an answer. */
export const hangUp: ClaudeReply = (response) => response.destroy();

/** Connected, and nothing ever comes. */
export const saysNothing: ClaudeReply = () => undefined;

function sendJson(response: ServerResponse, status: number, value: unknown, headers: object = {}): void {
  response.writeHead(status, { "content-type": "application/json", ...headers }).end(JSON.stringify(value));
}

type Fields = Readonly<Record<string, unknown>>;

/** Empty for what is no object. */
export function fieldsOf(value: unknown): Fields {
  return typeof value === "object" && value !== null ? (value as Fields) : {};
}

function parseBody(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

export const quick = (...texts: readonly string[]) => answer({ texts, pauseMs: 0 });

/** Sends these bytes and then nothing, or what is given. */
export const stopAfter =
  (bytes: Uint8Array, last: (response: Parameters<ClaudeReply>[0]) => void = () => undefined): ClaudeReply =>
  (response) => {
    response.writeHead(200, { "content-type": "text/event-stream" });
    response.write(bytes, () => setTimeout(() => last(response), 20));
  };
