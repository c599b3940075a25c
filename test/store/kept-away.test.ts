// Answers that are kept in a Redis of another host have left this machine: they are in the ledger. With a real Redis.
import { createClient } from "@redis/client";
import { afterEach, describe, expect, it, onTestFinished } from "vitest";
import { ensureRedis, type RedisServer, startRedis } from "../../scripts/redis.ts";
import type { LedgerEntry } from "../../src/core/ledger.ts";
import { defaultSettings } from "../../src/core/settings.ts";
import { createKeptRecord } from "../../src/store/record-kept.ts";
import { openStores } from "../../src/stores.ts";
import { outsideAddress as outside } from "../harness/outside-address.ts";
import { temporaryFolder, until } from "./sample.ts";
import { answer } from "./sample-entries.ts";

const program = await ensureRedis().catch(() => undefined);
const key = "ab".repeat(32);

let redis: RedisServer | undefined;
afterEach(async () => {
  await redis?.kill();
  redis = undefined;
});

/** Once an answer is kept there. */
async function keepOne(address: string, ownHost = "") {
  redis = await startRedis(program ?? "", ["--bind", ...new Set(["127.0.0.1", address]), "--protected-mode", "no"]);
  const host = `${address}:${redis.port}`;
  const stores = openStores(
    {
      folders: { home: temporaryFolder(), engineEntry: "none" },
      settings: defaultSettings,
      askedBy: "shell",
      log: () => undefined,
      env: { SWITCHYARD_OWN_HOSTS: ownHost.replace("HOST", host) },
    },
    () => ({ ...defaultSettings, redisUrl: `redis://${host}`, trustedHosts: [host] }),
  );
  const client = await createClient({ url: redis.url }).connect();
  client.on("error", () => undefined);
  onTestFinished(() => stores.dispose());
  let kept: string | null = null;
  await until(async () => {
    await stores.cache.put(key, answer("hello"));
    kept = await client.get(`switchyard:answer:v1:${key}`);
    return kept !== null;
  });
  client.destroy();
  return { host, bytes: Buffer.byteLength(kept ?? ""), entries: await stores.ledger.list() };
}

describe.skipIf(!program || !outside)("answers kept in a Redis", () => {
  it("of another host are in the ledger before they go there, with their bytes", async () => {
    const { host, bytes, entries } = await keepOne(outside ?? "");
    expect(bytes).toBeGreaterThan(20);
    expect(entries[0]).toMatchObject({ destination: host, bytes, task: "keep", askedBy: "shell", costUsd: 0 });
    expect(entries[0]).toMatchObject({ model: "Redis", allowedBy: "trustedHosts", outcome: "done" });
  });

  it("of this machine, or of the same installation, have not left", async () => {
    expect((await keepOne("127.0.0.1")).entries).toEqual([]);
    await redis?.kill();
    expect((await keepOne(outside ?? "", "elsewhere:6379 HOST")).entries).toEqual([]);
  });
});

describe("the record of kept answers", () => {
  it("is one entry for all that come together, for each host, and there before anything goes", async () => {
    const entries: LedgerEntry[] = [];
    const record = createKeptRecord({ append: async (entry) => void entries.push(entry) }, "proxy", () => 7);
    const going = [record.add("a:1", 10), record.add("b:2", 5), record.add("a:1", 32)];
    await record.flush();
    await Promise.all(going);
    expect(entries.map(({ destination, bytes, atMs }) => [destination, bytes, atMs])).toEqual([
      ["a:1", 42, 7],
      ["b:2", 5, 7],
    ]);
  });

  it("lets nothing go that cannot be recorded", async () => {
    const record = createKeptRecord({ append: () => Promise.reject(new Error("disk full")) }, "proxy", () => 7);
    const going = record.add("a:1", 10);
    await record.flush();
    await expect(going).rejects.toThrow("disk full");
  });
});
