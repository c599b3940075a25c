// Kept answers: those of this window in memory, before the Redis of the settings or the file all windows share.
import { LRUCache } from "lru-cache";
import type { AnswerCache, CachedAnswer } from "../core/answer-cache.ts";
import { createRedisCache } from "./answer-cache-redis.ts";
import { createSqliteCache, type SqliteCacheOptions } from "./answer-cache-sqlite.ts";

export interface AnswerCacheOptions extends SqliteCacheOptions {
  /** Asked anew each time. Empty: none. */
  readonly redisUrl: () => string;
  /** Resolves when so many bytes may go to that Redis, and rejects where they have to stay. */
  readonly beforeKeeping?: (redisUrl: string, bytes: number) => Promise<void>;
}

const maxEntries = 1000;
const maxBytes = 16 * 2 ** 20;

export interface OpenedAnswerCache extends AnswerCache {
  /** Begins to connect where it has to, waiting for nothing: called early, the first answer is already found. */
  warm(): void;
  dispose(): Promise<void>;
}

/** While Redis is out, the file takes its place. */
export function createAnswerCache(options: AnswerCacheOptions): OpenedAnswerCache {
  const memory = new LRUCache<string, CachedAnswer>({ max: maxEntries, maxSize: maxBytes, sizeCalculation: sizeOf });
  const file = createSqliteCache(options);
  /** What nobody waits for; the end does. */
  const unwritten = new Set<Promise<void>>();
  let redis: { readonly url: string; readonly cache: ReturnType<typeof createRedisCache> } | undefined;

  function currentRedis(): ReturnType<typeof createRedisCache> | undefined {
    const url = options.redisUrl();
    if (redis && redis.url !== url) {
      redis.cache.dispose();
      redis = undefined;
    }
    if (url === "") return undefined;
    const beforeKeeping = async (bytes: number) => options.beforeKeeping?.(url, bytes);
    redis ??= { url, cache: createRedisCache({ url, beforeKeeping, log: options.log, notice: options.notice }) };
    return redis.cache;
  }
  const shared = (): AnswerCache => {
    const cache = currentRedis();
    return cache && !cache.isOut() ? cache : file;
  };

  return {
    async get(key) {
      const known = memory.get(key);
      if (known) return known;
      const found = await shared().get(key);
      if (found) memory.set(key, found);
      return found;
    },
    async put(key, answer) {
      memory.set(key, answer);
      const writing = shared().put(key, answer);
      unwritten.add(writing);
      await writing;
      unwritten.delete(writing);
    },
    async clear() {
      memory.clear();
      await Promise.all([file.clear(), currentRedis()?.clear(), ...unwritten]);
    },
    warm: () => void currentRedis()?.begin(),
    async dispose() {
      await Promise.all([file.dispose(), ...unwritten]);
      redis?.cache.dispose();
    },
  };
}

/** Bytes, as the engine keeps them: two a character at most. */
function sizeOf({ text, findings }: CachedAnswer): number {
  const texts = findings.flatMap(({ uri, title, body, quote, replacement = "" }) => [
    uri,
    title,
    body,
    quote,
    replacement,
  ]);
  return 2 * texts.reduce((sum, each) => sum + each.length, text.length) + 200 * (findings.length + 1);
}
