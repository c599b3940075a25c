// Writes the weights of the task classifier: with the same Node, the same prompts give the same file.
import { writeFileSync } from "node:fs";
import { areaOf } from "../../src/core/classifier/area.ts";
import { wordHash } from "../../src/core/classifier/hash.ts";
import { outcomes, type Weights } from "../../src/core/classifier/model.ts";
import { learn, toVectors, toWeights, type Vector } from "./learn.ts";
import { type Example, earlierPrompts, patternPrompts, realPrompts, singlePrompts } from "./prompts.ts";

/** How often each pattern is filled in, and how loud each set of prompts is. */
export function trainingPrompts(): Example[] {
  return [...realPrompts(3), ...singlePrompts(3), ...earlierPrompts(0.5), ...patternPrompts(24, 0.7)];
}

export const foldCount = 5;

/** All prompts of one pattern are in the same fold. */
export function foldOf(example: Example): number {
  return (wordHash(example.group) >>> 3) % foldCount;
}

/** What a model says about prompts of a fold it was not trained on. */
export function predictFold(examples: readonly Example[], vectors: readonly Vector[], fold: number) {
  const learner = learn(vectors.filter((_, index) => foldOf(examples[index] ?? never()) !== fold));
  return examples.flatMap((example, index) => {
    const vector = vectors[index];
    if (vector === undefined || foldOf(example) !== fold || example.group === "earlier") return [];
    return [{ example, chances: learner.predict(vector) }];
  });
}

function never(): never {
  throw new Error("every vector has its example");
}

/** The temperature at which the probabilities of the areas fit best what is right on prompts not trained on. */
function fitTemperature(found: ReturnType<typeof predictFold>): number {
  let best = { temperature: 1, loss: Number.POSITIVE_INFINITY };
  for (let temperature = 0.5; temperature <= 2.5; temperature += 0.05) {
    let loss = 0;
    for (const { example, chances } of found) {
      let right = 0;
      let all = 0;
      for (const [k, outcome] of outcomes.entries()) {
        const chance = (chances[k] ?? 0) ** (1 / temperature);
        all += chance;
        if (areaOf(outcome) === example.area) right += chance;
      }
      loss -= example.weight * Math.log(right / all + 1e-9);
    }
    if (loss < best.loss) best = { temperature: Math.round(temperature * 100) / 100, loss };
  }
  return best.temperature;
}

/** Laid out as the formatter would. */
function asJson({ rows, scale, bias, dense, temperature }: Weights): string {
  const list = (numbers: readonly number[]): string => `[${numbers.join(", ")}]`;
  const lines = [
    `  "rows": ${JSON.stringify(rows)}`,
    `  "scale": ${list(scale)}`,
    `  "bias": ${list(bias)}`,
    `  "dense": [\n${dense.map((each) => `    ${list(each)}`).join(",\n")}\n  ]`,
    `  "temperature": ${temperature}`,
  ];
  return `{\n${lines.join(",\n")}\n}\n`;
}

if (import.meta.main) {
  const examples = trainingPrompts();
  const vectors = toVectors(examples);
  const temperature = fitTemperature(predictFold(examples, vectors, 0));
  const learner = learn(vectors);
  const target = new URL("../../src/core/classifier/weights.json", import.meta.url);
  const text = asJson(toWeights(learner, temperature));
  writeFileSync(target, text);
  process.stdout.write(`${examples.length} prompts, temperature ${temperature}, ${text.length} bytes\n`);
}
