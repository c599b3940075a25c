// The keyword table as a dictionary of hashes: a word of the text is looked up, no pattern is run over it.
import { type KeywordRule, keywordRules } from "../keywords.ts";
import { joinHashes, wordHash } from "./hash.ts";

/** What a phrase of the table does where it is seen. */
export interface Entry {
  readonly phrase: string;
  /** The rules that count this phrase; `after` is the group that must have been seen shortly before, 0 for none. */
  readonly rules: { readonly rule: KeywordRule; readonly after: number }[];
  /** Groups this phrase opens, numbered from 1. */
  readonly opens: number[];
}

export interface Lexicon {
  readonly entries: ReadonlyMap<number, Entry>;
  readonly groups: number;
}

export function buildLexicon(): Lexicon {
  const entries = new Map<number, Entry>();
  const groups = new Map<string, number>();
  const entryOf = (phrase: string): Entry => {
    const hash = phraseHash(phrase);
    const entry = entries.get(hash) ?? { phrase, rules: [], opens: [] };
    entries.set(hash, entry);
    return entry;
  };
  for (const rule of keywordRules) {
    let after = 0;
    if (rule.after !== undefined) {
      after = groups.get(rule.after) ?? groups.size + 1;
      if (!groups.has(rule.after)) for (const opener of rule.after.split("|")) entryOf(opener).opens.push(after);
      groups.set(rule.after, after);
    }
    for (const phrase of rule.phrases.split("|")) entryOf(phrase).rules.push({ rule, after });
  }
  return { entries, groups: groups.size };
}

/** The hash the scan has in hand when it has just read the last word or character of this phrase. */
function phraseHash(phrase: string): number {
  const units = phrase.charCodeAt(0) > 0x2e7f ? [...phrase] : phrase.split(" ");
  return units.map(wordHash).reduce(joinHashes);
}
