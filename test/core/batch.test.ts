import { setTimeout as sleep } from "node:timers/promises";
import * as fc from "fast-check";
import { expect, it } from "vitest";
import { createBatch } from "../../src/core/batch.ts";

const tick = () => new Promise((resolve) => setImmediate(resolve));
const long = 60_000;

it("writes what came within its time together, in the order of coming", async () => {
  const written: (readonly number[])[] = [];
  const batch = createBatch<number>(async (items) => written.push(items), 20);
  await Promise.all([1, 2, 3].map((item) => batch.add(item)));
  await batch.add(4);
  expect(written).toEqual([[1, 2, 3], [4]]);
});

it("writes at once what waits when it is told to, and nothing where nothing waits", async () => {
  const written: (readonly number[])[] = [];
  const batch = createBatch<number>(async (items) => written.push(items), long);
  await batch.flush();
  const added = batch.add(1);
  await batch.flush();
  await added;
  await batch.flush();
  expect(written).toEqual([[1]]);
});

it("that is flushed while it writes has also written what came since", async () => {
  const gate = Promise.withResolvers<void>();
  const written: (readonly number[])[] = [];
  const batch = createBatch<number>(async (items) => {
    await gate.promise;
    written.push(items);
  }, long);
  const flushes = [batch.add(1), batch.flush()];
  await tick();
  flushes.push(batch.add(2), batch.flush());
  await tick();
  expect(written).toEqual([]);
  gate.resolve();
  await Promise.all(flushes);
  expect(written).toEqual([[1], [2]]);
});

it("tells those whose items could not be written, and goes on with the next", async () => {
  const written: (readonly number[])[] = [];
  const batch = createBatch<number>(async (items) => {
    if (items.includes(2)) throw new Error("the disk is full");
    written.push(items);
  }, 5);
  const lost = [1, 2].map((item) => batch.add(item));
  await expect(Promise.allSettled(lost)).resolves.toMatchObject([{ status: "rejected" }, { status: "rejected" }]);
  await batch.add(3);
  batch.add(2).catch(() => undefined);
  // What could not be written does not keep anybody from ending.
  await batch.flush();
  expect(written).toEqual([[3]]);
});

it("writes no more in one go than it may, and gives up what came first where too much waits, however long", async () => {
  const written: (readonly number[])[] = [];
  const limits = { atOnce: 2, waiting: 4 };
  const batch = createBatch<number>(async (items) => written.push(items), long, limits);
  const added = Array.from({ length: 20 }, (_, at) => batch.add(at));
  await batch.flush();
  await Promise.all(added);
  // The first ones are about to be written: else nothing ever would be, where more comes all the time.
  expect(written).toEqual([
    [0, 1],
    [18, 19],
  ]);
});

it("never writes twice at once, loses nothing and turns nothing round, whatever comes when", async () => {
  const step = fc.record({
    what: fc.constantFrom("add" as const, "flush", "wait"),
    takesMs: fc.constantFrom(undefined, 0, 1, 3),
  });
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 20 }), fc.integer({ max: 3, min: 0 }), async (steps, delayMs) => {
      let running = 0;
      let takes: number | undefined;
      const written: number[] = [];
      const batch = createBatch<number>(async (items) => {
        expect(++running).toBe(1);
        if (takes !== undefined) await sleep(takes);
        written.push(...items);
        running--;
      }, delayMs);
      let count = 0;
      const adding: Promise<void>[] = [];
      for (const { what, takesMs } of steps) {
        takes = takesMs;
        if (what === "add") adding.push(batch.add(count++));
        else if (what === "wait") await sleep(1);
        else {
          const before = count;
          await batch.flush();
          expect(written.length).toBeGreaterThanOrEqual(before);
        }
      }
      await Promise.all(adding);
      expect(written).toEqual(Array.from({ length: count }, (_, item) => item));
    }),
    { numRuns: 150 },
  );
});
