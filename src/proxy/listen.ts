// Which address the service has, and where others find that out.
import { randomUUID } from "node:crypto";
import { readFile, rename, rm, writeFile } from "node:fs/promises";
import type { Server } from "node:http";
import { join } from "node:path";
import * as z from "zod/mini";
import { challengeHeader, proofOf } from "./guard.ts";
import { portOwner } from "./port-owner.ts";

export interface Wanted {
  readonly host: string;
  readonly port: number;
  /** Where the port is taken: take one of the next instead. */
  readonly mayMove: boolean;
}

export interface Listening {
  readonly port: number;
  /** Who has the wanted port, where it was taken: a name, or empty where it cannot be told. */
  readonly takenBy?: string;
}

const portsTried = 20;

export function isLoopback(host: string): boolean {
  return host === "localhost" || host === "::1" || /^127\.\d+\.\d+\.\d+$/.test(host);
}

/** @returns undefined for the port where none could be had; `takenBy` then says who has the wanted one */
export async function listen(
  server: Server,
  { host, port, mayMove }: Wanted,
): Promise<Listening | { readonly port: undefined; readonly takenBy: string }> {
  let takenBy: string | undefined;
  for (let next = port; next < port + (mayMove ? portsTried : 1) && next < 65_536; next++) {
    const got = await tryPort(server, host, next);
    if (got !== undefined) return { port: got, ...(takenBy === undefined ? {} : { takenBy }) };
    takenBy ??= (await portOwner(port)) ?? "";
  }
  return { port: undefined, takenBy: takenBy ?? "" };
}

function tryPort(server: Server, host: string, port: number): Promise<number | undefined> {
  return new Promise((resolve, reject) => {
    const failed = (error: Error) => {
      server.off("listening", listening);
      if ("code" in error && (error.code === "EADDRINUSE" || error.code === "EACCES")) resolve(undefined);
      else reject(error);
    };
    const listening = () => {
      server.off("error", failed);
      const address = server.address();
      resolve(typeof address === "object" && address !== null ? address.port : port);
    };
    server.once("error", failed);
    server.once("listening", listening);
    server.listen(port, host);
  });
}

export interface Publication {
  readonly pid: number;
  readonly host: string;
  readonly port: number;
  readonly version: string;
}

const publicationPath = (home: string) => join(home, "proxy.json");

/** Tells other programs of this person where the service is. */
export async function publish(home: string, publication: Publication): Promise<void> {
  const path = publicationPath(home);
  // Renamed into place: who reads it never sees half of it.
  await writeFile(`${path}.${publication.pid}`, JSON.stringify(publication), { mode: 0o600 });
  await rename(`${path}.${publication.pid}`, path);
}

/** Takes it back, unless another service has published itself since. */
export async function unpublish(home: string, pid: number): Promise<void> {
  const path = publicationPath(home);
  const text = await readFile(path, "utf8").catch(() => "");
  if (text.includes(`"pid":${pid},`)) await rm(path, { force: true });
}

const publicationSchema = z.object({ pid: z.int(), host: z.string(), port: z.int(), version: z.string() });

/** The service that is published, if it is alive and really ours. The token is not shown to it: another may have its port. */
export async function runningService(home: string, token: string): Promise<Publication | undefined> {
  try {
    const publication = publicationSchema.parse(JSON.parse(await readFile(publicationPath(home), "utf8")));
    const challenge = randomUUID();
    const answer = await fetch(`http://127.0.0.1:${publication.port}/health`, {
      headers: { [challengeHeader]: challenge },
      signal: AbortSignal.timeout(2_000),
      redirect: "error",
    });
    const { proof } = z.object({ proof: z.string() }).parse(await answer.json());
    return proof === proofOf(token, challenge) ? publication : undefined;
  } catch {
    return undefined;
  }
}

/** Whether an address of a model server is this service: it would ask itself without end. */
export function pointsAt(address: string | undefined, port: number): boolean {
  if (!address) return false;
  try {
    const url = new URL(address.includes("://") ? address : `http://${address}`);
    return isLoopback(url.hostname.replace(/^\[|\]$/g, "")) && url.port === String(port);
  } catch {
    return false;
  }
}
