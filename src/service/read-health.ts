// How the service says it is, and what it is working on.
import * as z from "zod/mini";
import { type Publication, urlOf } from "./publication.ts";

const count = z.optional(z.number());
const serverSchema = z.object({
  name: z.optional(z.string()),
  version: z.optional(z.string()),
  condition: z.optional(z.string()),
  inFlight: count,
  tokensPerSecond: count,
});
const workSchema = z.object({
  working: z.number(),
  waiting: z.number(),
  /** How long the first of those that wait has waited. */
  longestWaitMs: z.number(),
  /** Of each kind of task that there is one of. */
  tasks: z.record(z.string(), z.object({ working: z.number(), waiting: z.number() })),
});
const healthSchema = z.object({
  status: z.string(),
  notice: z.optional(z.string()),
  parts: z.object({
    proxy: z.object({ uptimeSeconds: z.number() }),
    servers: z.array(serverSchema),
    // One of an older version does not tell.
    work: z.optional(workSchema),
  }),
});

export type ServiceHealth = z.infer<typeof healthSchema>;

/** It looks at its servers anew, which may take a while, ms. */
const limitMs = 15_000;

/** @param publication one that has proved that it knows the token @returns undefined where it is stopping, or does not tell */
export async function readHealth(
  publication: Publication,
  token: string,
  signal: AbortSignal,
): Promise<ServiceHealth | undefined> {
  try {
    const answer = await fetch(`${urlOf(publication)}/health`, {
      headers: { authorization: `Bearer ${token}` },
      signal: AbortSignal.any([signal, AbortSignal.timeout(limitMs)]),
      redirect: "error",
    });
    return healthSchema.parse(await answer.json());
  } catch {
    signal.throwIfAborted();
    return undefined;
  }
}
