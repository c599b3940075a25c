import { type Area, areaOf } from "./classifier/area.ts";
import { Features, rowOf } from "./classifier/features.ts";
import { buildLexicon } from "./classifier/lexicon.ts";
import { LinearModel, type Outcome, outcomeCount, outcomes, softmax } from "./classifier/model.ts";
import weights from "./classifier/weights.json" with { type: "json" };
import { detectLanguage, type TextLanguage } from "./language.ts";
import { lazily } from "./lazily.ts";
import type { Ask, TaskKind } from "./task.ts";

/** One reason a kind got points. */
export interface Evidence {
  readonly kind: TaskKind;
  /** What was seen: a keyword, a word of the text, a file language. Shown to people as is where `by` is absent. */
  readonly seen: string;
  /** What it was where it is no word of anybody's. */
  readonly by?: "command" | "nothing" | "correction";
  readonly points: number;
}

export interface Classification {
  readonly kind: TaskKind;
  /** Natural language of the question and the text: decides, with the kind, which role answers. */
  readonly language: TextLanguage;
  /** A score for every kind; the highest wins. A better classifier replaces this function, not its shape. */
  readonly scores: Readonly<Record<TaskKind, number>>;
  /**
   * How likely the expert this kind leads to is the right one, 0 to 1, matched to how often it was on prompts not
   * trained on; 1 where the kind was stated.
   */
  readonly confidence: number;
  readonly evidence: readonly Evidence[];
  /** What the expert has to know. Says more than the kind: explaining code is `code`, explaining the rest is `docs`. */
  readonly area?: Area;
}

export type Classifier = (ask: Ask) => Classification;

/** How many words of the text are shown beside the keywords. */
const wordsShown = 3;
/** A word that says less than this for the winner is not worth showing. */
const leastWeight = 0.6;
/** What language a question is in shows early. */
const languageSample = 1500;
const proseLanguages = new Set(["markdown", "plaintext", "restructuredtext", "asciidoc", "latex"]);
/** What code handed over says, in the model's own measure: about as much as two clear words. */
const materialPoints: Partial<Record<Outcome, number>> = { review: 1.5, code: 1.5, explainCode: 2, document: 0.5 };

/**
 * Classifies by a small trained model that takes the keyword table as one of its signals. Pure; looks at the first
 * and last pages of a long text only. The weights are unpacked on first use.
 */
export const classify: Classifier = (ask) => {
  const language = languageOf(ask);
  if (ask.kind) return stated(ask.kind, language, "command", "command");
  const material = materialOf(ask);
  if (ask.text.trim() === "") {
    return material === undefined
      ? stated("chat", language, "nothing asked", "nothing")
      : stated("review", language, material);
  }
  return reader()(ask.text, language, material);
};

type Reader = (text: string, language: TextLanguage, material: string | undefined) => Classification;

/** What every classification needs and none keeps: made once, because unpacking takes longer than classifying. */
const reader = lazily(makeReader);

function makeReader(): Reader {
  const features = new Features(buildLexicon());
  const model = new LinearModel(weights);
  const chances = new Float64Array(outcomeCount);
  return (text, language, material) => {
    features.scan(text);
    model.score(features, chances);
    if (material !== undefined) {
      outcomes.forEach((outcome, k) => {
        chances[k] = (chances[k] ?? 0) + (materialPoints[outcome] ?? 0);
      });
    }
    softmax(chances, model.temperature);
    const { winner, scores, confidence } = decide(chances);
    const kind = kindOfIndex[winner] ?? "chat";
    const evidence: Evidence[] = [];
    for (const hit of features.hits) evidence.push({ kind: hit.kind, seen: hit.phrase, points: hit.points });
    if (material !== undefined) evidence.push({ kind, seen: material, points: 2 });
    addTellingWords(text, features, model, winner, evidence);
    return { kind, language, scores, confidence, evidence, area: areaOfIndex[winner] ?? "docs" };
  };
}

/** The area first, since that is what picks the expert; then the likeliest kind within it. */
function decide(chances: Float64Array) {
  const sums = { code: 0, reasoning: 0, creative: 0, docs: 0, chinese: 0 };
  const best = { code: 0, reasoning: 0, creative: 0, docs: 0, chinese: 0 };
  for (let k = 0; k < outcomeCount; k++) {
    const area = areaOfIndex[k] ?? "docs";
    const chance = chances[k] ?? 0;
    sums[area] += chance;
    if (chance > best[area]) best[area] = chance;
  }
  const scores = noScores();
  let winner = 0;
  let highest = -1;
  for (let k = 0; k < outcomeCount; k++) {
    const area = areaOfIndex[k] ?? "docs";
    // The likeliest kind of an area scores what the whole area does, so that the highest score is the winner's.
    const score = best[area] === 0 ? 0 : (sums[area] * (chances[k] ?? 0)) / best[area];
    const kind = kindOfIndex[k] ?? "chat";
    if (score > scores[kind]) scores[kind] = score;
    if (score > highest) {
      highest = score;
      winner = k;
    }
  }
  return { winner, scores, confidence: Math.min(1, highest) };
}

/** The words that spoke loudest for the winner, apart from the keywords. */
function addTellingWords(
  text: string,
  features: Features,
  model: LinearModel,
  winner: number,
  evidence: Evidence[],
): void {
  const { spans, spanCount } = features;
  const kind = kindOfIndex[winner] ?? "chat";
  const keywords = evidence.length;
  for (let at = 0; at < spanCount * 3; at += 3) {
    const weight = model.weightOf(rowOf(spans[at + 2] ?? 0), winner);
    const full = evidence.length === keywords + wordsShown;
    const last = evidence[evidence.length - 1];
    if (weight < leastWeight || (full && last !== undefined && weight <= last.points)) continue;
    const seen = text.slice(spans[at], spans[at + 1]).toLowerCase();
    if (evidence.some((each) => each.seen.includes(seen))) continue;
    if (full) evidence.pop();
    let place = evidence.length;
    while (place > keywords && (evidence[place - 1]?.points ?? 0) < weight) place--;
    evidence.splice(place, 0, { kind, seen, points: Math.round(weight * 10) / 10 });
  }
}

const kindOfIndex: readonly TaskKind[] = outcomes.map((each) => (each === "explainCode" ? "explain" : each));
const areaOfIndex: readonly Area[] = outcomes.map(areaOf);

const noScores = (): Record<TaskKind, number> => ({
  review: 0,
  translate: 0,
  explain: 0,
  document: 0,
  create: 0,
  analyze: 0,
  code: 0,
  chat: 0,
});

function stated(kind: TaskKind, language: TextLanguage, seen: string, by?: Evidence["by"]): Classification {
  return {
    kind,
    language,
    scores: { ...noScores(), [kind]: 1 },
    confidence: 1,
    evidence: [{ kind, seen, points: 1, ...(by ? { by } : {}) }],
  };
}

/** The programming language of what was handed over. */
function materialOf(ask: Ask): string | undefined {
  const languageId = ask.sources[0]?.languageId;
  return languageId === undefined || proseLanguages.has(languageId) ? undefined : languageId;
}

function languageOf(ask: Ask): TextLanguage {
  const text = ask.text.trim() === "" ? (ask.sources[0]?.text ?? "") : ask.text;
  return detectLanguage(text.slice(0, languageSample));
}
