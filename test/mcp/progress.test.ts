import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import type { Route } from "../../src/core/route.ts";
import { createProgress } from "../../src/mcp/progress.ts";

describe("progress", () => {
  beforeEach(() => void vi.useFakeTimers());
  afterEach(() => void vi.useRealTimers());
  const start = () => {
    const heard: [number, string][] = [];
    return {
      heard,
      progress: createProgress(
        (seconds, text) => heard.push([seconds, text]),
        () => performance.now(),
      ),
    };
  };

  it("is told again and again while a model is silent, and no more when it is over", () => {
    const { heard, progress } = start();
    progress.see({ kind: "loading", model: "m" });
    vi.advanceTimersByTime(60_000);
    expect(heard.length).toBeGreaterThanOrEqual(8);
    expect(heard.every(([seconds, text], at) => text === "Loading m…" && seconds >= (heard[at - 1]?.[0] ?? 0))).toBe(
      true,
    );
    progress.dispose();
    const told = heard.length;
    vi.advanceTimersByTime(60_000);
    expect(heard).toHaveLength(told);
  });

  it("is told a few times a second at most, however fast the words come", () => {
    const { heard, progress } = start();
    for (let at = 0; at < 1000; at++) {
      progress.see({ kind: "text", text: "x" });
      vi.advanceTimersByTime(1);
    }
    expect(heard.length).toBeLessThanOrEqual(3);
    expect(heard.at(-1)?.[1]).toMatch(/^Writing: about \d+ tokens so far$/);
    progress.dispose();
  });

  it("names the model that was asked, however soon that follows on the wait for it", () => {
    const { heard, progress } = start();
    progress.see({ kind: "waiting", before: 1 });
    progress.see({ kind: "routed", route: { model: "m:1b" } as Route });
    expect(heard.map(([, text]) => text)).toEqual(["Waiting: 1 before this one", "Asked m:1b"]);
    expect(heard[1]?.[0]).toBeGreaterThan(heard[0]?.[0] ?? 0);
    progress.dispose();
  });
});
