// Requests for Claude itself: passed on as they are, where the person has opened that way.
import type { IncomingMessage, ServerResponse } from "node:http";
import type { App } from "../core/app.ts";
import type { PassEvent } from "../core/claude-pass.ts";
import { isNamed } from "../core/is-named.ts";
import { TaskError } from "../core/task-error.ts";
import { isAlias } from "./ask-of.ts";
import { tokenHeader } from "./guard.ts";
import type { AnswerOutcome } from "./metrics.ts";
import { ProxyError } from "./proxy-error.ts";
import { ascii, drained } from "./respond.ts";
import { cleanUrl } from "./routes.ts";

export interface PassCall {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  readonly body: Buffer;
  /** The same, parsed. */
  readonly json: unknown;
  /** What clients of the service have to know; undefined where they need not. */
  readonly token: string | undefined;
  /** Told once what became of a request that was for Claude. */
  readonly ended: (model: string, outcome: AnswerOutcome) => void;
}

export const messagesRoute = "POST /v1/messages";
const routes = new Set([messagesRoute, "POST /v1/messages/count_tokens"]);
/** What Anthropic is told of a program, besides its key. */
const toldHeaders =
  /^(?:accept|content-type|user-agent|x-app|x-client-request-id|idempotency-key|(?:anthropic|x-stainless|x-claude-code)-.+)$/;

/** Whether the person has opened the way for such requests. */
export const opensToClaude = (route: string, app: App): boolean =>
  routes.has(route) && app.settings().serviceClaude === "pass";

/** Its model has a name of Claude's, which is neither one of our aliases nor that of a model that is installed. */
async function isForClaude(json: unknown, app: App, signal: AbortSignal): Promise<boolean> {
  const model = modelOf(json);
  if (!model.startsWith("claude-") || isAlias(model)) return false;
  const installed = await app.models(signal);
  return !installed.some(({ name, place }) => place !== "cloud" && isNamed(name, model));
}

function modelOf(json: unknown): string {
  if (typeof json !== "object" || json === null || !("model" in json)) return "";
  return typeof json.model === "string" ? json.model : "";
}

/**
 * Answers the request, unless it is for a model on this machine.
 * @returns whether it was answered
 * @throws ProxyError, TaskError; AbortError
 */
export async function passToClaude(call: PassCall, app: App, signal: AbortSignal): Promise<boolean> {
  const { request, response, body, json, token } = call;
  if (!(await isForClaude(json, app, signal))) return false;
  if (token === undefined) {
    throw new ProxyError(
      403,
      "Nothing was sent to Claude: this service asks for no token, so anybody could spend your money. Start it without --no-token.",
    );
  }
  const sent = { path: cleanUrl(request.url ?? ""), headers: headersFor(request, token), body, json, token };
  try {
    for await (const event of app.passClaude(sent, signal)) await tell(event, modelOf(json), response, signal);
    response.end();
    call.ended(modelOf(json), response.statusCode < 400 ? "done" : "failed");
    return true;
  } catch (error) {
    call.ended(modelOf(json), signal.aborted ? "left" : "failed");
    // What has begun is cut off: no byte of ours may be taken for one of Claude's.
    throw error instanceof TaskError && error.kind === "cloud-refused" ? new ProxyError(401, error.message) : error;
  }
}

async function tell(event: PassEvent, model: string, response: ServerResponse, signal: AbortSignal): Promise<void> {
  if (event.kind === "bytes") {
    if (event.bytes.length > 0 && !response.write(event.bytes)) await drained(response, signal);
    return;
  }
  response.writeHead(event.status, {
    ...event.headers,
    "x-switchyard-place": "cloud",
    "x-switchyard-backend": "Claude",
    "x-switchyard-model": ascii(model),
    "x-switchyard-left-for": event.destination,
    "x-switchyard-why": "the setting serviceClaude passes requests for Claude on as they are",
  });
  response.socket?.setNoDelay(true);
  response.flushHeaders();
}

/** Nothing in which our token stands; a key of the program's own as it came. */
function headersFor({ headers }: IncomingMessage, token: string): Readonly<Record<string, string>> {
  const told = Object.entries(headers).flatMap(([name, value]) => {
    const isKey = name === "x-api-key" || (name === "authorization" && /^bearer /i.test(String(value)));
    if (value === undefined || value === "" || name === tokenHeader || !(isKey || toldHeaders.test(name))) return [];
    const text = String(value);
    return text.includes(token) ? [] : [[name, text] as const];
  });
  // Its answer is read for what it costs on its way: packed it could not be.
  return { ...Object.fromEntries(told), "accept-encoding": "identity" };
}
