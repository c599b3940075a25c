// The two hashes that the scan of a text, the keyword dictionary and the weights have to agree on.

export const hashSeed = 0x811c9dc5 | 0;

/** One more character of a word (FNV-1a). */
export function addToHash(hash: number, code: number): number {
  return Math.imul(hash ^ code, 0x01000193);
}

/** A whole word, in lower case. */
export function wordHash(word: string): number {
  let hash = hashSeed;
  for (let at = 0; at < word.length; at++) hash = addToHash(hash, word.charCodeAt(at));
  return hash;
}

/** A sequence, from the hash of its beginning and that of its last part. */
export function joinHashes(first: number, last: number): number {
  return Math.imul(first, 0x5bd1e995) ^ (last + 0x3c6ef372);
}
