// What the service tells those who watch it: which programs ask, and by its silence that it is gone.
import * as z from "zod/mini";
import { type Publication, urlOf } from "./publication.ts";
import { controlPaths } from "./stop-service.ts";

export interface SeenRequest {
  /** Method and path, as in the table of routes. */
  readonly route: string;
  /** How the program names itself. */
  readonly agent: string;
}

const seenSchema = z.object({ route: z.string(), agent: z.string() });

/**
 * Every request from now on; ends when the service does. The first value is undefined: it watches.
 * @param publication one that has proved that it knows the token
 */
export async function* watchService(
  publication: Publication,
  token: string,
  signal: AbortSignal,
): AsyncGenerator<SeenRequest | undefined> {
  const headers = { authorization: `Bearer ${token}` };
  const answer = await fetch(`${urlOf(publication)}${controlPaths.watch}`, { headers, signal, redirect: "error" });
  if (!answer.ok || !answer.body) return;
  yield undefined;
  let rest = "";
  for await (const piece of answer.body.pipeThrough(new TextDecoderStream())) {
    const lines = (rest + piece).split("\n");
    rest = lines.pop() ?? "";
    for (const line of lines) {
      const seen = seenSchema.safeParse(JSON.parse(line));
      if (seen.success) yield seen.data;
    }
  }
}
