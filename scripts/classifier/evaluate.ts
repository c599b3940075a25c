// Prints how good and how fast the task classifier is: on prompts it never saw, not even prompts of the same pattern.

import { type Area, areaOf } from "../../src/core/classifier/area.ts";
import { outcomes } from "../../src/core/classifier/model.ts";
import { classify } from "../../src/core/classify.ts";
import { toVectors } from "./learn.ts";
import { type Example, holdoutPrompts } from "./prompts.ts";
import { foldCount, predictFold, trainingPrompts } from "./train.ts";

export interface Judged {
  readonly right: Area;
  readonly found: Area;
  readonly confidence: number;
}

export interface Marks {
  readonly count: number;
  readonly accuracy: number;
  /** Mean over the areas that occur, of the harmonic mean of precision and recall. */
  readonly macroF1: number;
  /** Accuracy on the four fifths it is surest of. */
  readonly accuracyOfSurest: number;
  /** How far the mean confidence is above the accuracy; a calibrated model has 0. */
  readonly overconfidence: number;
}

export function marksOf(judged: readonly Judged[]): Marks {
  const isRight = (each: Judged): boolean => each.right === each.found;
  const share = (list: readonly Judged[]): number => list.filter(isRight).length / list.length;
  const areas = [...new Set(judged.map((each) => each.right))];
  const scores = areas.map((area) => {
    const hits = judged.filter((each) => each.right === area && isRight(each)).length;
    const said = judged.filter((each) => each.found === area).length;
    const were = judged.filter((each) => each.right === area).length;
    return (2 * hits) / (said + were);
  });
  const surest = judged.toSorted((a, b) => b.confidence - a.confidence).slice(0, Math.round(judged.length * 0.8));
  const mean = (numbers: readonly number[]): number => numbers.reduce((sum, each) => sum + each, 0) / numbers.length;
  return {
    count: judged.length,
    accuracy: share(judged),
    macroF1: mean(scores),
    accuracyOfSurest: share(surest),
    overconfidence: mean(judged.map((each) => each.confidence)) - share(judged),
  };
}

/** The classifier as the product has it, on the prompts kept apart. */
export function judgeHoldout(language: string): Judged[] {
  return holdoutPrompts()
    .filter((each) => each.language === language)
    .map((example) => {
      const { area, confidence } = classify({ text: example.text, sources: [], history: [] });
      return { right: example.area, found: area ?? "docs", confidence };
    });
}

function judge(example: Example, chances: Float64Array): Judged {
  const areas = new Map<Area, number>();
  for (const [k, outcome] of outcomes.entries()) {
    const area = areaOf(outcome);
    areas.set(area, (areas.get(area) ?? 0) + (chances[k] ?? 0));
  }
  const [best] = [...areas].toSorted((a, b) => b[1] - a[1]);
  return { right: example.area, found: best?.[0] ?? "docs", confidence: best?.[1] ?? 0 };
}

function print(name: string, judged: readonly Judged[]): void {
  const { count, accuracy, macroF1, accuracyOfSurest, overconfidence } = marksOf(judged);
  const percent = (share: number): string => (100 * share).toFixed(1).padStart(6);
  process.stdout.write(
    `${name.padEnd(34)}${String(count).padStart(6)}${[accuracy, macroF1, accuracyOfSurest, overconfidence].map(percent).join("")}\n`,
  );
}

/** Median time of one call, in microseconds. */
function timeOf(texts: readonly string[], least = 2000): number {
  const rounds: number[] = [];
  const calls = Math.max(1, Math.round(least / texts.length));
  for (let round = 0; round < 40; round++) {
    const startMs = performance.now();
    for (let call = 0; call < calls; call++) {
      for (const text of texts) classify({ text, sources: [], history: [] });
    }
    rounds.push(((performance.now() - startMs) * 1000) / (calls * texts.length));
  }
  return rounds.slice(10).toSorted((a, b) => a - b)[15] ?? 0;
}

function printTimes(examples: readonly Example[]): void {
  const byLength = examples.map((each) => each.text).toSorted((a, b) => a.length - b.length);
  const middle = byLength.slice(Math.floor(byLength.length * 0.45), Math.floor(byLength.length * 0.55));
  const real = examples.filter((each) => each.group.startsWith("real")).map((each) => each.text);
  const long = real.join("\n").slice(0, 100_000);
  process.stdout.write(
    `µs a prompt: ${timeOf(middle).toFixed(1)} of the median length (${middle[0]?.length} characters), ` +
      `${timeOf(real).toFixed(1)} mean of real ones, ${timeOf([long]).toFixed(1)} of 100 KB\n`,
  );
}

if (import.meta.main) {
  process.stdout.write(`${"".padEnd(34)} count  acc.   F1  @80 % over\n`);
  for (const language of ["en", "zh"]) print(`kept apart, ${language}`, judgeHoldout(language));
  const examples = trainingPrompts();
  const vectors = toVectors(examples);
  const folds = Array.from({ length: foldCount }, (_, fold) => predictFold(examples, vectors, fold)).flat();
  const sets = [
    ["real", "real prompts, cross-validated"],
    ["singles", "written singly, cross-validated"],
    ["", "patterns unseen, cross-validated"],
  ] as const;
  for (const [start, name] of sets) {
    for (const language of ["en", "zh", "xx"]) {
      const those = folds.filter(({ example }) => {
        const isIn = start === "" ? !/^(real|singles)/.test(example.group) : example.group.startsWith(start);
        return isIn && example.language === language;
      });
      if (those.length > 0)
        print(
          `${name}, ${language}`,
          those.map(({ example, chances }) => judge(example, chances)),
        );
    }
  }
  printTimes(examples);
}
