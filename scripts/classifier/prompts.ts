// The prompts the classifier learns from and is measured on.
import { readdirSync, readFileSync } from "node:fs";
import * as z from "zod/mini";
import { type Area, areaOf } from "../../src/core/classifier/area.ts";
import { type Outcome, outcomes } from "../../src/core/classifier/model.ts";
import { fill, makeRandom, noisy, type Random, readSlots } from "./generate.ts";

export interface Example {
  readonly text: string;
  /** Any of these is right: data of others tells the area only. */
  readonly right: readonly Outcome[];
  readonly area: Area;
  readonly language: string;
  readonly weight: number;
  /** Examples made from one pattern share it, so that a split never has one on both sides. */
  readonly group: string;
}

const here = new URL("./", import.meta.url);
const areas = ["code", "reasoning", "creative", "docs", "chinese"] as const;
const row = z.object({ prompt: z.string(), label: z.enum(areas), lang: z.string() });
const writtenRow = z.object({ prompt: z.string(), kind: z.enum(outcomes), lang: z.string() });

/** The outcomes that belong to an area. */
export const outcomesOf = (area: Area): Outcome[] => outcomes.filter((outcome) => areaOf(outcome) === area);

function readLines(name: string): unknown[] {
  const text = readFileSync(new URL(`data/${name}`, here), "utf8");
  return text
    .split("\n")
    .filter((line) => line !== "")
    .map((line) => JSON.parse(line));
}

/** Prompts as others wrote them, labelled with the area (`data/README.md` says whose they are). */
export function realPrompts(weight: number): Example[] {
  return readLines("real-prompts.jsonl").map((each, index) => {
    const { prompt, label, lang } = row.parse(each);
    return { text: prompt, right: outcomesOf(label), area: label, language: lang, weight, group: `real ${index}` };
  });
}

/** Prompts made from 243 patterns by another hand. */
export function earlierPrompts(weight: number): Example[] {
  return readLines("authored-prompts.jsonl").map((each) => {
    const { prompt, label, lang } = row.parse(each);
    return { text: prompt, right: outcomesOf(label), area: label, language: lang, weight, group: "earlier" };
  });
}

function written(name: string, weight: number): Example[] {
  return readLines(name).map((each, index) => {
    const { prompt, kind, lang } = writtenRow.parse(each);
    return { text: prompt, right: [kind], area: areaOf(kind), language: lang, weight, group: `${name} ${index}` };
  });
}

/** Written one by one, of no pattern. */
export const singlePrompts = (weight: number): Example[] => written("singles.jsonl", weight);

/** The same, and never trained on. */
export const holdoutPrompts = (): Example[] => [...written("holdout.jsonl", 1), ...labelled("holdout-areas.jsonl")];

/** Labelled with the area alone. */
function labelled(name: string): Example[] {
  return readLines(name).map((each, index) => {
    const { prompt, label, lang } = row.parse(each);
    return {
      text: prompt,
      right: outcomesOf(label),
      area: label,
      language: lang,
      weight: 1,
      group: `${name} ${index}`,
    };
  });
}

interface Pattern {
  readonly text: string;
  readonly outcome: Outcome;
  readonly language: string;
}

function readPatterns(): Pattern[] {
  const patterns: Pattern[] = [];
  const files = readdirSync(new URL("patterns/", here)).filter((name) => name !== "slots.txt");
  for (const name of files.sort()) {
    let outcome: Outcome = "chat";
    let language = "en";
    for (const line of readFileSync(new URL(`patterns/${name}`, here), "utf8").split("\n")) {
      const header = /^# kind: (\w+)( zh)?$/.exec(line);
      if (header) {
        outcome = z.parse(z.enum(outcomes), header[1]);
        language = header[2] === undefined ? "en" : "zh";
      } else if (line !== "") patterns.push({ text: line, outcome, language });
    }
  }
  return patterns;
}

/** `count` prompts from every pattern of ours, the same ones each time. */
export function patternPrompts(count: number, weight: number): Example[] {
  const random: Random = makeRandom(20);
  const slots = readSlots(readFileSync(new URL("patterns/slots.txt", here), "utf8"));
  return readPatterns().flatMap(({ text, outcome, language }) => {
    // Short ones say the same again and again; more of them would only make the model deaf to the rest.
    const made = new Set<string>();
    for (let index = 0; index < count; index++) {
      const filled = fill(text, slots, random);
      made.add(outcome === "chat" ? filled : noisy(filled, language, random));
    }
    const each = weight / Math.sqrt(made.size / count);
    return [...made].map((prompt) => ({
      text: prompt,
      right: [outcome],
      area: areaOf(outcome),
      language,
      weight: each,
      group: text,
    }));
  });
}
