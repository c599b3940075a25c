// What cannot be answered in a dialect, and what the log may say of a failure.
import type { Duplex } from "node:stream";
import { TaskError } from "../core/task-error.ts";

/** For the log: which of our own places, never a text that came from outside. */
export function whatFailed(error: unknown): string {
  if (error instanceof TaskError) return error.kind;
  if (!(error instanceof Error)) return "unknown";
  const places = [...(error.stack ?? "").matchAll(/([\w-]+\.[jt]s:\d+):\d+\)?$/gm)].map((match) => match[1]);
  return `${error.name} at ${places.slice(0, 3).join(", ")}`;
}

/** What is not HTTP, or took too long to become a request. */
export function refuseBroken(error: Error & { code?: string }, socket: Duplex): void {
  if (!socket.writable) {
    socket.destroy();
    return;
  }
  const status: Readonly<Record<string, string>> = {
    ERR_HTTP_REQUEST_TIMEOUT: "408 Request Timeout",
    HPE_HEADER_OVERFLOW: "431 Request Header Fields Too Large",
  };
  socket.end(
    `HTTP/1.1 ${status[error.code ?? ""] ?? "400 Bad Request"}\r\nconnection: close\r\ncontent-length: 0\r\n\r\n`,
  );
}
