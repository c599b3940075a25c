// Who is the service: however many windows and shells start one, it is one, and the newest version of it.
import { join } from "node:path";
import { takeLock } from "../process-lock.ts";
import { findService, type Publication } from "./publication.ts";
import { stopService } from "./stop-service.ts";

export interface Candidate {
  readonly home: string;
  readonly token: string;
  readonly version: string;
  readonly host: string;
}

export type Election =
  | { readonly kind: "running"; readonly publication: Publication }
  /** Whoever asked becomes the service: it publishes itself, then calls `settle`, also where it could not begin. */
  | { readonly kind: "ours"; readonly replaced?: Publication; readonly settle: () => Promise<void> };

/** Asks an older version to hand over; the address is free when this resolves. */
export async function elect(candidate: Candidate, signal: AbortSignal): Promise<Election> {
  const { home, token, version, host } = candidate;
  const settle = await takeLock(join(home, "proxy.lock"), signal);
  try {
    const publication = await findService(home, token, signal);
    if (!publication) return { kind: "ours", settle };
    const isEnough = publication.host === host && !isNewer(version, publication.version);
    if (!isEnough) {
      // Version 0.1 does not know the request, but ends by itself when it is told to.
      if (!(await stopService(publication, token))) process.kill(publication.pid, "SIGTERM");
      return { kind: "ours", replaced: publication, settle };
    }
    await settle();
    return { kind: "running", publication };
  } catch (error) {
    await settle();
    throw error;
  }
}

/** By the three numbers of a version. */
export function isNewer(version: string, than: string): boolean {
  const [own, other] = [version, than].map((each) => (each.match(/\d+/g) ?? []).slice(0, 3).map(Number));
  for (let index = 0; index < 3; index++) {
    const difference = (own?.[index] ?? 0) - (other?.[index] ?? 0);
    if (difference !== 0) return difference > 0;
  }
  return false;
}
