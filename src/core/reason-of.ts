/** What was thrown, in its own words: for the log, or after a sentence of ours. */
export const reasonOf = (thrown: unknown): string => (thrown instanceof Error ? thrown.message : String(thrown));
