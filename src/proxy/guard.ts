// Who may ask: programs of this machine that know the token. A web page in a browser gets nothing.
import { timingSafeEqual } from "node:crypto";
import type { IncomingHttpHeaders } from "node:http";
import { ProxyError } from "./proxy-error.ts";

/**
 * Against web pages that reach for local servers: a rebound name shows in Host, a foreign page in Origin.
 * @param isLoopback whether only this machine can connect; elsewhere the name it is called by is not known
 */
export function refuseForeign(headers: IncomingHttpHeaders, isLoopback: boolean): void {
  const host = (headers.host ?? "").replace(/:\d+$/, "").toLowerCase();
  if (isLoopback && !["127.0.0.1", "localhost", "[::1]"].includes(host)) {
    throw new ProxyError(403, "This service answers its own machine only: call it localhost or 127.0.0.1.");
  }
  // Our own origin is none of theirs: there is no page of ours that could be used.
  const isForeign = headers.origin !== undefined && headers.origin !== `http://${headers.host}`;
  if (isForeign || headers["sec-fetch-site"] === "cross-site") {
    throw new ProxyError(403, "This service does not answer web pages.");
  }
}

/** A form of a web page can post text, but not JSON without asking first. */
export function refuseForms(headers: IncomingHttpHeaders): void {
  const type = (headers["content-type"] ?? "").split(";")[0]?.trim().toLowerCase() ?? "";
  if (type !== "application/json" && !/^application\/[\w.-]+\+json$/.test(type)) {
    throw new ProxyError(415, "The body must be JSON: send the header content-type: application/json.");
  }
  const packing = headers["content-encoding"] ?? "identity";
  if (packing !== "identity") {
    throw new ProxyError(415, "The body must not be packed: send it without the header content-encoding.");
  }
}

/** For programs whose other headers hold a key for somebody else. */
export const tokenHeader = "x-switchyard-token";

/** Whether the token came along: as Bearer, as `x-api-key`, in a header of its own, or as the password in the address. Takes as long for any. */
export function createTokenCheck(token: string): (headers: IncomingHttpHeaders) => boolean {
  const wanted = Buffer.from(token);
  return (headers) => {
    let knows = false;
    for (const text of tokensIn(headers)) {
      const given = Buffer.from(text);
      // How long it is is known: it is made by us.
      knows = (given.length === wanted.length && timingSafeEqual(given, wanted)) || knows;
    }
    return knows;
  };
}

function tokensIn(headers: IncomingHttpHeaders): readonly string[] {
  const [scheme = "", value = ""] = (headers.authorization ?? "").split(" ");
  const tokens = [headers["x-api-key"], headers[tokenHeader]].filter((each) => typeof each === "string");
  if (/^bearer$/i.test(scheme)) tokens.push(value);
  if (/^basic$/i.test(scheme)) {
    const pair = Buffer.from(value, "base64").toString();
    tokens.push(pair.slice(pair.indexOf(":") + 1));
  }
  return tokens;
}
