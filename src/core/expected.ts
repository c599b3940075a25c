// What is wrong with a value from outside, and what it could have been: in signs that need no translation.
import type * as z from "zod/mini";

export interface Wrong {
  /** Names and places from the outside in; none: the whole value. */
  readonly path: readonly PropertyKey[];
  readonly possible: string;
}

type Issue = z.core.$ZodIssue;

export function wrongIn(issue: Issue): Wrong {
  if (issue.code !== "invalid_union" || hasOwnWords(issue)) return { path: issue.path, possible: possibleOf(issue) };
  const found = issue.errors.flatMap(([first]) => (first ? [{ ...wrongIn(first), code: first.code }] : []));
  // The form that was meant is the one that fits the furthest.
  const howFar = ({ path, code }: (typeof found)[number]) => 2 * path.length + (isOfType(code) ? 1 : 0);
  const furthest = Math.max(0, ...found.map(howFar));
  const nearest = found.filter((each) => howFar(each) === furthest);
  const path = nearest[0]?.path ?? [];
  const same = nearest.filter((each) => each.path.every((key, at) => key === path[at]));
  return { path: [...issue.path, ...path], possible: [...new Set(same.map((each) => each.possible))].join(" | ") };
}

/** The library's own words are not read in. */
const hasOwnWords = ({ message }: Issue) => message !== "Invalid input";
/** Of the right type, and refused for something else. */
const isOfType = (code: Issue["code"]) => !["invalid_type", "invalid_value", "invalid_union"].includes(code);

function possibleOf(issue: Issue): string {
  switch (issue.code) {
    case "invalid_value":
      return issue.values.map((value) => (value === "" ? JSON.stringify(value) : value)).join(" | ");
    case "invalid_type":
      return issue.expected === "int" ? "integer" : issue.expected;
    case "too_small":
      return `${lengthOf(issue.origin)}${issue.inclusive ? "≥" : ">"} ${issue.minimum}`;
    case "too_big":
      return `${lengthOf(issue.origin)}${issue.inclusive ? "≤" : "<"} ${issue.maximum}`;
    case "invalid_format":
      return hasOwnWords(issue) ? issue.message : (issue.pattern ?? issue.format);
    default:
      return issue.message;
  }
}

const lengthOf = (origin: string) => (origin === "array" || origin === "string" ? "length " : "");
