import { expect, it } from "vitest";
import type { NodeOutcome } from "../../src/core/node-health.ts";
import { createNodeQueue, type NodeQueue, type Seat, type Wish } from "../../src/core/node-queue.ts";

const never = new AbortController().signal;
const answered: NodeOutcome = { kind: "answered" };
const failed: NodeOutcome = { kind: "failed" };

function queueAt() {
  const clock = { ms: 0 };
  return { queue: createNodeQueue(() => clock.ms), clock };
}

const wish = (nodes: readonly (readonly [string, number])[], over: Partial<Wish> = {}): Wish => ({
  model: "m",
  candidates: nodes.map(([node, slots]) => ({ node, slots })),
  ...over,
});

/** Waits until it is seated; what it was told on the way is kept in `told`. */
async function seated(queue: NodeQueue, wanted: Wish, told: number[] = [], signal = never): Promise<Seat> {
  for await (const standing of queue.enter(wanted, signal)) {
    if (standing.kind === "seated") return standing.seat;
    told.push(standing.before);
  }
  throw new Error("not seated");
}

const tick = () => new Promise((resolve) => setImmediate(resolve));

it("asks no node more than it has slots, and hands a slot to who waits longest", async () => {
  const { queue } = queueAt();
  const first = await seated(queue, wish([["a", 1]]));
  const order: string[] = [];
  const told: number[][] = [[], []];
  const arrive = async (name: string, heard: number[]) => {
    const seat = await seated(queue, wish([["a", 1]]), heard);
    order.push(name);
    return seat;
  };
  const [second, third] = told.map((heard, at) => arrive(at === 0 ? "second" : "third", heard));
  await tick();
  expect(queue.waiting().count).toBe(2);
  expect(told).toEqual([[0], [1]]);
  first.end(answered);
  (await second)?.end(answered);
  (await third)?.end(answered);
  expect(order).toEqual(["second", "third"]);
  expect(told[1]).toEqual([1, 0]);
});

it("one that leaves while it waits takes nobody's place", async () => {
  const { queue } = queueAt();
  const first = await seated(queue, wish([["a", 1]]));
  const leaving = new AbortController();
  const left = seated(queue, wish([["a", 1]]), [], leaving.signal);
  const stays = seated(queue, wish([["a", 1]]));
  await tick();
  leaving.abort();
  await expect(left).rejects.toThrow(/cancelled/);
  expect(queue.waiting().count).toBe(1);
  first.end(answered);
  expect((await stays).node).toBe("a");
});

it("a seat that nobody takes is given back", async () => {
  const { queue } = queueAt();
  const first = await seated(queue, wish([["a", 1]]));
  const entering = queue.enter(wish([["a", 1]]), never)[Symbol.asyncIterator]();
  expect((await entering.next()).value).toEqual({ kind: "waiting", before: 0 });
  first.end(answered);
  await entering.return?.();
  expect(queue.state()[0]?.inFlight).toBe(0);
});

it("a request is not held up by one before it that no free node can answer", async () => {
  const { queue } = queueAt();
  await seated(queue, wish([["a", 1]]));
  void seated(queue, wish([["a", 1]]));
  expect((await seated(queue, wish([["b", 1]]))).node).toBe("b");
});

it("goes where the conversation was, else where the model is loaded, else to the faster one", async () => {
  const { queue } = queueAt();
  const both = [
    ["slow", 4],
    ["fast", 4],
  ] as const;
  for (const [node, tokensPerSecond] of [
    ["slow", 10],
    ["fast", 60],
  ] as const) {
    (await seated(queue, wish([[node, 4]], { model: "other" }))).end({ kind: "answered", tokensPerSecond });
  }
  expect((await seated(queue, wish(both))).node).toBe("fast");
  (await seated(queue, wish([["slow", 4]], { conversation: "c" }))).end(answered);
  expect((await seated(queue, wish(both))).node).toBe("slow"); // the model is loaded there now
  (await seated(queue, wish([["fast", 4]]))).end({ kind: "answered", tokensPerSecond: 60 });
  expect((await seated(queue, wish(both))).node).toBe("fast");
  expect((await seated(queue, wish(both, { conversation: "c" }))).node).toBe("slow");
});

it("spreads over nodes of the same speed", async () => {
  const { queue } = queueAt();
  const both = [
    ["a", 4],
    ["b", 4],
  ] as const;
  const nodes = [];
  for (let index = 0; index < 4; index++) nodes.push((await seated(queue, wish(both))).node);
  expect(nodes.toSorted((one, other) => one.localeCompare(other))).toEqual(["a", "a", "b", "b"]);
});

it("case 18: after a pause a node that flapped gets exactly one request, and the rest one by one with each answer", async () => {
  const { queue, clock } = queueAt();
  const both = [
    ["bad", 4],
    ["good", 8],
  ] as const;
  for (let turn = 0; turn < 2; turn++) (await seated(queue, wish([["bad", 4]]))).end(failed);
  const during = [];
  for (let index = 0; index < 3; index++) during.push((await seated(queue, wish(both))).node);
  expect(during).toEqual(["good", "good", "good"]);
  clock.ms += 1_001;
  const after = [];
  for (let index = 0; index < 3; index++) after.push(await seated(queue, wish(both)));
  expect(after.filter((seat) => seat.node === "bad")).toHaveLength(1);
  after.find((seat) => seat.node === "bad")?.end(answered);
  const later = [];
  for (let index = 0; index < 4; index++) later.push((await seated(queue, wish(both))).node);
  expect(later.filter((node) => node === "bad")).toHaveLength(2);
});

