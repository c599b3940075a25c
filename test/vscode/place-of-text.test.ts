import { describe, expect, it } from "vitest";
import { linesLike, nearestOffset, offsetsOf } from "../../src/vscode/place-of-text.ts";

it("a text is found where it stands now, and of several places the nearest counts", () => {
  expect(nearestOffset("one two one", "one", 7)).toBe(8);
  expect(nearestOffset("one two one", "one", 1)).toBe(0);
  expect(nearestOffset("one two", "three", 0)).toBeUndefined();
  expect(offsetsOf("aaa", "a")).toEqual([0, 1, 2]);
  expect(offsetsOf("aaa", "")).toEqual([]);
});

describe("the lines that code is another form of", () => {
  const source = [
    "function sum(xs) {",
    "  for (const x of xs) {",
    "    total += x;",
    "  }",
    "  return total;",
    "}",
    "function mean(xs) {",
    "}",
  ];
  const all = { first: 0, last: source.length - 1 };

  it("end where the last line is as deep as in the code, not at the first line that looks like it", () => {
    const code = "function sum(xs) {\n  for (const x of xs) {\n  }\n  return 1;\n}\n";
    expect(linesLike(source, code, all)).toEqual({ first: 0, last: 5 });
    expect(linesLike(source, "for (const x of xs) {\n  total -= x;\n}", all)).toEqual({ first: 1, last: 3 });
  });

  it("are looked for in the part that is meant alone", () => {
    expect(linesLike(source, "function mean(xs) {\n  return 1;\n}", { first: 0, last: 5 })).toBeUndefined();
    expect(linesLike(source, "function mean(xs) {\n  return 1;\n}", all)).toEqual({ first: 6, last: 7 });
    expect(linesLike(source, "\n", all)).toBeUndefined();
  });
});
