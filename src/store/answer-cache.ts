// Kept answers: those of this window in memory, before the file all windows share or the Redis of the settings.
import { LRUCache } from "lru-cache";
import type { AnswerCache, CachedAnswer } from "../core/answer-cache.ts";
import { createRedisCache } from "./answer-cache-redis.ts";
import { createSqliteCache, type SqliteCacheOptions } from "./answer-cache-sqlite.ts";

export interface AnswerCacheOptions extends SqliteCacheOptions {
  /** Empty: none. */
  readonly redisUrl: () => string;
}

const maxEntries = 1000;
const maxCharacters = 16 * 2 ** 20;

export function createAnswerCache(options: AnswerCacheOptions): AnswerCache & { dispose(): Promise<void> } {
  const memory = new LRUCache<string, CachedAnswer>({
    max: maxEntries,
    maxSize: maxCharacters,
    sizeCalculation: (answer) => answer.text.length + 1000 * (answer.findings.length + 1),
  });
  const file = createSqliteCache(options);
  let redis: { readonly url: string; readonly cache: ReturnType<typeof createRedisCache> } | undefined;

  /** Redis where the settings name one. */
  function shared(): AnswerCache {
    const url = options.redisUrl();
    if (redis && redis.url !== url) {
      redis.cache.dispose();
      redis = undefined;
    }
    if (url === "") return file;
    redis ??= { url, cache: createRedisCache({ ...options, url }) };
    return redis.cache;
  }

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
      await shared().put(key, answer);
    },
    async clear() {
      memory.clear();
      await Promise.all([file.clear(), shared().clear()]);
    },
    async dispose() {
      redis?.cache.dispose();
      await file.dispose();
    },
  };
}
