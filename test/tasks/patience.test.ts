// How long a question waits for its answer to begin, over all servers that are asked.
import { fork } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import { expect, it, onTestFinished } from "vitest";
import { formatMessage } from "../../src/core/message.ts";
import { TaskError } from "../../src/core/task-error.ts";
import { toProxyError } from "../../src/proxy/proxy-error.ts";
import { usualPatience } from "../../src/tasks/patience.ts";
import { request } from "../backends/sample-request.ts";
import { beginLines, doneLine, type Handler, sendJson, tokenLine } from "../backends/scripted-server.ts";
import { ask, good, never, node, nodeAt, runnerOf } from "./scripted-nodes.ts";

const silent: Handler = () => undefined;
const patient = (totalMs: number) => ({ patience: { ...usualPatience, totalMs: () => totalMs } });
const quick = { lookEveryMs: 100, signMs: { usual: 200, last: 400 } };

async function timed<T>(work: Promise<T>) {
  const startMs = performance.now();
  const result = await work;
  return { result, ms: performance.now() - startMs };
}

it("silent servers have one time together, and what is told names each of them and what to do", async () => {
  const { run, queue } = runnerOf(patient(2_400));
  const nodes = await Promise.all(["a", "b", "c", "d"].map((name) => node(name, silent)));
  const { result, ms } = await timed(ask(run, nodes));
  expect(ms).toBeGreaterThan(2_300);
  expect(ms).toBeLessThan(9_000);
  expect(result.tried.toSorted()).toEqual(["a", "b", "c", "d"]);
  expect(result.failure).toMatchObject({ kind: "no-answer" });
  const { failure } = result;
  const text = failure instanceof TaskError ? formatMessage(failure.text) : "";
  for (const name of ["a", "b", "c", "d"]) expect(text).toContain(`${name} has said nothing for`);
  expect(text).toMatch(/switchyard status.*restart/);
  expect(toProxyError(failure).status).toBe(504);
  expect(queue.state().map(({ inFlight }) => inFlight)).toEqual([0, 0, 0, 0]);
});

it("where a server has failed, the wait for one that is busy counts as well", async () => {
  const { run, queue } = runnerOf({ ...patient(4_000), slotsOf: () => 1 });
  const broken = await node("broken", (_, response) => sendJson(response, { error: "crashed" }, 500));
  const endless = await node("endless", (_, response) => {
    beginLines(response);
    const timer = setInterval(() => response.write(tokenLine("more ")), 10);
    response.on("close", () => clearInterval(timer));
  });
  const stop = new AbortController();
  const other = ask(run, [endless], stop.signal);
  await expect.poll(() => endless.asked()).toBe(1);
  const { result, ms } = await timed(ask(run, [broken, endless]));
  expect(ms).toBeLessThan(20_000);
  expect(result).toMatchObject({ tried: ["broken"], failure: { kind: "no-answer" } });
  expect(String(result.failure)).toMatch(/crashed.*busy all the time/);
  expect(queue.waiting().count).toBe(0);
  stop.abort();
  await other;
});

it("a turn that is waited for first costs no patience", async () => {
  const { run } = runnerOf({ ...patient(2_000), slotsOf: () => 1 });
  const slow: Handler = (...given) => setTimeout(() => good(...given), 400);
  const nodes = [await node("a", slow), await node("b", slow)];
  const results = await Promise.all(Array.from({ length: 14 }, () => ask(run, nodes)));
  expect(results.map(({ text }) => text)).toEqual(Array.from({ length: 14 }, () => "fine"));
});

it("a server that shows how it loads the model is not silent", async () => {
  const { run } = runnerOf(patient(3_000));
  let completed = 0;
  const ps: Handler = (_, response) => {
    completed += 100;
    sendJson(response, { models: [{ name: "m", size: 10_000, size_vram: 0, loading: { completed, total: 10_000 } }] });
  };
  const loads = await node("loads", (...given) => setTimeout(() => good(...given), 4_000), { "GET /api/ps": ps });
  const other = await node("other", good);
  expect(await ask(run, [loads, other])).toMatchObject({ text: "fine", tried: ["loads"] });
  expect(other.asked()).toBe(0);
});

it("a server that works but is silent is not taken for one that is gone", async () => {
  const { run } = runnerOf({ patience: { ...usualPatience, lookEveryMs: 100 } });
  const slow = await node("slow", (...given) => setTimeout(() => good(...given), 1_000));
  expect(await ask(run, [slow, await node("other", good)])).toMatchObject({ text: "fine", tried: ["slow"] });
});

/** A model server as a process, which can be frozen. */
async function startProcess() {
  const child = fork(fileURLToPath(new URL("chaos-node.ts", import.meta.url)), ["0", "fine"], { execArgv: [] });
  onTestFinished(() => void child.kill("SIGKILL"));
  const [port] = await once(child, "message");
  return { child, node: nodeAt("frozen", `http://127.0.0.1:${port}`) };
}

it.runIf(process.platform !== "win32")("a server that froze is given up when it gives no sign of life", async () => {
  const { run, queue } = runnerOf({ patience: { ...usualPatience, ...quick } });
  const { child, node: frozen } = await startProcess();
  child.kill("SIGSTOP");
  const other = await timed(ask(run, [frozen, await node("other", good)]));
  expect(other.result).toMatchObject({ text: "fine", tried: ["frozen", "other"] });
  expect(other.ms).toBeLessThan(10_000);
  expect(queue.state().find((each) => each.node === "frozen")?.health.failures).toBe(1);
  const alone = await timed(ask(run, [frozen]));
  expect(alone.result.failure).toMatchObject({ kind: "server-unreachable" });
  expect(alone.ms).toBeLessThan(10_000);
});

it("who leaves while a server is silent ends it at once", async () => {
  const { run, queue } = runnerOf(patient(60_000));
  const quiet = await node("quiet", silent);
  const stop = new AbortController();
  const asking = ask(run, [quiet, await node("other", good)], stop.signal);
  await expect.poll(() => quiet.asked()).toBe(1);
  stop.abort();
  expect((await asking).failure).toMatchObject({ name: "AbortError" });
  expect(queue.state().every(({ inFlight, health }) => inFlight === 0 && health.failures === 0)).toBe(true);
});

it("an answer that has begun is under no limit of patience", async () => {
  const { run } = runnerOf({ patience: { totalMs: () => 4_000, ...quick, lookEveryMs: 10 } });
  const slow = await node("slow", (_, response) => {
    beginLines(response);
    response.write(tokenLine("fi"));
    setTimeout(() => response.end(tokenLine("ne") + doneLine()), 3_000);
  });
  for await (const event of run([slow, await node("other", good)], request, never)) if (event.kind === "done") return;
  expect.unreachable();
});
