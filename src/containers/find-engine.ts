// Finds the engine that answers, and keeps what was tried.
import { readFileSync } from "node:fs";
import { request as requestHttp } from "node:http";
import { join } from "node:path";
import { type Message, msg } from "../core/message.ts";
import { reasonOf } from "../core/reason-of.ts";
import type { TriedEngine } from "../core/services.ts";
import { isAbort } from "../core/task-error.ts";
import { type Candidate, type Connection, engineCandidates, type Surroundings } from "./engine-candidates.ts";

export interface FoundEngine {
  readonly source: string;
  readonly address: string;
  readonly connection: Exclude<Connection, { readonly kind: "unusable" }>;
  /** Podman speaks Docker's language with an accent. */
  readonly product: "docker" | "podman";
  /** False: its published ports are on another machine. */
  readonly isLocal: boolean;
}

export interface EngineSearch {
  readonly engine?: FoundEngine;
  /** Every address tried, in order, and what came back. */
  readonly tried: readonly TriedEngine[];
}

const answerTimeoutMs = 3_000;

/** Asks each candidate in order until one answers. Throws only when aborted. */
export async function findEngine(configured: string, around: Surroundings, signal: AbortSignal): Promise<EngineSearch> {
  const tried: TriedEngine[] = [];
  for (const { source, address, connection } of engineCandidates(configured, around)) {
    const answer = await probe(connection, signal);
    tried.push({ source, address, answer: answer.kind, outcome: answer.outcome });
    if (answer.product && connection.kind !== "unusable") {
      const isLocal = connection.kind === "socket" || /^(localhost|127\.|::1$)/.test(connection.host);
      return { engine: { source, address, connection, product: answer.product, isLocal }, tried };
    }
  }
  return { tried };
}

interface RequestTo {
  readonly isTls: boolean;
  readonly socketPath?: string;
  readonly host?: string;
  readonly port?: number;
  readonly ca?: Buffer;
  readonly cert?: Buffer;
  readonly key?: Buffer;
}

/** What every request to this engine needs. Throws where files of its certificate cannot be read. */
export function requestOptions(connection: FoundEngine["connection"]): RequestTo {
  if (connection.kind === "socket") return { socketPath: connection.path, isTls: false };
  const { host, port, tlsFolder } = connection;
  if (tlsFolder === undefined) return { host, port, isTls: false };
  if (tlsFolder === "") return { host, port, isTls: true };
  const read = (name: string) => readFileSync(join(tlsFolder, name));
  return { host, port, isTls: true, ca: read("ca.pem"), cert: read("cert.pem"), key: read("key.pem") };
}

interface Answer {
  readonly kind: TriedEngine["answer"];
  readonly outcome: Message;
  readonly product?: FoundEngine["product"];
}

async function probe(connection: Candidate["connection"], signal: AbortSignal): Promise<Answer> {
  if (connection.kind === "unusable") {
    return {
      kind: "other",
      outcome:
        connection.why === "ssh"
          ? msg("engines behind ssh are not supported; forward its socket to this machine")
          : msg("not an address of an engine"),
    };
  }
  try {
    return await ping(requestOptions(connection), AbortSignal.any([signal, AbortSignal.timeout(answerTimeoutMs)]));
  } catch (error) {
    signal.throwIfAborted();
    return answerOf(error);
  }
}

async function ping(options: ReturnType<typeof requestOptions>, signal: AbortSignal): Promise<Answer> {
  const { isTls, ...rest } = options;
  // Most engines are asked over a socket, without TLS.
  const send = isTls ? (await import("node:https")).request : requestHttp;
  return new Promise((resolve, reject) => {
    const request = send({ ...rest, path: "/_ping", signal, agent: false });
    request.once("error", reject);
    request.once("response", (response) => {
      response.resume();
      const version = response.headers["api-version"];
      if (response.statusCode !== 200 || typeof version !== "string") {
        resolve({ kind: "other", outcome: msg("HTTP {0}, not a Docker engine", response.statusCode ?? 0) });
        return;
      }
      const isPodman = response.headers["libpod-api-version"] !== undefined;
      resolve({
        kind: "engine",
        outcome: isPodman ? msg("Podman answers, API {0}", version) : msg("Docker answers, API {0}", version),
        product: isPodman ? "podman" : "docker",
      });
    });
    request.end();
  });
}

function answerOf(error: unknown): Answer {
  const code = error instanceof Error && "code" in error ? error.code : undefined;
  if (code === "ENOENT") return { kind: "absent", outcome: msg("no such socket") };
  if (code === "ECONNREFUSED") {
    return { kind: "stopped", outcome: msg("the socket is there and nothing answers: the engine is stopped") };
  }
  if (code === "EACCES" || code === "EPERM") {
    const outcome = msg("no permission: your account may not use it (on Linux: be in the group “docker”)");
    return { kind: "no-permission", outcome };
  }
  const isLate = error instanceof Error && (isAbort(error) || error.name === "TimeoutError");
  if (isLate) return { kind: "other", outcome: msg("no answer in {0} s", answerTimeoutMs / 1000) };
  return { kind: "other", outcome: msg("{0}", reasonOf(error)) };
}
