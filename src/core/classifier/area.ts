import type { Outcome } from "./model.ts";

/** What an answer needs an expert in. `chinese` is translation in any direction, and the Chinese language itself. */
export type Area = "code" | "reasoning" | "creative" | "docs" | "chinese";

const areas: Readonly<Record<Outcome, Area>> = {
  review: "code",
  code: "code",
  explainCode: "code",
  translate: "chinese",
  explain: "docs",
  document: "docs",
  chat: "docs",
  create: "creative",
  analyze: "reasoning",
};

export function areaOf(outcome: Outcome): Area {
  return areas[outcome];
}
