import { readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
// biome-ignore lint/correctness/noUnresolvedImports: it is there from Node 22.13 on, the linter does not know it yet
import { DatabaseSync } from "node:sqlite";
import { describe, expect, it } from "vitest";
import { freePort } from "../../scripts/free-port.ts";
import { createAnswerCache } from "../../src/store/answer-cache.ts";
import { createSqliteCache, type SqliteCacheOptions } from "../../src/store/answer-cache-sqlite.ts";
import { listeningHost, temporaryFolder, until } from "./sample.ts";
import { answer } from "./sample-entries.ts";
import { fillDisk, smallDisk } from "./small-disk.ts";

function open(folder: string, more: Partial<SqliteCacheOptions> = {}) {
  const host = listeningHost();
  return { host, cache: createSqliteCache({ file: join(folder, "switchyard.db"), writeAfterMs: 0, ...host, ...more }) };
}

/** Looks into the file as another program would. */
function inFile<T>(folder: string, work: (db: DatabaseSync) => T): T {
  const db = new DatabaseSync(join(folder, "switchyard.db"));
  try {
    return work(db);
  } finally {
    db.close();
  }
}
const keysIn = (folder: string) =>
  inFile(folder, (db) => db.prepare("SELECT key FROM answers ORDER BY key").all()).map((row) => row["key"]);

describe("answers kept in SQLite", () => {
  it("are found by another window, and after both were closed", async () => {
    const folder = temporaryFolder();
    const [one, two] = [open(folder), open(folder)];
    await one.cache.put("a", answer("hello"));
    expect(await two.cache.get("a")).toEqual(answer("hello"));
    await two.cache.put("a", answer("newer"));
    expect(await one.cache.get("a")).toEqual(answer("newer"));
    expect(await one.cache.get("b")).toBeUndefined();
    await one.cache.dispose();
    await two.cache.dispose();
    const later = open(folder);
    expect(await later.cache.get("a")).toEqual(answer("newer"));
    await later.cache.dispose();
    expect(statSync(join(folder, "switchyard.db")).mode & 0o777).toBe(0o600);
  });

  it("are found a moment after another window has put them, by one that missed them before", async () => {
    const folder = temporaryFolder();
    const [one, two] = [open(folder), open(folder)];
    await two.cache.put("b", answer("other"));
    expect(await one.cache.get("a")).toBeUndefined();
    await two.cache.put("a", answer("hello"));
    await until(async () => (await one.cache.get("a")) !== undefined);
    await two.cache.clear();
    expect(await one.cache.get("a")).toBeUndefined();
    await Promise.all([one.cache.dispose(), two.cache.dispose()]);
  });

  it("are written when they come faster than a file of that size could keep them: the latest stay", async () => {
    const folder = temporaryFolder();
    const { cache } = open(folder, { maxEntries: 100, writeAfterMs: 20 });
    await Promise.all(Array.from({ length: 950 }, (_, at) => cache.put(`${at}`, answer("hello"))));
    expect(await cache.get("949")).toEqual(answer("hello"));
    expect(await cache.get("500")).toBeUndefined();
    expect(keysIn(folder).length).toBeLessThanOrEqual(100);
    await cache.dispose();
  });

  it("are never more than allowed; the least recently used go first", async () => {
    const folder = temporaryFolder();
    let hour = 0;
    const { cache } = open(folder, { maxEntries: 10, nowMs: () => hour * 3_600_001 });
    for (; hour < 10; hour++) await cache.put(`k${hour}`, answer("x"));
    hour = 20;
    expect(await cache.get("k0")).toEqual(answer("x"));
    hour = 21;
    await cache.put("k10", answer("x"));
    const keys = keysIn(folder);
    expect(keys.length).toBeLessThanOrEqual(10);
    expect(keys).toContain("k0");
    expect(keys).toContain("k10");
    expect(keys).not.toContain("k1");
    await cache.dispose();
  });

  it("take no more bytes than allowed, in the file as well", async () => {
    const folder = temporaryFolder();
    let now = 0;
    const { cache } = open(folder, { maxBytes: 1_000_000, nowMs: () => ++now });
    for (let index = 0; index < 100; index++) await cache.put(`k${index}`, answer(`${index}`.repeat(30_000)));
    expect(await cache.get("k99")).toBeDefined();
    expect(await cache.get("k0")).toBeUndefined();
    const bytes = inFile(folder, (db) => db.prepare("SELECT sum(length(value)) AS n FROM answers").get())?.["n"];
    expect(Number(bytes)).toBeLessThanOrEqual(1_000_000);
    await cache.put("huge", answer("x".repeat(2_000_000)));
    expect(await cache.get("huge")).toBeUndefined();
    expect(await cache.get("k99")).toBeDefined();
    await cache.dispose();
    expect(statSync(join(folder, "switchyard.db")).size).toBeLessThan(1_300_000);
  });

  it("are not written again each time they are read", async () => {
    const folder = temporaryFolder();
    let now = 0;
    const { cache } = open(folder, { nowMs: () => now });
    await cache.put("a", answer("x"));
    const used = () => inFile(folder, (db) => db.prepare("SELECT usedMs FROM answers").get())?.["usedMs"];
    now = 3_000_000;
    await cache.get("a");
    expect(used()).toBe(0);
    now = 4_000_000;
    await cache.get("a");
    expect(used()).toBe(4_000_000);
    await cache.dispose();
  });

  it("are misses, and deleted, when they are broken or of another format", async () => {
    const folder = temporaryFolder();
    const { cache } = open(folder);
    for (const text of ["{", '{"version":0}', "", '{"version":1,"answer":{"text":1}}']) {
      await cache.put("a", answer("x"));
      inFile(folder, (db) => db.prepare("UPDATE answers SET value = ?").run(text));
      expect(await cache.get("a"), text).toBeUndefined();
      expect(keysIn(folder), text).toEqual([]);
    }
    await cache.dispose();
  });

  it("are not there where the file cannot be used, and nothing fails", async () => {
    const folder = temporaryFolder();
    writeFileSync(join(folder, "a-file"), "");
    const newer = temporaryFolder();
    inFile(newer, (db) => db.exec("PRAGMA user_version = 99"));
    for (const { cache } of [
      open(join(folder, "a-file")),
      open(newer),
      open(folder, { loadSqlite: async () => undefined }),
    ]) {
      await cache.put("a", answer("x"));
      expect(await cache.get("a")).toBeUndefined();
      await cache.clear();
      await cache.dispose();
    }
  });

  it("are lost with a broken file, which is set aside", async () => {
    const folder = temporaryFolder();
    writeFileSync(join(folder, "switchyard.db"), "nonsense".repeat(10_000));
    const { cache, host } = open(folder);
    expect(await cache.get("a")).toBeUndefined();
    await cache.put("a", answer("x"));
    expect(await cache.get("a")).toEqual(answer("x"));
    expect(host.notices).toEqual([expect.stringContaining("was broken. It was set aside as")]);
    await cache.dispose();
  });

  it("do not wait for somebody else who writes for long", async () => {
    const folder = temporaryFolder();
    const { cache } = open(folder);
    await cache.put("a", answer("x"));
    const other = new DatabaseSync(join(folder, "switchyard.db"));
    other.exec("BEGIN IMMEDIATE");
    expect(await cache.get("a")).toEqual(answer("x"));
    const startMs = performance.now();
    await cache.put("b", answer("y"));
    expect(performance.now() - startMs).toBeLessThan(400);
    other.exec("COMMIT");
    expect(await cache.get("b")).toBeUndefined();
    other.close();
    await cache.dispose();
  });

  it.skipIf(!smallDisk)("are given up quietly on a full disk", async () => {
    const disk = smallDisk?.() ?? "";
    const { cache, host } = open(disk);
    await cache.put("a", answer("x"));
    const filler = fillDisk(disk);
    await cache.put("b", answer("x".repeat(200_000)));
    expect(await cache.get("a")).toEqual(answer("x"));
    expect(await cache.get("b")).toBeUndefined();
    expect(host.notices).toEqual([]);
    rmSync(filler);
    await cache.put("b", answer("x".repeat(200_000)));
    expect(await cache.get("b")).toBeDefined();
    await cache.dispose();
  });

  it("leave not a byte behind when they are deleted", async () => {
    const folder = temporaryFolder();
    const { cache } = open(folder);
    const bytes = () =>
      readdirSync(folder)
        .map((name) => readFileSync(join(folder, name), "latin1"))
        .join("");
    for (let index = 0; index < 30; index++) await cache.put(`k${index}`, answer("CANARY".repeat(2000)));
    await cache.put("k0", answer("CANARY replaced"));
    expect(bytes()).toContain("CANARY");
    await cache.clear();
    expect(bytes()).not.toContain("CANARY");
    expect(await cache.get("k0")).toBeUndefined();
    await cache.dispose();
  });
});

describe("the answer cache", () => {
  function openAll(folder: string, redisUrl: () => string = () => "") {
    const host = listeningHost();
    return { host, cache: createAnswerCache({ file: join(folder, "switchyard.db"), redisUrl, ...host }) };
  }

  it("answers from memory what it has seen, without the file", async () => {
    const folder = temporaryFolder();
    const { cache } = openAll(folder);
    await cache.put("a", answer("x"));
    inFile(folder, (db) => db.exec("DELETE FROM answers"));
    expect(await cache.get("a")).toEqual(answer("x"));
    expect(await cache.get("b")).toBeUndefined();
    await cache.dispose();
  });

  it("keeps in memory what it found in the file", async () => {
    const folder = temporaryFolder();
    const [one, two] = [openAll(folder), openAll(folder)];
    await one.cache.put("a", answer("x"));
    await two.cache.get("a");
    inFile(folder, (db) => db.exec("DELETE FROM answers"));
    expect(await two.cache.get("a")).toEqual(answer("x"));
    await one.cache.dispose();
    await two.cache.dispose();
  });

  it("holds no more than a thousand answers, and none that is too big, in memory", async () => {
    const { cache } = openAll(temporaryFolder());
    const lost = createAnswerCache({
      ...listeningHost(),
      file: join(temporaryFolder(), "switchyard.db"),
      redisUrl: () => "",
      writeAfterMs: 0,
      loadSqlite: async () => undefined,
    });
    for (let index = 0; index <= 1000; index++) await lost.put(String(index), answer("x"));
    expect(await lost.get("0")).toBeUndefined();
    expect(await lost.get("1")).toBeDefined();
    for (let index = 0; index < 40; index++) await lost.put(`big${index}`, answer("x".repeat(500_000)));
    expect(await lost.get("big39")).toBeDefined();
    expect(await lost.get("big0")).toBeUndefined();
    await lost.put("huge", answer("x".repeat(20_000_000)));
    expect(await lost.get("huge")).toBeUndefined();
    await lost.dispose();
    await cache.dispose();
  });

  it("forgets everywhere", async () => {
    const { cache } = openAll(temporaryFolder());
    await cache.put("a", answer("x"));
    await cache.clear();
    expect(await cache.get("a")).toBeUndefined();
    await cache.dispose();
  });

  it("keeps answers in the file while Redis is out", async () => {
    const folder = temporaryFolder();
    const url = `redis://127.0.0.1:${await freePort()}`;
    const { cache, host } = openAll(folder, () => url);
    await cache.get("a");
    await until(() => host.notices.length === 1);
    await cache.put("a", answer("x"));
    expect(keysIn(folder)).toEqual(["a"]);
    await cache.dispose();
  });

  it("touches no file while nothing is asked", async () => {
    const folder = temporaryFolder();
    const { cache } = openAll(folder);
    cache.warm();
    await cache.dispose();
    expect(readdirSync(folder)).toEqual([]);
  });
});
