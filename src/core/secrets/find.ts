// Finds secrets and personal numbers in text, before it goes to a model on another machine.
//
// The rules are written here, after what the issuers document. Looked at instead: Secretlint (MIT, alive, 83 kB, as fast)
// finds 39 of 210 secrets of `test/fixtures/secrets`, as it reads few named values and no personal numbers, and only
// answers asynchronously; gitleaks' rules are made for Go's engine; detect-secrets is Python.
import { lazily } from "../lazily.ts";
import { type Message, msg } from "../message.ts";
import { assignmentRules } from "./assignments.ts";
import { connectionRules } from "./connection-strings.ts";
import { cookieRules } from "./cookies.ts";
import { findEncoded } from "./encoded.ts";
import { createKeywordScan } from "./keyword-scan.ts";
import { findNumbers } from "./numbers.ts";
import { findInParts } from "./parts.ts";
import { privateKeyRules } from "./private-keys.ts";
import type { Rule } from "./rule.ts";
import { tokenRules } from "./tokens.ts";

/** A secret value, without its name or quotes. `start` and `end` are UTF-16 offsets, `line` counts from 1. */
export interface SecretFinding {
  readonly rule: string;
  readonly label: Message;
  readonly start: number;
  readonly end: number;
  readonly line: number;
}

/** `rank`: of two rules that find the same value, the lower one names it. */
type Candidate = Omit<SecretFinding, "line"> & { readonly rank: number };

/** The more particular ones first. */
const rules: readonly Rule[] = [
  ...privateKeyRules,
  ...tokenRules,
  ...connectionRules,
  ...cookieRules,
  ...assignmentRules,
];
const words = rules.flatMap((rule) => rule.keywords.map((keyword) => ({ keyword, rule, rank: rules.indexOf(rule) })));
/** Most processes never search a text. */
const keywordScan = lazily(() => createKeywordScan(words.map(({ keyword }) => keyword)));

/** In the order of the text. What overlaps becomes one, named after the longest: no half of a secret stays. */
function merge(candidates: Candidate[]): Candidate[] {
  const merged: Candidate[] = [];
  let longest = 0;
  for (const each of candidates.sort((a, b) => a.start - b.start || b.end - a.end || a.rank - b.rank)) {
    const last = merged.at(-1);
    const length = each.end - each.start;
    if (!last || each.start >= last.end) {
      merged.push(each);
      longest = length;
      continue;
    }
    const names = length > longest ? each : last;
    merged[merged.length - 1] = { ...names, start: last.start, end: Math.max(last.end, each.end) };
    longest = Math.max(longest, length);
  }
  return merged;
}

const encoded = msg("Secret in base64");

/** Ordered, and never overlapping. Reads the text once, at 60 MB/s or more, and what is base64 in it once more. */
export function findSecrets(text: string): readonly SecretFinding[] {
  const inside = findEncoded(text, (decoded) => candidatesIn(decoded).length > 0);
  return withLines(text, [
    ...findNumbers(text).map((each) => ({ ...each, rank: -1 })),
    ...candidatesIn(text),
    ...findInParts(text, candidatesIn),
    ...inside.map((span) => ({ rule: "encoded", label: encoded, ...span, rank: rules.length })),
  ]);
}

function candidatesIn(text: string): readonly Candidate[] {
  const candidates: Candidate[] = [];
  let foundTo = 0;
  keywordScan()(text, (index, start, end) => {
    const word = words[index];
    if (!word || (word.rule.skipsFound && start < foundTo)) return;
    const span = word.rule.find(text, start, end);
    if (!span) return;
    foundTo = Math.max(foundTo, span.end);
    const { id, label } = word.rule;
    candidates.push({ rule: id, label, start: span.start, end: span.end, rank: word.rank });
  });
  return candidates;
}

function withLines(text: string, candidates: Candidate[]): readonly SecretFinding[] {
  let line = 1;
  let newline = text.indexOf("\n");
  return merge(candidates).map(({ rule, label, start, end }) => {
    for (; newline >= 0 && newline < start; newline = text.indexOf("\n", newline + 1)) line++;
    return { rule, label, start, end, line };
  });
}
