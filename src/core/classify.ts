import { keywordRules } from "./keywords.ts";
import { detectLanguage, type TextLanguage } from "./language.ts";
import { type Ask, type TaskKind, taskKinds } from "./task.ts";

/** One reason a kind got points. */
export interface Evidence {
  readonly kind: TaskKind;
  /** What was seen: a keyword, a file language, `command`. Shown to people as is. */
  readonly seen: string;
  readonly points: number;
}

export interface Classification {
  readonly kind: TaskKind;
  /** Natural language of the question and the text: decides, with the kind, which role answers. */
  readonly language: TextLanguage;
  /** A score for every kind; the highest wins. A better classifier replaces this function, not its shape. */
  readonly scores: Readonly<Record<TaskKind, number>>;
  /** Share of all points that the winner has, 0 to 1; 1 where the kind was stated. */
  readonly confidence: number;
  readonly evidence: readonly Evidence[];
}

export type Classifier = (ask: Ask) => Classification;

/** What a question is about stands at its beginning or its end; the middle of a long one is material. */
const headLength = 1500;
const tailLength = 500;
/** A word that comes again says less; a kind gets each word once and at most this many. */
const maxHitsPerRule = 3;
const codeSign =
  /[{};]\s*$|=>|\bdef \w+\(|\bfunction\b.*\(|#include|\bimport \w+|\bconst \w+ ?=|<\/\w+>|\bSELECT\b.+\bFROM\b/m;
const proseLanguages = new Set(["markdown", "plaintext", "restructuredtext", "asciidoc", "latex"]);

/** Classifies by the keyword table. Pure; looks at the first and last pages of a long text only. */
export const classifyByKeywords: Classifier = (ask) => {
  const language = languageOf(ask);
  if (ask.kind) return stated(ask.kind, language);
  const scores: Record<TaskKind, number> = {
    review: 0,
    translate: 0,
    explain: 0,
    document: 0,
    create: 0,
    analyze: 0,
    code: 0,
    chat: 1,
  };
  const evidence: Evidence[] = [...keywordEvidence(ask.text), ...materialEvidence(ask)];
  for (const each of evidence) scores[each.kind] += each.points;
  const kind = taskKinds.reduce((best, each) => (scores[each] > scores[best] ? each : best), "chat" as TaskKind);
  const total = taskKinds.reduce((sum, each) => sum + scores[each], 0);
  return { kind, language, scores, confidence: scores[kind] / total, evidence };
};

function stated(kind: TaskKind, language: TextLanguage): Classification {
  const none = { review: 0, translate: 0, explain: 0, document: 0, create: 0, analyze: 0, code: 0, chat: 0 };
  return {
    kind,
    language,
    scores: { ...none, [kind]: 1 },
    confidence: 1,
    evidence: [{ kind, seen: "command", points: 1 }],
  };
}

function* keywordEvidence(text: string): Iterable<Evidence> {
  const sample =
    text.length > headLength + tailLength ? `${text.slice(0, headLength)}\n${text.slice(-tailLength)}` : text;
  for (const rule of keywordRules) {
    const seen = new Set<string>();
    for (const match of sample.matchAll(rule.pattern)) {
      seen.add(match[0].toLowerCase());
      if (seen.size === maxHitsPerRule) break;
    }
    for (const word of seen) yield { kind: rule.kind, seen: word, points: rule.points };
  }
}

/** What was handed over speaks too, more quietly: code for code, prose for prose. */
function* materialEvidence(ask: Ask): Iterable<Evidence> {
  if (codeSign.test(ask.text.slice(0, headLength))) yield { kind: "code", seen: "code in the question", points: 3 };
  const languageId = ask.sources[0]?.languageId;
  if (languageId !== undefined && !proseLanguages.has(languageId)) {
    yield { kind: ask.text.trim() === "" ? "review" : "code", seen: languageId, points: 2 };
  }
}

function languageOf(ask: Ask): TextLanguage {
  return detectLanguage(ask.text.trim() === "" ? (ask.sources[0]?.text ?? "") : ask.text);
}
