// `fetch` over connections of our own. An editor puts another one in the place of Node's, which takes requests through its
// proxy whatever connections they are given; and a variable of the environment does so with Node's.

import { type Answered, askDirectly, unpacked } from "./post-json.ts";
import { abortError } from "./server-errors.ts";

const never = new AbortController().signal;
/** Answers that can have no body. */
const bodiless = new Set([204, 205, 304]);
const redirects = new Set([301, 302, 303, 307, 308]);

/**
 * Takes what model servers are asked with: texts as bodies. Follows nobody elsewhere: a redirect is told as it is, or an
 * error.
 * @throws as `fetch` does
 */
export const directFetch: typeof fetch = async (input, init = {}) => {
  const url = new URL(input instanceof Request ? input.url : input);
  const { method = "GET", body, signal } = init;
  if (body !== undefined && body !== null && typeof body !== "string") throw new TypeError("only texts can be sent");
  const asked = {
    url: url.href,
    method: method as "GET",
    headers: Object.fromEntries(new Headers(init.headers)),
    ...(typeof body === "string" ? { body } : {}),
  };
  const answered = await askDirectly(asked, signal ?? never).catch((cause: unknown) => {
    throw signal?.aborted ? abortError() : new TypeError("fetch failed", { cause });
  });
  const { status } = answered;
  if (init.redirect === "error" && redirects.has(status)) {
    answered.close(abortError());
    throw new TypeError("fetch failed", { cause: new Error("unexpected redirect") });
  }
  const headers = new Headers();
  for (const [name, values] of Object.entries(answered.told)) {
    for (const value of [values ?? []].flat()) headers.append(name, value);
  }
  if (!bodiless.has(status)) return new Response(streamOf(unpacked(answered)), { status, headers });
  answered.close(abortError());
  return new Response(null, { status, headers });
};

/** Leaving it closes the connection, also before anything of it was read. */
function streamOf({ body, close }: Answered): ReadableStream<Uint8Array> {
  const pieces = body[Symbol.asyncIterator]();
  return new ReadableStream<Uint8Array>(
    {
      async pull(controller) {
        const { done, value } = await pieces.next();
        if (done) controller.close();
        else controller.enqueue(value);
      },
      async cancel() {
        close(abortError());
        await pieces.return?.();
      },
    },
    { highWaterMark: 0 },
  );
}
