// A protocol that writes its answers itself, at one address, behind the same guards as everything else.
import type { IncomingMessage, ServerResponse } from "node:http";
import { refuseForms } from "./guard.ts";
import { readJson } from "./read-body.ts";

export interface Mount {
  readonly path: string;
  /** @param body parsed; undefined where the request has none */
  handle(request: IncomingMessage, response: ServerResponse, body: unknown): Promise<void>;
  /** Ends every stream. */
  close(): Promise<void>;
}

/** The one that has this path, or a part of whose path it is. */
export function mountAt(path: string, mounts: readonly Mount[]): Mount | undefined {
  return mounts.find((mount) => path === mount.path || path.startsWith(`${mount.path}/`));
}

export interface MountRequest {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  readonly maxBytes: number;
  /** Whether the client waits for a word before it sends the body. */
  readonly asksFirst: boolean;
}

/** @throws ProxyError 413, 415, 400 before anything is sent */
export async function serveMount(
  mount: Mount,
  { request, response, maxBytes, asksFirst }: MountRequest,
  signal: AbortSignal,
): Promise<void> {
  signal.addEventListener("abort", () => response.destroy(), { once: true });
  response.setHeader("cache-control", "no-store");
  if (request.method !== "POST") return mount.handle(request, response, undefined);
  refuseForms(request.headers);
  if (asksFirst && Number(request.headers["content-length"] ?? 0) <= maxBytes) response.writeContinue();
  await mount.handle(request, response, await readJson(request, maxBytes));
}
