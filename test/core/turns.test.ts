import { expect, it } from "vitest";
import type { TaskKind } from "../../src/core/task.ts";
import { createTurns, type Turns, usualLimits } from "../../src/core/turns.ts";

const never = new AbortController().signal;

function turnsWith(limit: number, maxWaiting = 32) {
  return createTurns({ limits: { ...usualLimits, review: limit }, maxWaiting }, () => performance.now());
}

/** A task that goes on until it is told to end. */
function task(turns: Turns, client: string, over: { readonly kind?: TaskKind; readonly signal?: AbortSignal } = {}) {
  const end = Promise.withResolvers<void>();
  const state = { hasBegun: false, told: [] as number[] };
  const run = async () => {
    const work = async function* () {
      state.hasBegun = true;
      yield { kind: "begun" as const };
      await end.promise;
    };
    for await (const event of turns.take({ kind: over.kind ?? "review", client }, work, over.signal ?? never)) {
      if (event.kind === "waiting") state.told.push(event.before);
    }
  };
  const whole = run();
  whole.catch(() => undefined);
  return { state, whole, end: end.resolve };
}

const tick = () => new Promise((resolve) => setImmediate(resolve));

it("lets as many of a kind work as may, and tells the others how many are before them", async () => {
  const turns = turnsWith(2);
  const tasks = Array.from({ length: 4 }, () => task(turns, "editor"));
  await tick();
  expect(tasks.map(({ state }) => state.hasBegun)).toEqual([true, true, false, false]);
  expect(turns.state("review")).toEqual({ working: 2, waiting: 2 });
  tasks[0]?.end();
  await tick();
  expect(tasks.map(({ state }) => state.told)).toEqual([[], [], [0], [1, 0]]);
  for (const each of tasks) each.end();
  await Promise.all(tasks.map(({ whole }) => whole));
  expect(turns.state("review")).toEqual({ working: 0, waiting: 0 });
});

it("lets so many times as many work as there are servers for them", async () => {
  const turns = turnsWith(2);
  const work = async function* () {
    yield { kind: "begun" as const };
    await new Promise(() => undefined);
  };
  const begun: number[] = [];
  for (let index = 0; index < 7; index++) {
    void (async () => {
      for await (const event of turns.take({ kind: "review", client: "", servers: 3 }, work, never)) {
        if (event.kind === "begun") begun.push(index);
      }
    })();
  }
  await tick();
  expect(begun).toEqual([0, 1, 2, 3, 4, 5]);
  expect(turns.waiting().count).toBe(1);
});

it("one kind does not keep another out", async () => {
  const turns = turnsWith(1);
  task(turns, "editor");
  task(turns, "editor");
  const other = task(turns, "editor", { kind: "translate" });
  await tick();
  expect(other.state.hasBegun).toBe(true);
});

it("a client with many tasks lets another one between them", async () => {
  const turns = turnsWith(1);
  const greedy = Array.from({ length: 4 }, () => task(turns, "greedy"));
  const modest = [task(turns, "modest"), task(turns, "modest")];
  await tick();
  // Of four greedy ones the first is at work; then they go one by one.
  expect(modest.map(({ state }) => state.told[0])).toEqual([0, 2]);
  greedy[0]?.end();
  await tick();
  expect(modest[0]?.state.hasBegun).toBe(true);
  expect(greedy[1]?.state.hasBegun).toBe(false);
});

it("one that leaves while it waits is never begun, and takes nobody's place", async () => {
  const turns = turnsWith(1);
  const first = task(turns, "editor");
  const stop = new AbortController();
  const leaves = task(turns, "editor", { signal: stop.signal });
  const stays = task(turns, "editor");
  await tick();
  stop.abort();
  await expect(leaves.whole).rejects.toMatchObject({ name: "AbortError" });
  first.end();
  await first.whole;
  await tick();
  expect(leaves.state.hasBegun).toBe(false);
  expect(stays.state.hasBegun).toBe(true);
});

it("a failed task gives its turn to the next", async () => {
  const turns = turnsWith(1);
  const broken = async function* () {
    yield { kind: "begun" as const };
    throw new Error("broken");
  };
  const failing = (async () => {
    for await (const _ of turns.take({ kind: "review", client: "" }, broken, never));
  })();
  await expect(failing).rejects.toThrow("broken");
  const next = task(turns, "");
  await tick();
  expect(next.state.hasBegun).toBe(true);
});

it("refuses when too many wait, and says when to come back", async () => {
  const turns = turnsWith(1, 1);
  task(turns, "a");
  task(turns, "b");
  await tick();
  await expect(task(turns, "c").whole).rejects.toMatchObject({
    kind: "server-error",
    details: { isBusy: true, retryAfterMs: expect.any(Number) },
  });
});
