// Real servers that fail in every way, behind the product's own backends: who is asked next, and what is told.
import { setTimeout as sleep } from "node:timers/promises";
import { expect, it } from "vitest";
import { TaskError } from "../../src/core/task-error.ts";
import { usualPatience } from "../../src/tasks/patience.ts";
import { request } from "../backends/sample-request.ts";
import { beginLines, type Handler, sendJson, tokenLine } from "../backends/scripted-server.ts";
import { fastest } from "../harness/fastest.ts";
import { ask, deadNode, good, never, node, runnerOf } from "./scripted-nodes.ts";

it("case 1: a port that refuses costs nothing; the next server answers", async () => {
  const { run } = runnerOf();
  const result = await ask(run, [await deadNode(), await node("good", good)]);
  expect(result).toMatchObject({ text: "fine", tried: ["dead", "good"], isDone: true });
});

it("case 3: one that takes the question and says nothing is given up for another", async () => {
  const { run } = runnerOf({ patience: { ...usualPatience, totalMs: () => 6_000 } });
  const silent = await node("silent", () => undefined);
  expect(await ask(run, [silent, await node("good", good)])).toMatchObject({ text: "fine", tried: ["silent", "good"] });
});

it("the only one there is may take as long as it wants", async () => {
  const { run } = runnerOf({ patience: { ...usualPatience, totalMs: () => 50 } });
  const slow = await node("slow", (...given) => setTimeout(() => good(...given), 300));
  expect(await ask(run, [slow])).toMatchObject({ text: "fine", tried: ["slow"] });
});

it.each([500, 502, 503, 504, 429])("case 4: what answers %i is asked once, and another one then", async (status) => {
  const { run } = runnerOf();
  const broken = await node("broken", (_, response) => sendJson(response, { error: "no" }, status));
  expect(await ask(run, [broken, await node("good", good)])).toMatchObject({ text: "fine", isDone: true });
  expect(broken.asked()).toBe(1);
});

it("case 5 and 6: where all are busy the client hears when to come back, and the wait they named is kept", async () => {
  const { run } = runnerOf();
  const busy: Handler = (_, response) => {
    response.writeHead(429, { "content-type": "application/json", "retry-after": "7" }).end('{"error":"busy"}');
  };
  const nodes = [await node("a", busy), await node("b", busy)];
  const first = await ask(run, nodes);
  expect(first.failure).toMatchObject({ kind: "server-error", details: { isBusy: true, retryAfterMs: 7_000 } });
  const second = await ask(run, nodes);
  expect(second.tried).toEqual([]);
  expect(second.failure).toMatchObject({ details: { isBusy: true } });
  expect(nodes.map((each) => each.asked())).toEqual([1, 1]);
});

it("case 13: a server that lost the model is passed over", async () => {
  const { run, queue } = runnerOf();
  const without = await node("without", (_, response) => sendJson(response, { error: "model not found" }, 404));
  expect(await ask(run, [without, await node("good", good)])).toMatchObject({ text: "fine" });
  // It is not ill for that.
  expect(queue.state().find((each) => each.node === "without")?.health.failures).toBe(0);
});

it("case 7: what broke in the middle is an error and asked of nobody else", async () => {
  const { run } = runnerOf();
  const cut = await node("cut", (_, response) => {
    beginLines(response);
    response.write(tokenLine("half an"));
    setTimeout(() => response.destroy(), 20);
  });
  const other = await node("good", good);
  const result = await ask(run, [cut, other]);
  expect(result).toMatchObject({ text: "half an", isDone: false, failure: { kind: "server-lost" } });
  expect(other.asked()).toBe(0);
});

it("a question that is itself at fault is not asked again elsewhere", async () => {
  const { run } = runnerOf();
  const overflow: Handler = (_, response) =>
    sendJson(response, { error: { message: "too long", n_prompt_tokens: 9000, n_ctx: 4096 } }, 400);
  const other = await node("good", good);
  const result = await ask(run, [await node("a", overflow), other]);
  expect(result.failure).toMatchObject({ kind: "context-overflow" });
  expect(other.asked()).toBe(0);
});

it("case 19: with all servers down there are no more tries than servers, and soon none at all", async () => {
  // The time in which they rest does not pass while this is found out.
  const { run } = runnerOf({}, () => 1_000);
  const nodes = await Promise.all(
    ["a", "b", "c"].map((name) => node(name, (_, response) => sendJson(response, { error: "broken" }, 500))),
  );
  const results = await Promise.all(Array.from({ length: 20 }, () => ask(run, nodes)));
  for (const { failure } of results) expect(failure).toBeInstanceOf(TaskError);
  const asked = nodes.map((each) => each.asked());
  for (const times of asked) expect(times).toBeLessThanOrEqual(12);
  const took = await fastest(100, async () => {
    const startMs = performance.now();
    expect((await ask(run, nodes)).failure).toMatchObject({ kind: "server-unreachable" });
    return performance.now() - startMs;
  });
  expect(took).toBeLessThan(100);
  expect(nodes.map((each) => each.asked())).toEqual(asked);
});

it("case 21: who leaves while waiting is never sent, and who leaves in the middle stops the server", async () => {
  const { run } = runnerOf({ slotsOf: () => 1 });
  let closed = 0;
  const endless = await node("endless", (_, response) => {
    beginLines(response);
    const timer = setInterval(() => response.write(tokenLine("more ")), 10);
    response.on("close", () => {
      clearInterval(timer);
      closed++;
    });
  });
  const [first, second] = [new AbortController(), new AbortController()];
  const answering = ask(run, [endless], first.signal);
  await expect.poll(() => endless.asked()).toBe(1);
  const waiting = ask(run, [endless], second.signal);
  second.abort();
  expect(await waiting).toMatchObject({ tried: [], failure: { name: "AbortError" } });
  first.abort();
  expect(await answering).toMatchObject({ isDone: false, failure: { name: "AbortError" } });
  await expect.poll(() => closed).toBe(1);
  expect(endless.asked()).toBe(1);
});

it("a server has answered, also for who leaves when it is done", async () => {
  const { run, queue } = runnerOf();
  const failing = { isOn: true };
  const server = await node("server", (...given) =>
    failing.isOn ? sendJson(given[1], { error: "broken" }, 500) : good(...given),
  );
  await ask(run, [server]);
  expect(queue.state()[0]?.health.failures).toBe(1);
  failing.isOn = false;
  for await (const event of run([server], request, never)) if (event.kind === "done") break;
  expect(queue.state()).toMatchObject([{ inFlight: 0, health: { failures: 0 } }]);
});

it("case 15 of chaos: of three servers one is always dead, broken or silent, and every question gets its answer", async () => {
  const { run } = runnerOf({ patience: { ...usualPatience, totalMs: () => 6_000 } });
  const ills: readonly Handler[] = [
    (_, response) => sendJson(response, { error: "broken" }, 500),
    (_, response) => response.destroy(),
    () => undefined,
  ];
  let turn = 0;
  const nodes = await Promise.all(
    [0, 1, 2].map((index) =>
      node(`n${index}`, (...given) => {
        const isIll = Math.floor(turn / 10) % 3 === index;
        return (isIll ? ills[Math.floor(turn / 5) % ills.length] : good)?.(...given);
      }),
    ),
  );
  const results = [];
  for (turn = 0; turn < 60; turn += 5) {
    results.push(...(await Promise.all(Array.from({ length: 5 }, () => ask(run, nodes)))));
    await sleep(120);
  }
  expect(results.filter((each) => each.text === "fine" && each.isDone)).toHaveLength(60);
});
