// A linear model over the features of a text: it adds up, for every outcome, what each feature says about it.
import { taskKinds } from "../task.ts";
import type { Features } from "./features.ts";

/**
 * What the model tells apart: the kinds of work, and explaining code apart from explaining anything else, because
 * another expert does it.
 */
export const outcomes = [...taskKinds, "explainCode"] as const;
export const outcomeCount = outcomes.length;
export type Outcome = (typeof outcomes)[number];

/** What `scripts/classifier/train.ts` writes. */
export interface Weights {
  /** One character for each weight, row by row: its place in `alphabet` less 32, times the outcome's `scale`. */
  readonly rows: string;
  readonly scale: readonly number[];
  readonly bias: readonly number[];
  /** For each of the dense features, a weight for every outcome. */
  readonly dense: readonly (readonly number[])[];
  /** Makes the probabilities match how often the model is right on texts it was not trained on. */
  readonly temperature: number;
}

/** The printable characters that need no escape in JSON. */
export const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

/** How loud a whole word and a piece of one are in the first and last lines, and a word in between. */
export const loudness = { word: 1, piece: 0.5, farWord: 0.5 } as const;

export const denseCount = 23;

/** Everything that is not a word: keywords by kind, size, scripts, signs. All of about the size 0 to 1. */
export function fillDense(features: Features, dense: Float64Array): void {
  dense.fill(0);
  for (const hit of features.hits) {
    const index = taskKinds.indexOf(hit.kind);
    dense[index] = Math.min(1, (dense[index] ?? 0) + hit.points / 8);
  }
  const { signs } = features;
  const length = features.length + 1;
  const sign = (index: number): number => signs[index] ?? 0;
  const han = features.ideographs / length;
  dense[8] = Math.log2(length) / 12;
  dense[9] = han;
  dense[10] = Math.min(1, features.foreigners / length);
  dense[11] = han > 0.15 && han < 0.75 && length > 12 ? 0.5 : 0;
  dense[12] = Math.min(1, (4 * sign(1)) / length);
  dense[13] = Math.min(1, sign(1) / 20);
  dense[14] = Math.min(1, (8 * sign(2)) / length);
  dense[15] = Math.min(1, (4 * sign(3)) / length);
  dense[16] = Math.min(1, sign(3) / 12);
  dense[17] = Math.min(1, sign(4) / 8);
  dense[18] = sign(5) > 0 ? 0.5 : 0;
  dense[19] = sign(6) > 1 ? 0.5 : 0;
  dense[20] = features.hits.length === 0 ? 0.5 : 0;
  dense[21] = length < 12 ? 0.5 : 0;
  // A question in other letters about a few Chinese words.
  dense[22] = han > 0 && han <= 0.3 ? 0.5 : 0;
}

/** What makes a long text no louder than a short one. */
export function normOf({ coreWordCount, wordCount, pieceCount }: Features): number {
  const { word, piece, farWord } = loudness;
  const sum = coreWordCount * word ** 2 + pieceCount * piece ** 2 + (wordCount - coreWordCount) * farWord ** 2;
  return sum === 0 ? 0 : 1 / Math.sqrt(sum);
}

export class LinearModel {
  readonly temperature: number;
  private readonly table: Int8Array;
  private readonly scale: Float64Array;
  private readonly bias: Float64Array;
  private readonly denseTable: Float64Array;
  private readonly dense = new Float64Array(denseCount);

  constructor(weights: Weights) {
    this.temperature = weights.temperature;
    this.scale = Float64Array.from(weights.scale);
    this.bias = Float64Array.from(weights.bias);
    this.denseTable = Float64Array.from(weights.dense.flat());
    const places = new Int8Array(128);
    for (let at = 0; at < alphabet.length; at++) places[alphabet.charCodeAt(at)] = at - 32;
    this.table = new Int8Array(weights.rows.length);
    for (let at = 0; at < weights.rows.length; at++) this.table[at] = places[weights.rows.charCodeAt(at)] ?? 0;
  }

  /** Adds up into `logits`, one number for every outcome. */
  score(features: Features, logits: Float64Array): void {
    const { dense, denseTable, bias } = this;
    const norm = normOf(features);
    fillDense(features, dense);
    for (let k = 0; k < outcomeCount; k++) logits[k] = bias[k] ?? 0;
    for (let at = 0; at < denseCount; at++) {
      const value = dense[at] ?? 0;
      if (value === 0) continue;
      for (let k = 0; k < outcomeCount; k++)
        logits[k] = (logits[k] ?? 0) + value * (denseTable[at * outcomeCount + k] ?? 0);
    }
    this.sum(features.words, 0, features.coreWordCount, loudness.word * norm, logits);
    this.sum(features.words, features.coreWordCount, features.wordCount, loudness.farWord * norm, logits);
    this.sum(features.pieces, 0, features.pieceCount, loudness.piece * norm, logits);
  }

  /** What one row says for an outcome, less what it says on average. */
  weightOf(row: number, outcome: number): number {
    const own = (this.table[row * outcomeCount + outcome] ?? 0) * (this.scale[outcome] ?? 0);
    if (own <= 0) return own;
    let total = 0;
    for (let k = 0; k < outcomeCount; k++) total += (this.table[row * outcomeCount + k] ?? 0) * (this.scale[k] ?? 0);
    return own - total / outcomeCount;
  }

  /** Written out for each outcome: a loop over them takes twice as long. */
  private sum(rows: Uint16Array, from: number, to: number, loud: number, logits: Float64Array): void {
    if (from === to) return;
    const { table, scale } = this;
    let a = 0;
    let b = 0;
    let c = 0;
    let d = 0;
    let e = 0;
    let f = 0;
    let g = 0;
    let h = 0;
    let i = 0;
    for (let index = from; index < to; index++) {
      const at = (rows[index] ?? 0) * outcomeCount;
      a += table[at] ?? 0;
      b += table[at + 1] ?? 0;
      c += table[at + 2] ?? 0;
      d += table[at + 3] ?? 0;
      e += table[at + 4] ?? 0;
      f += table[at + 5] ?? 0;
      g += table[at + 6] ?? 0;
      h += table[at + 7] ?? 0;
      i += table[at + 8] ?? 0;
    }
    const sums = [a, b, c, d, e, f, g, h, i];
    for (let k = 0; k < outcomeCount; k++) logits[k] = (logits[k] ?? 0) + (sums[k] ?? 0) * (scale[k] ?? 0) * loud;
  }
}

/** Probabilities from logits, in place. */
export function softmax(logits: Float64Array, temperature: number): void {
  let max = Number.NEGATIVE_INFINITY;
  for (const logit of logits) max = Math.max(max, logit);
  let sum = 0;
  for (let k = 0; k < logits.length; k++) {
    const value = Math.exp(((logits[k] ?? 0) - max) / temperature);
    logits[k] = value;
    sum += value;
  }
  for (let k = 0; k < logits.length; k++) logits[k] = (logits[k] ?? 0) / sum;
}
