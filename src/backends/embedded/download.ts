// One file over HTTP: resumed where it stopped, asked for again when it stalls.

import { copyFile, open, stat } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { reasonOf } from "../../core/reason-of.ts";
import { statusReason } from "./source-reason.ts";

export interface DownloadProgress {
  readonly completedBytes: number;
  readonly totalBytes: number;
}

export interface DownloadLimits {
  /** Until the server answers, ms: a closed network should not be waited for. */
  readonly connectMs: number;
  /** Longest time without a byte before the rest is asked for again, ms. */
  readonly stallMs: number;
  /** How often the rest is asked for without anything having come. */
  readonly tries: number;
}

export const usualLimits: DownloadLimits = { connectMs: 4_000, stallMs: 30_000, tries: 3 };

/**
 * Fetches `url` into `partPath`, beginning after what is there. What arrived stays when it fails or is cancelled.
 * @throws Error with the reason in words; `AbortError` when cancelled
 */
export async function* download(
  url: string,
  partPath: string,
  signal: AbortSignal,
  limits: DownloadLimits = usualLimits,
): AsyncIterable<DownloadProgress> {
  if (url.startsWith("file:")) {
    await copyFile(fileURLToPath(url), partPath);
    const { size } = await stat(partPath);
    yield { completedBytes: size, totalBytes: size };
    return;
  }
  for (let failures = 0; ; ) {
    const before = await sizeOf(partPath);
    try {
      yield* fetchRest(url, partPath, before, signal, limits);
      return;
    } catch (error) {
      signal.throwIfAborted();
      failures = (await sizeOf(partPath)) > before ? 0 : failures + 1;
      if (!isWorthRetrying(error) || failures >= limits.tries) throw error;
    }
  }
}

class RefusedError extends Error {}

/** Whether there was no room left to write to. */
export function isDiskFull(error: unknown): boolean {
  return error instanceof Error && "code" in error && (error.code === "ENOSPC" || error.code === "EDQUOT");
}

/** A refusal stays one, and so does a full disk; a broken line may come back. */
function isWorthRetrying(error: unknown): boolean {
  const code = error instanceof Error && "code" in error ? error.code : undefined;
  return !(error instanceof RefusedError) && !isDiskFull(error) && code !== "EACCES" && code !== "EROFS";
}

async function* fetchRest(
  url: string,
  partPath: string,
  from: number,
  signal: AbortSignal,
  limits: DownloadLimits,
): AsyncIterable<DownloadProgress> {
  const stop = new AbortController();
  let timer = setTimeout(() => stop.abort(new Error("no answer in time")), limits.connectMs);
  const watch = () => {
    clearTimeout(timer);
    timer = setTimeout(() => stop.abort(new Error(`no data for ${limits.stallMs / 1000} s`)), limits.stallMs);
  };
  try {
    const response = await fetch(url, {
      // Compressed, its length and the place to go on from would be those of something else.
      headers: { "accept-encoding": "identity", ...(from > 0 ? { range: `bytes=${from}-` } : {}) },
      signal: AbortSignal.any([signal, stop.signal]),
    }).catch((error: unknown) => {
      // Nothing there to answer: the next source is tried rather than this one again.
      throw signal.aborted ? error : new RefusedError(reasonOf(error), { cause: error });
    });
    watch();
    if (response.status === 416) return;
    if (!response.ok || !response.body) throw new RefusedError(statusReason(response.status));
    if (/text\/html/.test(response.headers.get("content-type") ?? ""))
      throw new RefusedError("a web page instead of a file");
    const start = response.status === 206 ? from : 0;
    if (response.status === 206 && !response.headers.get("content-range")?.startsWith(`bytes ${from}-`))
      throw new RefusedError("another part of the file than was asked for");
    const total = start + Number(response.headers.get("content-length") ?? 0);
    yield* write(response.body, partPath, start, total, watch);
  } finally {
    clearTimeout(timer);
    stop.abort();
  }
}

async function* write(
  body: ReadableStream<Uint8Array>,
  partPath: string,
  start: number,
  totalBytes: number,
  watch: () => void,
): AsyncIterable<DownloadProgress> {
  const file = await open(partPath, start > 0 ? "a" : "w");
  let completedBytes = start;
  try {
    for await (const chunk of body) {
      watch();
      await file.writeFile(chunk);
      completedBytes += chunk.length;
      yield { completedBytes, totalBytes };
    }
    if (completedBytes < totalBytes) throw new Error("the connection ended before the file did");
  } finally {
    await file.close();
  }
}

async function sizeOf(path: string): Promise<number> {
  return stat(path).then(
    (found) => found.size,
    () => 0,
  );
}
