import type { Finding } from "./finding.ts";
import type { AnswerStats } from "./model-event.ts";

/** A whole answer as it was shown. Answers that were stopped, cut or failed are never kept. */
export interface CachedAnswer {
  readonly text: string;
  readonly findings: readonly Finding[];
  readonly stats: AnswerStats;
  readonly storedAtMs: number;
}

/**
 * Answers by the hash of all that decides them. Nothing here throws and nothing waits long: a cache that is gone is an
 * empty one. What cannot be read is a miss, and is deleted.
 */
export interface AnswerCache {
  /** @param key lower-case hex SHA-256 */
  get(key: string): Promise<CachedAnswer | undefined>;
  put(key: string, answer: CachedAnswer): Promise<void>;
  /** Deletes every answer. */
  clear(): Promise<void>;
}
