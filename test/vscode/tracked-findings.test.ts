import { describe, expect, it } from "vitest";
import { moved, type TrackedFinding } from "../../src/vscode/tracked-findings.ts";

const finding = {
  uri: "file:///a",
  startLine: 11,
  endLine: 13,
  severity: "problem",
  title: "t",
  body: "",
  quote: "q",
} as const;
const tracked: TrackedFinding = { id: 1, finding, startLine: 10, endLine: 12 };
const change = (startLine: number, endLine: number, lineCount: number, isBlank = false) => ({
  startLine,
  endLine,
  lineCount,
  isBlank,
});

describe("a finding", () => {
  it("moves with lines that come or go above it", () => {
    expect(moved(tracked, change(2, 2, 4))).toMatchObject({ startLine: 13, endLine: 15 });
    expect(moved(tracked, change(2, 5, 1))).toMatchObject({ startLine: 7, endLine: 9 });
  });

  it("stays where it is when something changes below it", () => {
    expect(moved(tracked, change(13, 20, 1))).toBe(tracked);
  });

  it("goes when its own lines change, and not for blanks at their ends", () => {
    expect(moved(tracked, change(11, 11, 1))).toBeUndefined();
    expect(moved(tracked, change(8, 10, 1))).toBeUndefined();
    expect(moved(tracked, change(11, 11, 1, true))).toBe(tracked);
  });

  it("moves down when a line is begun right before it", () => {
    expect(moved(tracked, change(9, 10, 3, true))).toMatchObject({ startLine: 11, endLine: 13 });
  });
});
