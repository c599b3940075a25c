// What the service tells those who watch it: which programs ask, and by its silence that it is gone.
import * as z from "zod/mini";
import { parseJson } from "../core/parse-json.ts";
import { type Publication, urlOf } from "./publication.ts";
import { controlPaths } from "./stop-service.ts";

export type ServiceEvent =
  | { readonly kind: "watching" }
  /** A program asks: method and path as in the table of routes, and how the program names itself. */
  | { readonly kind: "seen"; readonly route: string; readonly agent: string }
  /** It was told to stop; where it ends without this, it was lost. */
  | { readonly kind: "stopping" };

const eventSchema = z.union([
  z.object({ kind: z.literal("watching") }),
  z.object({ kind: z.literal("seen"), route: z.string(), agent: z.string() }),
  z.object({ kind: z.literal("stopping") }),
]);

/**
 * What happens from now on; ends when the service does.
 * @param publication one that has proved that it knows the token
 */
export async function* watchService(
  publication: Publication,
  token: string,
  signal: AbortSignal,
): AsyncGenerator<ServiceEvent> {
  const headers = { authorization: `Bearer ${token}` };
  const answer = await fetch(`${urlOf(publication)}${controlPaths.watch}`, { headers, signal, redirect: "error" });
  if (!answer.ok || !answer.body) return;
  let rest = "";
  for await (const piece of answer.body.pipeThrough(new TextDecoderStream())) {
    const lines = (rest + piece).split("\n");
    rest = lines.pop() ?? "";
    for (const line of lines) {
      const event = eventSchema.safeParse(parseJson(line));
      if (event.success) yield event.data;
    }
  }
}