it("the pause doubles while the probe fails, and goes by a clock that nobody sets (case 17)", async () => {
  const { queue, clock } = queueAt();
  const fail = async () => (await seated(queue, wish([["a", 1]]))).end(failed);
  await fail();
  await fail();
  expect(queue.state()[0]?.health.closedUntilMs).toBe(1_000);
  clock.ms = 1_000;
  await fail();
  expect(queue.state()[0]?.health.closedUntilMs).toBe(3_000);
});

it("case 5: a node that is busy is left alone for as long as it says", async () => {
  const { queue, clock } = queueAt();
  const both = [
    ["busy", 4],
    ["free", 4],
  ] as const;
  (await seated(queue, wish([["busy", 4]]))).end({ kind: "busy", retryAfterMs: 7_000 });
  expect((await seated(queue, wish(both))).node).toBe("free");
  clock.ms = 7_000;
  expect((await seated(queue, wish(both))).node).toBe("busy");
});

it("case 19: where all of several have failed it says so at once, and when to ask again", async () => {
  const { queue, clock } = queueAt();
  for (const node of ["a", "b"])
    for (let turn = 0; turn < 2; turn++) (await seated(queue, wish([[node, 1]]))).end(failed);
  clock.ms = 90;
  const asking = seated(
    queue,
    wish([
      ["a", 1],
      ["b", 1],
    ]),
  );
  await expect(asking).rejects.toMatchObject({ kind: "server-unreachable", details: { retryAfterMs: 910 } });
});

it("where all are in their pause, one question each finds out whether they are back", async () => {
  const { queue, clock } = queueAt();
  const both = [
    ["a", 4],
    ["b", 4],
  ] as const;
  for (const node of ["a", "b"])
    for (let turn = 0; turn < 2; turn++) (await seated(queue, wish([[node, 4]]))).end(failed);
  clock.ms = 100;
  const first = await seated(queue, wish(both));
  const second = await seated(queue, wish(both));
  expect(new Set([first.node, second.node])).toEqual(new Set(["a", "b"]));
  const third = seated(queue, wish(both));
  await tick();
  expect(queue.waiting().count).toBe(1);
  first.end(answered);
  expect((await third).node).toBe(first.node);
});

it("who waits is told when the last node it could have fails", async () => {
  const { queue } = queueAt();
  const both = [
    ["a", 1],
    ["b", 1],
  ] as const;
  for (const node of ["a", "b"]) (await seated(queue, wish([[node, 1]]))).end(failed);
  const seats = [await seated(queue, wish(both)), await seated(queue, wish(both))];
  const waits = seated(queue, wish(both));
  waits.catch(() => undefined);
  await tick();
  for (const seat of seats) seat.end(failed);
  await expect(waits).rejects.toMatchObject({ kind: "server-unreachable" });
});

it("the only server there is is asked however often it failed", async () => {
  const { queue } = queueAt();
  for (let turn = 0; turn < 5; turn++) (await seated(queue, wish([["a", 1]]))).end(failed);
  expect((await seated(queue, wish([["a", 1]]))).node).toBe("a");
});

it("a node that is drained gets nothing new, and is idle when the last answer is whole", async () => {
  const { queue } = queueAt();
  const both = [
    ["a", 2],
    ["b", 2],
  ] as const;
  const seat = await seated(queue, wish([["a", 2]]));
  let isIdle = false;
  const drained = queue.drain("a").then(() => {
    isIdle = true;
  });
  expect((await seated(queue, wish(both))).node).toBe("b");
  await tick();
  expect(isIdle).toBe(false);
  seat.end(answered);
  await drained;
  queue.admit("a");
  expect((await seated(queue, wish([["a", 2]]))).node).toBe("a");
});

it("requests that fall together with their node are one failure: its pause is not longer for them", async () => {
  const { queue, clock } = queueAt();
  const many = [];
  for (let index = 0; index < 4; index++) many.push(await seated(queue, wish([["a", 4]])));
  clock.ms = 50;
  for (const seat of many) seat.end(failed);
  expect(queue.state()[0]?.health.closedUntilMs).toBe(1_050);
});

it("case 5: an answer that was under way does not end the pause that a busy node has asked for", async () => {
  const { queue, clock } = queueAt();
  const [early, turnedAway] = [await seated(queue, wish([["a", 4]])), await seated(queue, wish([["a", 4]]))];
  clock.ms = 50;
  turnedAway.end({ kind: "busy", retryAfterMs: 7_000 });
  early.end(answered);
  expect(queue.state()[0]?.health.closedUntilMs).toBe(7_050);
});

it("a request whose turn had come on a node that failed goes before those that wait", async () => {
  const { queue, clock } = queueAt();
  const held = await seated(queue, wish([["a", 1]]));
  const order: string[] = [];
  const wait = async (name: string, hadItsTurn: boolean) => {
    const seat = await seated(queue, { ...wish([["a", 1]]), hadItsTurn });
    order.push(name);
    seat.end(answered);
  };
  const all = [wait("first", false), wait("second", false)];
  await tick();
  clock.ms = 100;
  all.push(wait("again", true));
  await tick();
  expect(queue.waiting()).toEqual({ count: 3, longestMs: 100 });
  held.end(answered);
  await Promise.all(all);
  expect(order).toEqual(["again", "first", "second"]);
});

it("what only a drained node could answer waits until it is there again, made anew, or known to be gone", async () => {
  const { queue } = queueAt();
  await queue.drain("a");
  const waiting = seated(queue, wish([["a", 1]]));
  await tick();
  expect(queue.waiting().count).toBe(1);
  queue.admit("a");
  expect((await waiting).node).toBe("a");
});
