import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { each, eachUntil, type Stream, stream, takeAll, through } from "../../src/core/stream.ts";

type Pause = "none" | "soon" | "later";
type Events = AsyncIterable<number>;

interface Plan {
  readonly said: readonly { readonly events: readonly number[]; readonly pause: Pause }[];
  /** What the source does at its end. */
  readonly fails: boolean;
  /** What it does while it cleans up. */
  readonly breaks: boolean;
  readonly stages: readonly Stage[];
  readonly reader: Reader;
}

type Stage =
  | { readonly kind: "double" | "odd" | "generator" | "shows-rest" | "adds" | "looks" }
  | { readonly kind: "until" | "throws"; readonly count: number; readonly pause: Pause };

interface Reader {
  readonly way: "each" | "each-until" | "loop";
  readonly leaves: "never" | "quietly" | "with an error";
  readonly after: number;
  readonly pause: Pause;
}

const wait = (pause: Pause): Promise<void> | undefined => {
  if (pause === "none") return undefined;
  return pause === "soon" ? Promise.resolve() : new Promise((resolve) => setImmediate(resolve));
};

function fail(why: string): never {
  throw new Error(why);
}

/** How a pipeline is written: as our streams, or as the generators that they stand for. */
interface Writing {
  source(plan: Plan, log: string[]): Events;
  stage(events: Events, stage: Stage, log: (end: string) => void): Events;
}

const generators: Writing = {
  async *source({ said, fails, breaks }, log) {
    try {
      for (const { events, pause } of said) {
        await wait(pause);
        for (const event of events) {
          log.push(`says ${event}`);
          yield event;
        }
      }
      if (fails) throw new Error("the source fails");
    } finally {
      log.push("the source has ended");
      if (breaks) fail("the cleaning up fails");
    }
  },
  async *stage(events, stage, log) {
    let count = 0;
    try {
      for await (const event of events) {
        count++;
        if (stage.kind === "odd" && event % 2 === 0) continue;
        if (stage.kind === "throws" && count === stage.count) {
          await wait(stage.pause);
          fail("the stage fails");
        }
        yield event;
        if (stage.kind === "double") yield event + 100;
        if (stage.kind === "until" && count === stage.count) break;
      }
      if (stage.kind === "adds" || stage.kind === "until") yield 1000;
    } catch (error) {
      if (stage.kind === "shows-rest") yield 2000;
      throw error;
    } finally {
      log(stage.kind);
    }
  },
};

const streams: Writing = {
  source: ({ said, fails, breaks }, log) =>
    stream(async (take) => {
      try {
        for (const { events, pause } of said) {
          await wait(pause);
          for (const event of events) {
            log.push(`says ${event}`);
            await take(event);
          }
        }
        if (fails) throw new Error("the source fails");
      } finally {
        log.push("the source has ended");
        if (breaks) fail("the cleaning up fails");
      }
    }),
  stage: (events, stage, log) =>
    stage.kind === "generator" ? generators.stage(events, stage, log) : pushed(events, stage, log),
};

function pushed(events: Events, stage: Stage, log: (end: string) => void): Stream<number> {
  return stream(async (take) => {
    let count = 0;
    const broken = () => fail("the stage fails");
    try {
      if (stage.kind === "looks") await through(events, take);
      else
        await eachUntil(events, (event, enough) => {
          count++;
          if (stage.kind === "odd" && event % 2 === 0) return undefined;
          if (stage.kind === "double") return takeAll([event, event + 100], take);
          if (stage.kind === "throws" && count === stage.count) return wait(stage.pause)?.then(broken) ?? broken();
          const taken = take(event);
          if (stage.kind !== "until" || count !== stage.count) return taken;
          return taken === undefined ? enough() : taken.then(enough);
        });
      if (stage.kind === "adds" || stage.kind === "until") await take(1000);
    } catch (error) {
      if (stage.kind === "shows-rest") await take(2000);
      throw error;
    } finally {
      log(stage.kind);
    }
  });
}

/** Everything that happens, in order. */
async function happenings(plan: Plan, writing: Writing): Promise<readonly string[]> {
  const log: string[] = [];
  const { way, leaves, after, pause } = plan.reader;
  const events = plan.stages.reduce(
    (before, stage, at) => writing.stage(before, stage, (end) => log.push(`${end} ${at} has ended`)),
    writing.source(plan, log),
  );
  let count = 0;
  /** @returns whether that was enough */
  const see = async (event: number): Promise<boolean> => {
    log.push(`sees ${event}`);
    await wait(pause);
    if (++count !== after || leaves === "never") return false;
    if (leaves === "quietly") return true;
    throw new Error("the reader fails");
  };
  const end = (enough: () => never) => (isEnough: boolean) => (isEnough ? enough() : undefined);
  try {
    if (way === "each" && leaves !== "quietly") await each(events, async (event) => void (await see(event)));
    else if (way === "each-until") await eachUntil(events, (event, enough) => see(event).then(end(enough)));
    else for await (const event of events) if (await see(event)) break;
    log.push("end");
  } catch (error) {
    log.push(String(error));
  }
  return log;
}

const pauses = fc.constantFrom<Pause>("none", "soon", "later");
const counts = fc.integer({ min: 1, max: 4 });
const stages = fc.oneof(
  fc.record({ kind: fc.constantFrom("double" as const, "odd", "generator", "shows-rest", "adds", "looks") }),
  fc.record({ kind: fc.constantFrom("until" as const, "throws"), count: counts, pause: pauses }),
);
const plans: fc.Arbitrary<Plan> = fc
  .record({
    said: fc.array(fc.record({ events: fc.array(fc.nat(9), { maxLength: 3 }), pause: pauses }), { maxLength: 4 }),
    fails: fc.boolean(),
    breaks: fc.boolean(),
    stages: fc.array(stages, { maxLength: 4 }),
    reader: fc.record({
      way: fc.constantFrom("each" as const, "each-until", "loop"),
      leaves: fc.constantFrom("never" as const, "quietly", "with an error"),
      after: counts,
      pause: pauses,
    }),
  })
  // A generator that yields while it is left stays where it is for ever; ours ends.
  .filter(({ breaks, stages: all }) => !breaks || all.every(({ kind }) => kind !== "shows-rest"));

describe("a stream", () => {
  it("does what the same pipeline does as generators: events, order, cleaning up, errors", async () => {
    await fc.assert(
      fc.asyncProperty(plans, async (plan) => {
        expect(await happenings(plan, streams)).toEqual(await happenings(plan, generators));
      }),
      { numRuns: 2000 },
    );
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
      await wait("later");
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
          await wait("later");
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
        await wait("soon");
      }
    });
    for await (const event of hasty) if (event === 3) break;
    const atEnd = said;
    await wait("later");
    process.off("unhandledRejection", note);
    expect([said, unhandled]).toEqual([atEnd, []]);
  });
});
