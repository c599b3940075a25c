// The way to Claude for bytes that are nobody's to change.
import type { Dispatcher, request } from "undici";
import type { PassEvent, PassRequest } from "../core/claude-pass.ts";
import { msg } from "../core/message.ts";
import { TaskError } from "../core/task-error.ts";
import { claudeAddress } from "./claude.ts";
import { lostClaude } from "./claude-errors.ts";
import { isLoopback } from "./find-nodes.ts";
import { abortError, wasConnected } from "./server-errors.ts";

export interface ClaudeLine {
  /** Host that is asked now. */
  destination(): string;
  /**
   * Asks once and follows nobody elsewhere.
   * @throws TaskError `server-unreachable` where nothing was sent, `server-lost`, `bad-response`; AbortError
   */
  send(sent: Pick<PassRequest, "path" | "headers" | "body">, signal: AbortSignal): AsyncIterable<PassEvent>;
  dispose(): Promise<void>;
}

type Undici = Pick<typeof import("undici"), "Agent" | "EnvHttpProxyAgent" | "request">;

/** Of the answer; all others are about a connection that is not the program's. */
const toldHeaders =
  /^(?:content-(?:type|length|encoding)|cache-control|request-id|retry-after(?:-ms)?|x-should-retry|anthropic-.+)$/;
/** Until an answer that is not streamed begins, and between two pieces of one that is: there is a `ping` in between. */
const limits = { headersTimeout: 10 * 60_000, bodyTimeout: 5 * 60_000, connectTimeout: 15_000 };

/** @param baseUrl of Claude or of a gateway to it; empty: Claude's own */
export function createClaudeLine(baseUrl: () => string, env: Readonly<Record<string, string | undefined>>): ClaudeLine {
  const opened = new Map<boolean, Dispatcher>();
  const dispatcherFor = ({ Agent, EnvHttpProxyAgent }: Undici, isInside: boolean): Dispatcher => {
    // Claude is reached as other programs reach it: through the proxy of the environment, where there is one.
    const found =
      opened.get(isInside) ?? (isInside ? new Agent(limits) : new EnvHttpProxyAgent({ ...limits, ...proxyIn(env) }));
    opened.set(isInside, found);
    return found;
  };
  return {
    destination: () => claudeAddress(baseUrl()).host,
    async *send({ path, headers, body }, signal) {
      const address = claudeAddress(baseUrl());
      // All of it is large, and few pass anything to Claude.
      // Bundled, it has no names of its own: it is CommonJS.
      const { default: undici } = await import("undici");
      const dispatcher = dispatcherFor(undici, isLoopback(address.href));
      const url = address.href.replace(/\/+$/, "") + path;
      const answer = await open(undici, url, { method: "POST", headers, body, signal, dispatcher }, signal);
      const { statusCode: status } = answer;
      try {
        if (status >= 300 && status < 400) throw redirected(status);
        yield { kind: "head", status, headers: told(answer.headers), destination: address.host };
        for await (const bytes of answer.body) yield { kind: "bytes", bytes };
      } catch (error) {
        if (signal.aborted) throw abortError();
        throw error instanceof TaskError ? error : lostClaude(error);
      } finally {
        answer.body.on("error", () => undefined);
        answer.body.destroy();
      }
    },
    dispose: async () => void (await Promise.all([...opened.values()].map((each) => each.destroy()))),
  };
}

/** Empty where there is none: absent, that of the process would be taken. */
const proxyIn = (env: Readonly<Record<string, string | undefined>>) => ({
  httpProxy: "",
  httpsProxy: env["https_proxy"] || env["HTTPS_PROXY"] || "",
  noProxy: env["no_proxy"] || env["NO_PROXY"] || "",
});

async function open(undici: Undici, url: string, options: Parameters<typeof request>[1], signal: AbortSignal) {
  try {
    return await undici.request(url, options);
  } catch (error) {
    if (signal.aborted) throw abortError();
    throw wasConnected(error) ? lostClaude(error) : unreachable(error);
  }
}

function told(headers: Readonly<Record<string, string | string[] | undefined>>): Record<string, string> {
  const all = Object.entries(headers).flatMap(([name, value]) =>
    value !== undefined && toldHeaders.test(name) ? [[name, String(value)] as const] : [],
  );
  return Object.fromEntries(all);
}

function unreachable(cause: unknown): TaskError {
  const text = cause instanceof Error && cause.message !== "" ? cause.message : String(cause);
  return new TaskError(
    "server-unreachable",
    msg("Claude cannot be reached: {0}. Check the connection, or use a model on this machine.", text),
    { cause },
  );
}

/** It would take the prompt and the key to a host that nobody chose. */
function redirected(status: number): TaskError {
  return new TaskError(
    "bad-response",
    msg("Claude answered with “{0}”. Is something in between, such as a sign-in page of the network?", status),
  );
}
