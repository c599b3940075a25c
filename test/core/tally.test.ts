import { expect, it } from "vitest";
import type { AnswerEvent } from "../../src/core/answer.ts";
import { msg } from "../../src/core/message.ts";
import { createMonitor } from "../../src/core/monitor.ts";
import type { Route } from "../../src/core/route.ts";
import { createTally } from "../../src/core/tally.ts";
import { TaskError } from "../../src/core/task-error.ts";

const route: Route = {
  task: "chat",
  classification: {
    kind: "chat",
    language: "en",
    confidence: 1,
    evidence: [],
    scores: { review: 0, translate: 0, explain: 0, document: 0, create: 0, analyze: 0, code: 0, chat: 1 },
  },
  role: "general",
  model: "m",
  backend: "b",
  place: "this-machine",
  why: msg("because"),
  alternatives: [],
};
const stats = { promptTokens: 7, answerTokens: 30, loadMs: 0, prefillMs: 0, decodeMs: 1500 };

it("has no badge before the task was routed", () => {
  expect(createTally(() => 0).badge("failed")).toBeUndefined();
});

it("takes the server's figures once they are there", () => {
  const clock = { ms: 1000 };
  const tally = createTally(() => clock.ms);
  tally.see({ kind: "routed", route });
  clock.ms = 1200;
  tally.see({ kind: "text", text: "a" });
  clock.ms = 3000;
  tally.see({ kind: "done", stats, finish: "stop" });
  expect(tally.badge("done")).toEqual({
    route,
    outcome: "done",
    firstTokenMs: 200,
    totalMs: 2000,
    tokensPerSecond: 20,
    promptTokens: 7,
    answerTokens: 30,
    estimated: false,
  });
});

it("marks an answer that hit its length limit as cut, and an estimate as one", () => {
  const clock = { ms: 0 };
  const tally = createTally(() => clock.ms);
  tally.see({ kind: "routed", route });
  for (clock.ms = 0; clock.ms <= 1000; clock.ms += 100) tally.see({ kind: "text", text: "a" });
  expect(tally.badge("stopped")).toMatchObject({
    outcome: "stopped",
    estimated: true,
    answerTokens: 11,
    tokensPerSecond: 11,
  });
  tally.see({ kind: "done", stats, finish: "length" });
  expect(tally.badge("done")?.outcome).toBe("cut");
});

async function* answer(events: readonly AnswerEvent[], error?: Error): AsyncIterable<AnswerEvent> {
  yield* events;
  if (error) throw error;
}

async function drain(events: AsyncIterable<AnswerEvent>): Promise<void> {
  for await (const _ of events);
}

it("counts answers, tokens and failures, but not what was cancelled", async () => {
  const monitor = createMonitor(
    () => 0,
    () => 0,
  );
  await drain(
    monitor.watch(
      answer([
        { kind: "text", text: "a" },
        { kind: "done", stats, finish: "stop" },
      ]),
    ),
  );
  const failure = new TaskError("server-lost", msg("gone"));
  await expect(drain(monitor.watch(answer([{ kind: "text", text: "a" }], failure)))).rejects.toBe(failure);
  const cancelled = new DOMException("", "AbortError");
  await expect(drain(monitor.watch(answer([], cancelled)))).rejects.toBe(cancelled);
  expect(monitor.totals()).toEqual({ answers: 1, errors: 1, answerTokens: 31, cloudUsd: 0 });
});

it("keeps ten minutes of points and tells tokens a second since the last one", async () => {
  const clock = { ms: 0 };
  const monitor = createMonitor(
    () => clock.ms,
    () => clock.ms,
  );
  await drain(monitor.watch(answer(Array.from({ length: 50 }, () => ({ kind: "text", text: "a" }) as const))));
  clock.ms = 2000;
  const loaded = [{ name: "m", backend: "b", sizeBytes: 600, vramBytes: 0 }];
  expect(monitor.sample({ loaded, cpu: 0.5 })).toEqual([
    { atMs: 2000, tokensPerSecond: 25, modelBytes: 600, cpu: 0.5, errors: 0, firstTokenMs: 0 },
  ]);
  clock.ms = 700_000;
  expect(monitor.sample({ loaded: [], cpu: 0 })).toHaveLength(1);
});

it("tells when the first word came of an answer that shows none of its words", async () => {
  const clock = { ms: 0 };
  const monitor = createMonitor(
    () => clock.ms,
    () => clock.ms,
  );
  const review = async function* (): AsyncIterable<AnswerEvent> {
    clock.ms = 3000;
    yield { kind: "writing", answerTokens: 1 };
    clock.ms = 5000;
    yield { kind: "text", text: "1. …" };
  };
  await drain(monitor.watch(review()));
  expect(monitor.sample({ loaded: [], cpu: 0 }).at(-1)?.firstTokenMs).toBe(3000);
});

it("says what the local answers would have cost in the cloud, with what a cloud would have kept reckoned in", async () => {
  const monitor = createMonitor(
    () => 0,
    () => 0,
  );
  const route = { place: "this-machine" } as Route;
  const done = {
    kind: "done",
    finish: "stop",
    stats: { promptTokens: 1000, answerTokens: 100, loadMs: 0, prefillMs: 0, decodeMs: 0 },
  } as const;
  const price = async (sharedTokens: number) => {
    const before = monitor.totals().cloudUsd;
    const answer = async function* (): AsyncIterable<AnswerEvent> {
      yield { kind: "routed", route };
      yield done;
    };
    for await (const _event of monitor.watch(answer(), { model: "claude-sonnet-5-5", sharedTokens }));
    return monitor.totals().cloudUsd - before;
  };
  const fresh = await price(0);
  expect(fresh).toBeCloseTo((1000 * 2 * 1.25 + 100 * 10) / 1e6, 9);
  expect(await price(900)).toBeLessThan(fresh / 2);
});

it("counts the first token of an answer that is read before it is shown, and gives one piece no speed", () => {
  const clock = { ms: 0 };
  const tally = createTally(() => clock.ms);
  tally.see({ kind: "routed", route });
  clock.ms = 300;
  tally.see({ kind: "writing", answerTokens: 1 });
  expect(tally.badge("stopped")).toMatchObject({ firstTokenMs: 300 });
  expect(tally.badge("stopped")).not.toHaveProperty("tokensPerSecond");
  clock.ms = 9000;
  tally.see({ kind: "text", text: "a finding" });
  expect(tally.badge("done")).toMatchObject({ firstTokenMs: 300 });
});

it("gives pieces no speed that came at once", () => {
  const clock = { ms: 0 };
  const tally = createTally(() => clock.ms);
  tally.see({ kind: "routed", route });
  tally.see({ kind: "text", text: "Here" });
  clock.ms = 0.4;
  tally.see({ kind: "text", text: " is" });
  expect(tally.badge("stopped")).toMatchObject({ answerTokens: 2 });
  expect(tally.badge("stopped")).not.toHaveProperty("tokensPerSecond");
});
