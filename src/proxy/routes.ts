// Which request is answered by what, and in which dialect.
import type { IncomingHttpHeaders } from "node:http";
import type { App } from "../core/app.ts";
import { anthropicDialect, anthropicEndpoints } from "./anthropic.ts";
import type { Dialect, Endpoint } from "./exchange.ts";
import { ollamaDialect, ollamaEndpoints } from "./ollama.ts";
import { openaiDialect, openaiEndpoints } from "./openai.ts";
import { generateEndpoint } from "./own.ts";
import { ProxyError } from "./proxy-error.ts";

export interface FoundRoute {
  /** As in the table: nothing of what the client sent is in it, so it can be logged. */
  readonly key: string;
  readonly endpoint: Endpoint;
  readonly name: string;
}

/** Changes what is on this machine; only its person may do that, with the command line or the editor. */
const adminPaths = new Set(["/api/pull", "/api/push", "/api/create", "/api/copy", "/api/delete"]);

const generate = "POST /api/generate";

/** @param passesClaude whether requests for Claude itself are passed on, where the person has opened that way */
export function createRoutes(
  app: App,
  passesClaude: boolean,
): (method: string, path: string, dialect: Dialect) => FoundRoute {
  const ollama = ollamaEndpoints(app);
  const missing: Endpoint = async () => {
    throw nothingThere();
  };
  const tables = {
    own: {},
    ollama: { ...ollama, [generate]: generateEndpoint(ollama[generate] ?? missing) },
    openai: openaiEndpoints(app),
    anthropic: anthropicEndpoints(app, passesClaude),
  };
  return (method, path, dialect) => {
    if (adminPaths.has(path) || path.startsWith("/api/blobs/")) {
      throw new ProxyError(403, "Models are not changed through this service. Use: switchyard models pull NAME");
    }
    const table: Readonly<Record<string, Endpoint>> = tables[dialect.name];
    const key = `${method} ${path}`;
    const exact = Object.hasOwn(table, key) ? table[key] : undefined;
    if (exact) return { key, endpoint: exact, name: "" };
    const named = /^GET (\/v1\/models\/)(.+)$/.exec(key);
    const endpoint = named ? table[`GET ${named[1]}*`] : undefined;
    if (endpoint) return { key: "GET /v1/models/*", endpoint, name: decoded(named?.[2] ?? "") };
    const allow = ["GET", "POST"].find((other) => Object.hasOwn(table, `${other} ${path}`));
    if (allow) throw new ProxyError(405, `This address is asked with ${allow}.`, { allow });
    throw nothingThere();
  };
}

const nothingThere = () =>
  new ProxyError(
    404,
    "There is nothing at this address. The base address for Ollama’s and Anthropic’s clients has no path; the one for OpenAI’s clients ends in /v1.",
  );

/** Without what is asked, and without slashes too many: some programs put one after their base address, some after all. */
export const pathOf = (url: string): string =>
  (url.split("?")[0] ?? "").replace(/\/{2,}/g, "/").replace(/(?<=.)\/$/, "") || "/";

/** What stands behind the `?`; of what is there twice, the last. */
export function queryOf(url: string): Readonly<Record<string, string>> {
  const at = url.indexOf("?");
  return at < 0 ? {} : Object.fromEntries(new URLSearchParams(url.slice(at)));
}

/** The same address without slashes too many. */
export function cleanUrl(url: string): string {
  const at = url.indexOf("?");
  return pathOf(url) + (at < 0 ? "" : url.slice(at));
}

function decoded(name: string): string {
  try {
    return decodeURIComponent(name);
  } catch {
    return name;
  }
}

/** OpenAI and Anthropic share some paths; Anthropic's clients say who they are. */
export function dialectOf(path: string, headers: IncomingHttpHeaders): Dialect {
  if (path.startsWith("/v1/messages")) return anthropicDialect;
  if (!path.startsWith("/v1/")) return ollamaDialect;
  return headers["anthropic-version"] === undefined ? openaiDialect : anthropicDialect;
}
