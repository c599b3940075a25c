import { describe, expect, it } from "vitest";
import { createThreadPace } from "../../src/backends/embedded/thread-pace.ts";

/** A machine on which a token takes as long as `msFor` says for a number of threads. */
function machine(most: number) {
  let count = most;
  let now = 0;
  const threads = {
    most,
    get: () => count,
    set(next: number) {
      count = next;
    },
  };
  const pace = createThreadPace(threads, () => now);
  return {
    threads: () => count,
    makes(tokens: number, msFor: (threads: number) => number) {
      for (let made = 0; made < tokens; made++) {
        const gap = msFor(count);
        now += gap;
        pace.saw(gap);
      }
    },
  };
}

describe("the number of threads", () => {
  it("stays where tokens come as they should", () => {
    const quiet = machine(8);
    quiet.makes(500, (threads) => 200 / threads);
    expect(quiet.threads()).toBe(8);
  });

  it("falls until nothing waits where other programs hold processors", () => {
    const busy = machine(8);
    busy.makes(60, (threads) => (threads > 3 ? 3000 : 200 / threads));
    expect(busy.threads()).toBe(2);
  });

  it("stands still for a few tokens only, on two processors", () => {
    const busy = machine(2);
    let slow = 0;
    busy.makes(200, (threads) => {
      if (threads === 2) slow++;
      return threads === 2 ? 3000 : 20;
    });
    expect(busy.threads()).toBe(1);
    expect(slow).toBeLessThan(8);
  });

  it("rises again when the others are gone", () => {
    const freed = machine(2);
    freed.makes(50, (threads) => (threads === 2 ? 3000 : 20));
    expect(freed.threads()).toBe(1);
    freed.makes(3000, (threads) => (threads === 2 ? 12 : 20));
    expect(freed.threads()).toBe(2);
  });

  it("is not lowered for a model that is slow by itself", () => {
    const large = machine(8);
    const used: number[] = [];
    large.makes(300, (threads) => {
      used.push(threads);
      return 4000 / threads;
    });
    expect(large.threads()).toBe(8);
    expect(used.filter((threads) => threads < 8).length).toBeLessThan(30);
  });
});
