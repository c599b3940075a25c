// Where the service says where it is, and how others find it there.
import { randomUUID } from "node:crypto";
import { readFile, rm } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import * as z from "zod/mini";
import { writePrivateFile } from "../private-file.ts";
import { isAlive } from "../process-lock.ts";
import { challengeHeader, proofOf } from "./proof.ts";

export interface Publication {
  readonly pid: number;
  readonly host: string;
  readonly port: number;
  readonly version: string;
}

/** One that has the port and is alive, yet does not answer for so long, is taken for another, ms. */
const patienceMs = 15_000;
const askAgainMs = 100;

const publicationPath = (home: string) => join(home, "proxy.json");
const publicationSchema = z.object({ pid: z.int(), host: z.string(), port: z.int(), version: z.string() });

/** Tells other programs of this person where the service is. */
export async function publish(home: string, publication: Publication): Promise<void> {
  await writePrivateFile(publicationPath(home), JSON.stringify(publication));
}

/** Takes it back, unless another service has published itself since. */
export async function unpublish(home: string, pid: number): Promise<void> {
  const path = publicationPath(home);
  const text = await readFile(path, "utf8").catch(() => "");
  if (text.includes(`"pid":${pid},`)) await rm(path, { force: true });
}

/** The service that is published, if it is alive and really ours. The token is not shown to it: another may have its port. */
export async function findService(home: string, token: string, signal: AbortSignal): Promise<Publication | undefined> {
  const publication = await readPublication(home);
  if (!publication) return undefined;
  const endMs = performance.now() + patienceMs;
  for (;;) {
    signal.throwIfAborted();
    const answer = await challenge(publication, token);
    if (answer !== "slow") return answer === "ours" ? publication : undefined;
    if (!isAlive(publication.pid) || performance.now() > endMs) return undefined;
    await sleep(askAgainMs, undefined, { signal });
  }
}

/** Where a program of this machine reaches it. */
export function urlOf({ host, port }: Pick<Publication, "host" | "port">): string {
  const reached = host === "0.0.0.0" || host === "::" ? "127.0.0.1" : host;
  return `http://${reached.includes(":") ? `[${reached}]` : reached}:${port}`;
}

async function readPublication(home: string): Promise<Publication | undefined> {
  try {
    return publicationSchema.parse(JSON.parse(await readFile(publicationPath(home), "utf8")));
  } catch {
    return undefined;
  }
}

/** On a machine that is busy, an answer may take its time; where nothing listens, there is none at once. */
async function challenge(publication: Publication, token: string): Promise<"ours" | "another" | "slow"> {
  const question = randomUUID();
  try {
    const answer = await fetch(`${urlOf(publication)}/health`, {
      headers: { [challengeHeader]: question },
      signal: AbortSignal.timeout(3_000),
      redirect: "error",
    });
    if (answer.status >= 500) return "slow";
    const { proof } = z.object({ proof: z.string() }).parse(await answer.json());
    return proof === proofOf(token, question) ? "ours" : "another";
  } catch (error) {
    return isPassing(error) ? "slow" : "another";
  }
}

/** Too late, or cut off: not where nothing listens, nor where something else answers. */
function isPassing(error: unknown): boolean {
  if (!(error instanceof Error)) return false;
  if (error.name === "TimeoutError") return true;
  const { cause } = error;
  const code = typeof cause === "object" && cause !== null && "code" in cause ? cause.code : undefined;
  return code === "ECONNRESET" || code === "UND_ERR_SOCKET" || code === "ETIMEDOUT";
}
