import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  beside,
  each,
  eachUntil,
  moreOf,
  type Stream,
  stream,
  takeAll,
  through,
  watch,
} from "../../src/core/stream.ts";

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
  | { readonly kind: "double" | "odd" | "generator" | "shows-rest" | "adds" | "looks" | "beside" | "watches" }
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
        let next = take;
        for (const { events, pause } of said) {
          await wait(pause);
          for (const event of events) {
            log.push(`says ${event}`);
            await next(event);
            next = moreOf(take);
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
      else if (stage.kind === "beside") await beside(events, take, (event) => take(event));
      else if (stage.kind === "watches") await watch(events, take, () => count++);
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
  fc.record({
    kind: fc.constantFrom("double" as const, "odd", "generator", "shows-rest", "adds", "looks", "beside", "watches"),
  }),
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
});
