// Softmax regression by AdaGrad, and the rounding of its weights to one character each.
import { bucketBits, Features } from "../../src/core/classifier/features.ts";
import { buildLexicon } from "../../src/core/classifier/lexicon.ts";
import {
  alphabet,
  denseCount,
  fillDense,
  loudness,
  normOf,
  outcomeCount,
  outcomes,
  type Weights,
} from "../../src/core/classifier/model.ts";
import { makeRandom } from "./generate.ts";
import type { Example } from "./prompts.ts";

/** One example as numbers. */
export interface Vector {
  readonly rows: Uint16Array;
  readonly values: Float32Array;
  readonly dense: Float64Array;
  readonly isRight: readonly boolean[];
  readonly weight: number;
}

const epochs = 8;
const modelCount = 3;
const rate = 0.25;
/** Pulls weights to zero, the more the less often their feature is seen. */
const decay = 2e-5;

export function toVectors(examples: readonly Example[]): Vector[] {
  const features = new Features(buildLexicon());
  return examples.map((example) => {
    features.scan(example.text);
    const { words, pieces, wordCount, pieceCount, coreWordCount } = features;
    const rows = new Uint16Array(wordCount + pieceCount);
    const values = new Float32Array(rows.length);
    const norm = normOf(features);
    for (let at = 0; at < wordCount; at++) {
      rows[at] = words[at] ?? 0;
      values[at] = norm * (at < coreWordCount ? loudness.word : loudness.farWord);
    }
    for (let at = 0; at < pieceCount; at++) {
      rows[wordCount + at] = pieces[at] ?? 0;
      values[wordCount + at] = norm * loudness.piece;
    }
    const dense = new Float64Array(denseCount);
    fillDense(features, dense);
    const isRight = outcomes.map((outcome) => example.right.includes(outcome));
    return { rows, values, dense, isRight, weight: example.weight };
  });
}

export class Learner {
  readonly table = new Float32Array((1 << bucketBits) * outcomeCount);
  readonly dense = new Float64Array(denseCount * outcomeCount);
  readonly bias = new Float64Array(outcomeCount);
  private readonly tableSquares = new Float32Array(this.table.length).fill(1e-3);
  private readonly denseSquares = new Float64Array(this.dense.length).fill(1e-2);
  private readonly biasSquares = new Float64Array(outcomeCount).fill(1);

  private readonly seed: number;

  constructor(seed: number) {
    this.seed = seed;
  }

  train(vectors: readonly Vector[]): void {
    const random = makeRandom(this.seed);
    const order = vectors.map((_, index) => index);
    for (let epoch = 0; epoch < epochs; epoch++) {
      for (let at = order.length - 1; at > 0; at--) {
        const other = Math.floor(random() * (at + 1));
        [order[at], order[other]] = [order[other] ?? 0, order[at] ?? 0];
      }
      for (const index of order) {
        const vector = vectors[index];
        if (vector !== undefined) this.step(vector, random);
      }
    }
  }

  /** Probabilities by the weights not yet rounded. */
  predict(vector: Vector): Float64Array {
    const { table } = this;
    const scores = Float64Array.from(this.bias);
    for (let at = 0; at < denseCount; at++) {
      const value = vector.dense[at] ?? 0;
      for (let k = 0; k < outcomeCount; k++) {
        scores[k] = (scores[k] ?? 0) + value * (this.dense[at * outcomeCount + k] ?? 0);
      }
    }
    for (let at = 0; at < vector.rows.length; at++) {
      const from = (vector.rows[at] ?? 0) * outcomeCount;
      const value = vector.values[at] ?? 0;
      for (let k = 0; k < outcomeCount; k++) scores[k] = (scores[k] ?? 0) + value * (table[from + k] ?? 0);
    }
    return softmaxOf(scores);
  }

