import { diffLines } from "diff";
import fc from "fast-check";
import { expect, it } from "vitest";
import { changedParts, diffOptions, touchesChange } from "../../src/core/changed-parts.ts";
import type { Source } from "../../src/core/task.ts";

const lines = (count: number, from = 1) => Array.from({ length: count }, (_, index) => `line ${from + index}`);
const sourceOf = (text: string): Source => ({ uri: "file:///a.ts", label: "a.ts", text, origin: "file" });
const partsOf = (before: string, now: string) =>
  changedParts(sourceOf(now), diffLines(before, now, diffOptions) ?? undefined);

it("shows what changed with twenty lines around, and what is far apart apart", () => {
  const before = lines(300);
  const now = before.with(99, "changed").toSpliced(199, 1);
  const [first, second, ...none] = partsOf(`${before.join("\n")}\n`, `${now.join("\n")}\n`);
  expect(none).toEqual([]);
  expect(first).toMatchObject({
    label: "a.ts (80–120)",
    startLine: 80,
    origin: "selection",
    change: { added: [100], removed: [{ before: 100, lines: ["line 100"] }] },
  });
  expect(first?.text).toBe(now.slice(79, 120).join("\n"));
  expect(second).toMatchObject({
    startLine: 180,
    change: { added: [], removed: [{ before: 200, lines: ["line 200"] }] },
  });
});

it("keeps a small file whole under its own name", () => {
  expect(partsOf("a\nb\n", "a\nc\n")).toEqual([
    {
      ...sourceOf("a\nc"),
      startLine: 1,
      change: { added: [2], removed: [{ before: 2, lines: ["b"] }] },
    },
  ]);
});

it("takes a new file as new from its first line to its last", () => {
  expect(changedParts(sourceOf("a\nb\n"), undefined)).toMatchObject([{ text: "a\nb", change: { added: [1, 2] } }]);
});

it("knows what went at the end, and names of a long piece only its beginning", () => {
  const [part] = partsOf(lines(50).join("\n"), "line 1");
  expect(part?.change?.removed).toEqual([{ before: 2, lines: [...lines(30, 2), "… (19 more)"] }]);
});

it.each([
  ["ends of lines", "a\nb\n", "a\r\nb\r\n"],
  ["the end of the last line", "a\nb", "a\nb\n"],
  ["nothing", "a\n", "a\n"],
])("sees no change in %s", (_, before, now) => {
  expect(partsOf(before, now)).toEqual([]);
});

it("has nothing to show of a file that is empty now", () => {
  expect(partsOf("a\nb\n", "")).toEqual([]);
});

it("holds each line that is new in one part, and nothing that is not in the file", () => {
  const text = fc.array(fc.constantFrom("a", "b", "c", "", "  d"), { maxLength: 150 }).map((all) => all.join("\n"));
  fc.assert(
    fc.property(text, text, (before, now) => {
      const parts = partsOf(before, now);
      const all = now.split("\n");
      let last = 0;
      for (const { text: part, startLine = 0, change } of parts) {
        const shown = part.split("\n");
        expect(startLine).toBeGreaterThan(last);
        last = startLine + shown.length - 1;
        expect(shown).toEqual(all.slice(startLine - 1, last));
        expect(touchesChange(change ?? { added: [], removed: [] }, startLine, last)).toBe(true);
      }
      // Taking the changes back gives the text that was.
      const added = new Set(parts.flatMap(({ change }) => change?.added ?? []));
      const kept = all.filter((_, index) => !added.has(index + 1)).filter((line) => line !== "");
      const known = before.split("\n").filter((line) => line !== "");
      expect(kept.every((line) => known.includes(line))).toBe(true);
      expect(kept.length).toBeLessThanOrEqual(known.length);
    }),
    { numRuns: 300 },
  );
});
