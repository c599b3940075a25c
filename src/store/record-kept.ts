// Answers that are kept in a Redis of another host have left this machine: that is in the ledger, one entry for all that
// come within a while.
import { createBatch } from "../core/batch.ts";
import { freeEntry, type Ledger, type LedgerEntry } from "../core/ledger.ts";

export interface KeptRecord {
  /** Resolves when it is recorded that so many bytes go there; rejects where that cannot be, and they have to stay. */
  add(host: string, bytes: number): Promise<void>;
  /** Records what waits now. */
  flush(): Promise<void>;
}

interface Going {
  readonly host: string;
  readonly bytes: number;
}

/** Each entry is on the disk before what it tells of goes out: a busy service must not write one for each answer. */
const togetherMs = 250;

export function createKeptRecord(
  ledger: Pick<Ledger, "append">,
  askedBy: LedgerEntry["askedBy"],
  nowMs: () => number,
): KeptRecord {
  const batch = createBatch<Going>(async (going) => {
    const bytesTo = new Map<string, number>();
    for (const { host, bytes } of going) bytesTo.set(host, (bytesTo.get(host) ?? 0) + bytes);
    for (const [host, bytes] of bytesTo) await ledger.append(entryOf(host, bytes, askedBy, nowMs()));
  }, togetherMs);
  return { add: (host, bytes) => batch.add({ host, bytes }), flush: () => batch.flush() };
}

function entryOf(destination: string, bytes: number, askedBy: LedgerEntry["askedBy"], atMs: number): LedgerEntry {
  const how = { allowedBy: "trustedHosts", outcome: "done" } as const;
  return freeEntry({ atMs, destination, model: "Redis", task: "keep", askedBy, bytes, promptTokens: 0, ...how });
}
