import { setImmediate as turn } from "node:timers/promises";
import { describe, expect, it } from "vitest";
import { beside, each, moreOf, type Stream, stream, watch } from "../../src/core/stream.ts";

describe("a stream", () => {
  it("takes more of a text past who need not see it, and to everybody who watches", async () => {
    const seen: string[] = [];
    const look = (name: string, events: Stream<number>) =>
      stream<number>((take) =>
        beside(events, take, (event) => {
          seen.push(`${name} ${event}`);
          return take(event);
        }),
      );
    const source = stream<number>(async (take) => {
      await take(1);
      for (const event of [2, 3]) await moreOf(take)(event);
      await take(4);
    });
    const watched = stream<number>((take) =>
      watch(look("below", source), take, (event) => seen.push(`watch ${event}`)),
    );
    const read: number[] = [];
    await each(look("above", watched), (event) => void read.push(event));
    expect(read).toEqual([1, 2, 3, 4]);
    expect(seen).toEqual([
      ...["below 1", "watch 1", "above 1"],
      ...["watch 2", "watch 3"],
      ...["below 4", "watch 4", "above 4"],
    ]);
  });

  it("begins once: whoever reads it again is refused, and whoever goes on with it reads the rest", async () => {
    let begun = 0;
    const three = () =>
      stream<number>(async (take) => {
        begun++;
        for (const event of [1, 2, 3]) await take(event);
      });
    const whole = three();
    await each(whole, () => undefined);
    await expect(each(whole, () => undefined)).rejects.toThrow("one reader");
    const parts = three();
    const iterator = parts[Symbol.asyncIterator]();
    expect(await iterator.next()).toEqual({ done: false, value: 1 });
    const rest: number[] = [];
    for await (const event of parts) rest.push(event);
    expect([rest, begun]).toEqual([[2, 3], 2]);
  });

  it("answers everybody who has asked for the next event before it was there", async () => {
    const iterator = stream<number>(async (take) => {
      await turn();
      for (const event of [1, 2]) await take(event);
      throw new Error("the source fails");
    })[Symbol.asyncIterator]();
    const asked = [1, 2, 3, 4].map(() => iterator.next().catch((error: unknown) => String(error)));
    expect(await Promise.all(asked)).toEqual([
      { done: false, value: 1 },
      { done: false, value: 2 },
      "Error: the source fails",
      { done: true, value: undefined },
    ]);
  });

  it("that is left while its next event is awaited gives that event and stops", async () => {
    const log: string[] = [];
    const iterator = stream<number>(async (take) => {
      try {
        for (const event of [1, 2, 3]) {
          await turn();
          log.push(`says ${event}`);
          await take(event);
        }
      } finally {
        log.push("ended");
      }
    })[Symbol.asyncIterator]();
    const first = iterator.next();
    await iterator.return?.();
    expect([await first, await iterator.next(), log]).toEqual([
      { done: false, value: 1 },
      { done: true, value: undefined },
      ["says 1", "ended"],
    ]);
  });

  it("that nobody began does nothing when it is left", async () => {
    const iterator = stream<number>(() => Promise.reject(new Error("begun")))[Symbol.asyncIterator]();
    await iterator.return?.();
    expect(await iterator.next()).toEqual({ done: true, value: undefined });
  });

  it("fails where its source fails at once", async () => {
    const broken = stream<number>(() => {
      throw new Error("at once");
    });
    await expect(broken[Symbol.asyncIterator]().next()).rejects.toThrow("at once");
  });

  it("stops a source that does not wait for its reader at the next event, and leaves no rejection behind", async () => {
    const unhandled: unknown[] = [];
    const note = (error: unknown) => void unhandled.push(error);
    process.on("unhandledRejection", note);
    let said = 0;
    const hasty = stream<number>(async (take) => {
      for (;;) {
        said++;
        void take(said);
        await Promise.resolve();
      }
    });
    for await (const event of hasty) if (event === 3) break;
    const atEnd = said;
    await turn();
    process.off("unhandledRejection", note);
    expect([said, unhandled]).toEqual([atEnd, []]);
  });
});
