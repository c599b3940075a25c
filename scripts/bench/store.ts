// What keeping answers costs beside a plain map: in memory, in SQLite, in Redis; what recording costs; and what a
// frozen Redis costs.
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { AnswerCache, CachedAnswer } from "../../src/core/answer-cache.ts";
import type { LedgerEntry } from "../../src/core/ledger.ts";
import { createAnswerCache } from "../../src/store/answer-cache.ts";
import { createRedisCache } from "../../src/store/answer-cache-redis.ts";
import { createSqliteCache } from "../../src/store/answer-cache-sqlite.ts";
import { createLedger } from "../../src/store/ledger.ts";
import { ensureRedis, startRedis } from "../redis.ts";
import { median, type Row } from "./measure.ts";

const calls = 1000;
const host = { nowMs: () => Date.now(), notice: () => undefined, log: () => undefined };
const answer: CachedAnswer = {
  text: "A sentence of an answer, as long as most of them are. ".repeat(40),
  findings: [],
  stats: { promptTokens: 800, answerTokens: 450, loadMs: 0, prefillMs: 200, decodeMs: 9000 },
  storedAtMs: 1,
};
const entry: LedgerEntry = {
  id: "",
  atMs: 1,
  destination: "api.anthropic.com",
  model: "claude",
  task: "review",
  askedBy: "editor",
  sources: [{ uri: "file:///work/src/a.ts", startLine: 1, endLine: 40 }],
  bytes: 4000,
  promptTokens: 1000,
  answerTokens: 200,
  costUsd: 0.01,
  allowedBy: "session",
  maskedSecrets: 0,
  outcome: "sent",
};

export async function measureStore(): Promise<readonly Row[]> {
  const home = await mkdtemp(join(tmpdir(), "switchyard-bench-"));
  try {
    const map = await ofMap();
    return [
      ...(await ofMemory(home, map)),
      ...(await ofSqlite(home, map)),
      ...(await ofRedis(map)),
      await ofLedger(home, map),
    ];
  } finally {
    await rm(home, { recursive: true, force: true });
  }
}

interface Costs {
  readonly getUs: number;
  readonly putUs: number;
}

async function ofMap(): Promise<Costs> {
  const map = new Map<string, CachedAnswer>();
  return ofCache({
    get: async (key) => map.get(key),
    put: async (key, value) => void map.set(key, value),
    clear: async () => map.clear(),
  });
}

async function ofMemory(home: string, map: Costs): Promise<readonly Row[]> {
  const cache = createAnswerCache({ ...host, file: join(home, "memory.db"), redisUrl: () => "" });
  const { getUs } = await ofCache(cache);
  await cache.dispose();
  return [row("a kept answer from memory", getUs, map.getUs, 10)];
}

async function ofSqlite(home: string, map: Costs): Promise<readonly Row[]> {
  const cache = createSqliteCache({ ...host, file: join(home, "answers.db") });
  const { getUs, putUs } = await ofCache(cache);
  cache.dispose();
  return [
    row("a kept answer from SQLite", getUs, map.getUs, 100),
    row("keeping one in SQLite", putUs, map.putUs, 1000),
  ];
}

async function ofRedis(map: Costs): Promise<readonly Row[]> {
  const program = await ensureRedis().catch(() => undefined);
  if (!program) return [];
  const server = await startRedis(program);
  const cache = createRedisCache({ ...host, url: server.url });
  try {
    while (!(await cache.get(keyOf(0)))) await cache.put(keyOf(0), answer);
    const { getUs, putUs } = await ofCache(cache);
    server.freeze();
    const onceMs = (await microsecondsOf(() => cache.get(keyOf(0)))) / 1000;
    const frozenUs = (await ofCache(cache, false)).getUs;
    return [
      row("a kept answer from Redis", getUs, map.getUs, 500),
      row("keeping one in Redis", putUs, map.putUs, 500),
      { name: "the call that finds Redis frozen", value: onceMs, unit: "ms", goal: "≤ 10 ms", isMet: onceMs <= 10 },
      row("each call after it, Redis frozen", frozenUs, map.getUs, 100),
    ];
  } finally {
    cache.dispose();
    await server.kill();
  }
}

/** Each entry is on the disk before anything is sent, so this is what the disk costs. */
async function ofLedger(home: string, map: Costs): Promise<Row> {
  const ledger = createLedger(join(home, "ledger.ndjson"));
  const times: number[] = [];
  for (let index = 0; index < calls / 2; index++) {
    times.push(await microsecondsOf(() => ledger.append({ ...entry, id: String(index) })));
  }
  ledger.dispose();
  return row("recording what leaves, on the disk", median(times), map.putUs, 20_000);
}

/** @param isThere whether what was put has to be found again @throws Error when it is not */
async function ofCache(cache: AnswerCache, isThere = true): Promise<Costs> {
  const puts: number[] = [];
  const gets: number[] = [];
  for (let index = 0; index < calls; index++)
    puts.push(await microsecondsOf(() => cache.put(keyOf(index % 500), answer)));
  for (let index = 0; index < calls; index++) {
    gets.push(
      await microsecondsOf(async () => {
        if (((await cache.get(keyOf(index % 500))) !== undefined) !== isThere) throw new Error("not what was kept");
      }),
    );
  }
  return { getUs: median(gets), putUs: median(puts) };
}

async function microsecondsOf(work: () => Promise<unknown>): Promise<number> {
  const startMs = performance.now();
  await work();
  return (performance.now() - startMs) * 1000;
}

function keyOf(index: number): string {
  return index.toString(16).padStart(64, "0");
}

function row(name: string, value: number, peer: number, limitUs: number): Row {
  return {
    name,
    value,
    unit: "µs (median)",
    peer: { name: "a plain map", value: peer },
    goal: `≤ ${limitUs} µs`,
    isMet: value <= limitUs,
  };
}
