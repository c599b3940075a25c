// What people corrected before decides for questions that read nearly the same.
import type { Classification, Classifier } from "../classify.ts";
import { type TaskKind, taskKinds } from "../task.ts";
import { areaOf } from "./area.ts";
import { bucketBits, Features } from "./features.ts";
import { buildLexicon } from "./lexicon.ts";

/** A question, and the kind of task the person says it is. */
export interface Correction {
  readonly text: string;
  readonly kind: TaskKind;
}

/**
 * Cosine of the words, pairs and triples of words and pieces of words that two questions have in common. Above it are
 * the same question with a word more or less, another name or a slip of the finger; questions that merely share a
 * subject stay below 0.4.
 */
export const nearEnough = 0.6;
/** A piece of a word counts a quarter of a word. */
const wordWeight = 4;
const pieceWeight = 1;

interface Remembered {
  readonly correction: Correction;
  readonly words: Uint16Array;
  readonly pieces: Uint16Array;
  readonly length: number;
}

/** The same classifier, except where a past correction (oldest first) is near enough: the nearest wins, of equals the latest. */
export function withCorrections(classifier: Classifier, corrections: readonly Correction[]): Classifier {
  if (corrections.length === 0) return classifier;
  let find: ((text: string) => { correction: Correction; likeness: number } | undefined) | undefined;
  return (ask) => {
    const classification = classifier(ask);
    if (ask.kind !== undefined || ask.text.trim() === "") return classification;
    find ??= makeFinder(corrections);
    const found = find(ask.text);
    return found === undefined ? classification : corrected(classification, found.correction.kind, found.likeness);
  };
}

/** The same for corrections that grow: what was made of them is made anew only when there are others. */
export function withLatestCorrections(classifier: Classifier, corrections: () => readonly Correction[]): Classifier {
  let known: readonly Correction[] = [];
  let corrected = classifier;
  return (ask) => {
    const latest = corrections();
    if (latest !== known) corrected = withCorrections(classifier, latest);
    known = latest;
    return corrected(ask);
  };
}

function makeFinder(corrections: readonly Correction[]) {
  const features = new Features(buildLexicon());
  const present = new Uint8Array(1 << bucketBits);
  const remembered = corrections.map((correction): Remembered => {
    features.scan(correction.text);
    const words = features.words.slice(0, features.wordCount);
    const pieces = features.pieces.slice(0, features.pieceCount);
    return { correction, words, pieces, length: lengthOf(features) };
  });
  return (text: string) => {
    features.scan(text);
    mark(present, features, 1);
    let nearest: { correction: Correction; likeness: number } | undefined;
    for (const each of remembered) {
      const common = wordWeight * countIn(present, each.words) + pieceWeight * countIn(present, each.pieces);
      const size = Math.sqrt(each.length * lengthOf(features));
      const likeness = size === 0 ? 0 : common / size;
      if (likeness >= (nearest?.likeness ?? nearEnough)) nearest = { correction: each.correction, likeness };
    }
    mark(present, features, 0);
    return nearest;
  };
}

function lengthOf({ wordCount, pieceCount }: Features): number {
  return wordWeight * wordCount + pieceWeight * pieceCount;
}

function mark(present: Uint8Array, { words, wordCount, pieces, pieceCount }: Features, value: number): void {
  for (let at = 0; at < wordCount; at++) present[words[at] ?? 0] = value;
  for (let at = 0; at < pieceCount; at++) present[pieces[at] ?? 0] = value;
}

function countIn(present: Uint8Array, rows: Uint16Array): number {
  let count = 0;
  for (let at = 0; at < rows.length; at++) count += present[rows[at] ?? 0] ?? 0;
  return count;
}

function corrected(found: Classification, kind: TaskKind, likeness: number): Classification {
  const confidence = Math.min(1, likeness);
  const scores: Record<TaskKind, number> = { ...found.scores };
  // The rest together cannot outdo the correction: `nearEnough` is more than half.
  for (const each of taskKinds) scores[each] *= 1 - confidence;
  scores[kind] = confidence;
  const evidence = [{ kind, seen: "corrected before", by: "correction", points: 1 } as const, ...found.evidence];
  // Explaining may belong to either area; the text says which.
  const area = kind === found.kind ? found.area : areaOf(kind);
  return { kind, language: found.language, scores, confidence, evidence, ...(area === undefined ? {} : { area }) };
}
