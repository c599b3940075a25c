import { expect, it } from "vitest";
import { createStickyWindows } from "../../src/core/context.ts";

it("the window of a model grows at once and shrinks only when the model was idle, so that it is not loaded again and again", () => {
  let now = 0;
  const windows = createStickyWindows(() => now);
  expect(windows.choose("m", 4096)).toBe(4096);
  expect(windows.choose("m", 16384)).toBe(16384);
  for (let minute = 1; minute < 30; minute++) {
    now = minute * 60_000;
    expect(windows.choose("m", 4096)).toBe(16384);
  }
  expect(windows.choose("other", 4096)).toBe(4096);
  now += 6 * 60_000;
  expect(windows.choose("m", 8192)).toBe(8192);
});
