// What a container prints.
import { createInterface } from "node:readline";
import { PassThrough, type Readable } from "node:stream";
import { isAbort } from "../core/task-error.ts";
import { call, type Engine, engineError } from "./engine.ts";

/** Lines of the past, then of the present until the reader leaves or the container stops. */
export async function* followLogs(
  { docker }: Engine,
  id: string,
  tail: number,
  signal: AbortSignal,
): AsyncIterable<string> {
  const options = { follow: true, stdout: true, stderr: true, tail, abortSignal: signal } as const;
  const stream = await call(docker.getContainer(id).logs(options), signal);
  const lines = new PassThrough();
  // Both outputs come in one stream, each piece with a head that says which.
  docker.modem.demuxStream(stream, lines, lines);
  const end = () => lines.end();
  stream.once("end", end).once("close", end).once("error", end);
  try {
    yield* createInterface({ input: lines, signal });
    signal.throwIfAborted();
  } catch (error) {
    signal.throwIfAborted();
    throw error instanceof Error && isAbort(error) ? error : engineError(error);
  } finally {
    lines.destroy();
    destroy(stream);
  }
}

export async function lastLines({ docker }: Engine, id: string, count: number, signal: AbortSignal): Promise<string> {
  const options = { follow: false, stdout: true, stderr: true, tail: count } as const;
  const raw = await call(docker.getContainer(id).logs(options), signal);
  return plainText(raw).trim();
}

/** Takes the eight bytes away that head each piece: output, three zeros, length. */
function plainText(raw: Buffer): string {
  const pieces: Buffer[] = [];
  for (let at = 0; at + 8 <= raw.length; ) {
    const length = raw.readUInt32BE(at + 4);
    pieces.push(raw.subarray(at + 8, at + 8 + length));
    at += 8 + length;
  }
  return Buffer.concat(pieces).toString("utf8");
}

function destroy(stream: NodeJS.ReadableStream | Readable): void {
  if ("destroy" in stream && typeof stream.destroy === "function") stream.destroy();
}
