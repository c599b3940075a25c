// One engine, spoken to through dockerode, which is loaded on first use.
import type Docker from "dockerode";
import { msg } from "../core/message.ts";
import { reasonOf } from "../core/reason-of.ts";
import type { TriedEngine } from "../core/services.ts";
import { isAbort, TaskError } from "../core/task-error.ts";
import { type FoundEngine, requestOptions } from "./find-engine.ts";

export interface Engine {
  readonly found: FoundEngine;
  /** Every address tried before this one answered, and this one. */
  readonly tried: readonly TriedEngine[];
  readonly docker: Docker;
}

const callLimitMs = 60_000;

export async function openEngine(found: FoundEngine, tried: readonly TriedEngine[]): Promise<Engine> {
  const { default: DockerClient } = await import("dockerode");
  const { isTls, socketPath, ...address } = requestOptions(found.connection);
  // An empty host keeps the one of DOCKER_HOST out.
  const options = socketPath ? { socketPath, host: "" } : address;
  const protocol = isTls ? "https" : "http";
  return { found, tried, docker: new DockerClient({ ...options, protocol }) };
}

/** An engine that goes away in the middle of an answer leaves the call open for ever; this does not. */
export async function call<Value>(work: Promise<Value>, signal: AbortSignal, limitMs = callLimitMs): Promise<Value> {
  const limit = AbortSignal.timeout(limitMs);
  const both = AbortSignal.any([signal, limit]);
  let onAbort = () => {};
  const stopped = new Promise<never>((_, reject) => {
    onAbort = () => reject(both.reason);
    if (both.aborted) onAbort();
    else both.addEventListener("abort", onAbort, { once: true });
  });
  try {
    return await Promise.race([work, stopped]);
  } catch (error) {
    signal.throwIfAborted();
    throw engineError(error);
  } finally {
    both.removeEventListener("abort", onAbort);
  }
}

/** HTTP status the engine answered with; undefined for every other error. */
export function statusOf(error: unknown): number | undefined {
  const source = error instanceof TaskError ? error.cause : error;
  return source instanceof Error && "statusCode" in source && typeof source.statusCode === "number"
    ? source.statusCode
    : undefined;
}

/** The call's answer, or undefined where the engine says that there is no such thing. */
export async function ifThere<Value>(work: Promise<Value>, signal: AbortSignal): Promise<Value | undefined> {
  try {
    return await call(work, signal);
  } catch (error) {
    if (statusOf(error) === 404) return undefined;
    throw error;
  }
}

/** As `call`; what is so already is no error (304), nor is another's removal that was faster (404, 409). */
export async function callUnlessDone(
  work: Promise<unknown>,
  signal: AbortSignal,
  done: readonly number[] = [304],
): Promise<void> {
  try {
    await call(work, signal);
  } catch (error) {
    if (!done.includes(statusOf(error) ?? 0)) throw error;
  }
}

export function engineError(error: unknown): Error {
  if (error instanceof TaskError || (error instanceof Error && isAbort(error))) return error;
  const said = saidBy(error);
  // The engine has no code of its own for this.
  if (/no space left on device/i.test(said)) {
    return new TaskError("storage", msg("The disk of the Docker engine is full: {0}", said), { cause: error });
  }
  if (statusOf(error) === undefined) {
    return new TaskError("server-unreachable", msg("The Docker engine does not answer: {0}", said), { cause: error });
  }
  return new TaskError("server-error", msg("The Docker engine refused: {0}", said), { cause: error });
}

export function saidBy(error: unknown): string {
  const json = error instanceof Error && "json" in error ? error.json : undefined;
  const own = typeof json === "object" && json !== null && "message" in json ? json.message : undefined;
  // Before what the engine said stands what is known by its number.
  return typeof own === "string"
    ? own
    : reasonOf(error)
        .replace(/^\(HTTP code \d+\) [^-]*- /, "")
        .trim();
}
