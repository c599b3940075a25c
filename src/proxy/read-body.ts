// A body from outside, read up to a bound and parsed.
import { isUtf8 } from "node:buffer";
import type { IncomingMessage } from "node:http";
import * as z from "zod/mini";
import { wrongIn } from "../core/expected.ts";
import { ProxyError } from "./proxy-error.ts";

/**
 * What is announced to be too large is refused before a byte of it is read.
 * @throws ProxyError 413
 */
export async function readBytes(request: IncomingMessage, maxBytes: number): Promise<Buffer> {
  if (Number(request.headers["content-length"] ?? 0) > maxBytes) throw tooLarge(maxBytes);
  return readAll(request, maxBytes);
}

/** @throws ProxyError 413, 400 */
export async function readJson(request: IncomingMessage, maxBytes: number): Promise<unknown> {
  return jsonIn(await readBytes(request, maxBytes));
}

/** @throws ProxyError 400 */
export function jsonIn(body: Buffer): unknown {
  // A Chinese Windows sends GBK from its command prompt.
  if (!isUtf8(body)) throw new ProxyError(400, "The body is not JSON in UTF-8: save it as a UTF-8 file and send that.");
  const hasMark = body.length >= 3 && body.readUIntBE(0, 3) === byteOrderMark;
  try {
    return JSON.parse(body.toString("utf8", hasMark ? 3 : 0));
  } catch {
    throw new ProxyError(400, "The body is not JSON.");
  }
}

const byteOrderMark = 0xefbbbf;

/** By events: an iterator costs as much as the rest of reading a small body. */
function readAll(request: IncomingMessage, maxBytes: number): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    let size = 0;
    const take = (chunk: Buffer) => {
      size += chunk.length;
      chunks.push(chunk);
      if (size <= maxBytes) return;
      request.off("data", take);
      chunks.length = 0;
      reject(tooLarge(maxBytes));
    };
    request.on("data", take);
    request.on("end", () => resolve(chunks.length === 1 && chunks[0] ? chunks[0] : Buffer.concat(chunks)));
    request.on("error", reject);
    // It closes after its end, too.
    request.on("close", () => request.complete || reject(new DOMException("The client left", "AbortError")));
  });
}

function tooLarge(maxBytes: number): ProxyError {
  return new ProxyError(413, `The body is larger than ${maxBytes} bytes.`);
}

/** A text that can be sent on: half of a surrogate pair cannot. */
export const text = z.string().check(z.refine((value) => value.isWellFormed(), "well-formed Unicode"));

/**
 * What a client sent, in the shape of its dialect; fields that are not known are dropped.
 * @throws ProxyError 400 that names the first bad field
 */
export function parseBody<S extends z.ZodMiniType>(schema: S, body: unknown): z.infer<S> {
  const parsed = schema.safeParse(body);
  if (parsed.success) return parsed.data;
  const [issue] = parsed.error.issues;
  if (!issue) throw new ProxyError(400, "body: not understood");
  const { path, possible } = wrongIn(issue);
  const field = path.join(".");
  const missing = isThere(body, path) ? "" : "missing; ";
  throw new ProxyError(400, `${field || "body"}: ${missing}expected ${possible}`, { field });
}

function isThere(value: unknown, [key, ...rest]: readonly PropertyKey[]): boolean {
  if (key === undefined) return value !== undefined;
  return typeof value === "object" && value !== null && isThere(Reflect.get(value, key), rest);
}

/** @throws ProxyError 400: what a schema nests deeper than this, no model can follow */
export function checkedFormat(format: object, name = "format"): object {
  let level: readonly unknown[] = [format];
  for (let depth = 0; level.length > 0; depth++) {
    if (depth > 64) throw new ProxyError(400, `${name}: nested too deeply`);
    level = level.flatMap((value) => (typeof value === "object" && value !== null ? Object.values(value) : []));
  }
  return format;
}
