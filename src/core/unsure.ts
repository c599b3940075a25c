// Whether it is known what a question is; where it is not, the person says so with one key.
import type { Classification } from "./classify.ts";
import { type TaskKind, taskKinds } from "./task.ts";

/** Less sure than this of what a question is, the classifier is right less than half of the time. */
const unsureBelow = 0.4;

/** A question that nobody can place goes to the generalist. */
export function isUnsure({ confidence }: Classification): boolean {
  return confidence < unsureBelow;
}

/** The kinds it may well be, likeliest first. */
export function likelyKinds({ scores }: Classification, most = 3): readonly TaskKind[] {
  return [...taskKinds].sort((a, b) => scores[b] - scores[a]).slice(0, most);
}