  private step(vector: Vector, random: () => number): void {
    // Some of the features are left out each time, so that no prompt hangs on a single word.
    const kept = keep(vector, random);
    const gradient = this.gradient(kept);
    this.nudge(this.bias, this.biasSquares, 0, 1, gradient, 0);
    for (let at = 0; at < denseCount; at++) {
      const value = kept.dense[at] ?? 0;
      if (value !== 0) this.nudge(this.dense, this.denseSquares, at * outcomeCount, value, gradient, 1e-5);
    }
    for (let at = 0; at < kept.rows.length; at++) {
      const value = kept.values[at] ?? 0;
      if (value !== 0)
        this.nudge(this.table, this.tableSquares, (kept.rows[at] ?? 0) * outcomeCount, value, gradient, decay);
    }
  }

  /** Of minus the logarithm of the probability that one of the right outcomes has. */
  private gradient(vector: Vector): Float64Array {
    const found = this.predict(vector);
    let right = 1e-9;
    for (let k = 0; k < outcomeCount; k++) if (vector.isRight[k] === true) right += found[k] ?? 0;
    return found.map((p, k) => vector.weight * (p - (vector.isRight[k] === true ? p / right : 0)));
  }

  private nudge(
    weights: Float32Array | Float64Array,
    squares: Float32Array | Float64Array,
    from: number,
    value: number,
    gradient: Float64Array,
    pull: number,
  ): void {
    for (let k = 0; k < outcomeCount; k++) {
      const at = from + k;
      const weight = weights[at] ?? 0;
      const slope = (gradient[k] ?? 0) * value + pull * weight;
      const square = (squares[at] ?? 0) + slope * slope;
      squares[at] = square;
      weights[at] = weight - (rate * slope) / Math.sqrt(square);
    }
  }
}

/** The mean of a few models that saw the prompts in another order: steadier than any of them. */
export function learn(vectors: readonly Vector[]): Learner {
  const mean = new Learner(0);
  for (let seed = 1; seed <= modelCount; seed++) {
    const learner = new Learner(seed);
    learner.train(vectors);
    addShare(mean.table, learner.table);
    addShare(mean.dense, learner.dense);
    addShare(mean.bias, learner.bias);
  }
  return mean;
}

function addShare(sum: Float32Array | Float64Array, part: Float32Array | Float64Array): void {
  for (let at = 0; at < sum.length; at++) sum[at] = (sum[at] ?? 0) + (part[at] ?? 0) / modelCount;
}

function keep(vector: Vector, random: () => number): Vector {
  const values = vector.values.map((value) => (random() < 0.25 ? 0 : value * 1.15));
  // Keywords alone decide too easily.
  const dense = random() < 0.3 ? vector.dense.map((value, at) => (at < 8 ? 0 : value)) : vector.dense;
  return { ...vector, values, dense };
}

export function softmaxOf(scores: Float64Array): Float64Array {
  const max = Math.max(...scores);
  const powers = scores.map((score) => Math.exp(score - max));
  const sum = powers.reduce((total, each) => total + each, 0);
  return powers.map((each) => each / sum);
}

/** Rounds to 64 steps an outcome: one character a weight, and no loss that could be measured. */
export function toWeights(learner: Learner, temperature: number): Weights {
  const scale = outcomes.map((_, k) => {
    const sizes: number[] = [];
    for (let at = k; at < learner.table.length; at += outcomeCount) {
      const size = Math.abs(learner.table[at] ?? 0);
      if (size > 0) sizes.push(size);
    }
    sizes.sort((a, b) => a - b);
    return (sizes[Math.floor(sizes.length * 0.998)] ?? 1) / 31;
  });
  const characters: string[] = [];
  for (let at = 0; at < learner.table.length; at++) {
    const steps = Math.round((learner.table[at] ?? 0) / (scale[at % outcomeCount] ?? 1));
    characters.push(alphabet.charAt(32 + Math.max(-32, Math.min(31, steps))));
  }
  const short = (value: number): number => Number(value.toPrecision(5));
  const dense = Array.from({ length: denseCount }, (_, at) =>
    Array.from(learner.dense.slice(at * outcomeCount, (at + 1) * outcomeCount), short),
  );
  return {
    rows: characters.join(""),
    scale: scale.map(short),
    bias: Array.from(learner.bias, short),
    dense,
    temperature,
  };
}
