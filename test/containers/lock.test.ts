// The lock of all windows and shells, between real processes that die, sleep and wake.
import { mkdtempSync, rmSync } from "node:fs";
import { readFile, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, it } from "vitest";
import { applyForLease } from "../../src/containers/lease.ts";
import { queueForLock, takeLock } from "../../src/containers/lock.ts";
import { takeTurn } from "../../src/containers/take-turn.ts";
import { formatMessage } from "../../src/core/message.ts";
import { type NodeProcess, sourceOf, startNode } from "../harness/node-process.ts";

const { signal: never } = new AbortController();
const quick = { everyMs: 10, staleMs: 200 };
const canStop = process.platform !== "win32";
let folder = "";
let file = "";
const started: NodeProcess[] = [];

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "switchyard-lock-"));
  file = join(folder, "services.lock");
});
afterEach(async () => {
  await Promise.all(started.splice(0).map((each) => each.kill()));
  rmSync(folder, { recursive: true, force: true });
});

function start(program: string): NodeProcess {
  const one = startNode(program, file);
  started.push(one);
  return one;
}

/** Past all that is told on the way. */
async function lastOf<T>(told: AsyncGenerator<unknown, T>): Promise<T> {
  for (;;) {
    const next = await told.next();
    if (next.done) return next.value;
  }
}

/** Takes the lock, as a shell that starts the containers, and lets go of it when it is told to. */
const holder = `
  import { once } from "node:events";
  import { takeLock } from ${JSON.stringify(sourceOf("containers/lock.ts"))};
  const lock = await takeLock(process.argv.at(-1), AbortSignal.timeout(60_000), { work: "up", door: "shell" });
  console.log("taken");
  await once(process.stdin, "data");
  await lock.mustBeHeld();
  await lock.release();
  process.exit();
`;

async function startHolder(): Promise<NodeProcess> {
  const one = start(holder);
  expect(await one.line()).toBe("taken");
  return one;
}

it("is held by one at a time, and left by one that is cancelled while it waits", async () => {
  const first = await takeLock(file, never);
  const stop = new AbortController();
  const second = takeLock(file, stop.signal);
  setTimeout(() => stop.abort(), 50);
  await expect(second).rejects.toThrow(/abort/i);
  await first.release();
  const third = await takeLock(file, never);
  await third.release();
});

it("of a process that died is had at once", async () => {
  const other = await startHolder();
  await other.kill();
  const lock = await takeLock(file, AbortSignal.timeout(5_000));
  await lock.release();
});

it.skipIf(process.platform !== "linux")("of a process whose id another one has by now is had at once", async () => {
  const own = await takeLock(file, never);
  const signed = JSON.parse(await readFile(file, "utf8"));
  await own.release();
  await writeFile(file, JSON.stringify({ ...signed, process: `${process.pid} 1` }));
  const lock = await takeLock(file, AbortSignal.timeout(5_000));
  await lock.release();
});

it("of an earlier version, or of another machine with this home, is had when nobody has touched it for long", async () => {
  for (const text of ["4711 of-old", JSON.stringify({ id: "x", process: "1", machine: "far", sinceMs: 0 })]) {
    await writeFile(file, text);
    const lock = await takeLock(file, AbortSignal.timeout(5_000), quick);
    await lock.release();
  }
});

it.skipIf(!canStop)(
  "is never taken from a process that sleeps; who waits is told of whom, and that it stands still",
  async () => {
    const other = await startHolder();
    const turn = takeTurn({ file, work: "up" }, never);
    const told = await turn.next();
    expect(told.value).toMatchObject({ kind: "queued" });
    const text = told.done || told.value.kind !== "queued" ? "" : formatMessage(told.value.text);
    expect(text).toMatch(
      new RegExp(`^Waiting for a shell \\(process ${other.pid}\\): it starts the containers, for \\d+ s so far$`),
    );
    other.signal("SIGSTOP");
    const queue = queueForLock(file, quick, never);
    const holding = { pid: other.pid, work: "up", door: "shell", standsStill: true };
    expect((await queue.next()).value).toMatchObject(holding);
    let isTaken = false;
    const taken = lastOf(queue).then((lock) => {
      isTaken = true;
      return lock;
    });
    // Its own clock: many looks long.
    await new Promise((resolve) => setTimeout(resolve, 5 * quick.staleMs));
    expect(isTaken).toBe(false);
    other.say("release");
    other.signal("SIGCONT");
    // It woke, which may be told, had the lock still, and let go of it.
    await (await taken).release();
    await expect(other.line()).rejects.toThrow("it has ended");
    await turn.return?.(await takeLock(file, never));
  },
);

it("that another has taken is noticed before anything more is done", async () => {
  const lock = await takeLock(file, never);
  await lock.mustBeHeld();
  await writeFile(file, "another");
  await expect(lock.mustBeHeld()).rejects.toMatchObject({ kind: "storage" });
  await lock.release();
  expect(await readFile(file, "utf8")).toBe("another");
});

/** Has the lease, and says whether it still thinks so, first thing after it slept. */
const leader = `
  import { applyForLease } from ${JSON.stringify(sourceOf("containers/lease.ts"))};
  const lease = applyForLease(process.argv.at(-1), AbortSignal.timeout(60_000), ${quick.staleMs});
  await lease.taken;
  let lastMs = 0;
  let isAsked = false;
  process.stdin.once("data", () => {
    isAsked = true;
  });
  setInterval(() => {
    const passedMs = Date.now() - lastMs;
    lastMs = Date.now();
    if (passedMs > ${quick.staleMs}) console.log(lease.isHeld());
    if (isAsked && lease.isHeld()) console.log("again");
    if (lease.isHeld()) isAsked = false;
  }, 2);
`;

it.skipIf(!canStop)(
  "as a lease goes on to another while its holder sleeps, which knows it as soon as it wakes",
  async () => {
    const other = start(leader);
    expect(await other.line()).toBe("true");
    other.signal("SIGSTOP");
    const lease = applyForLease(file, never, quick.staleMs);
    await lease.taken;
    expect(lease.isHeld()).toBe(true);
    other.signal("SIGCONT");
    expect(await other.line()).toBe("false");
    // And has it again when the other is gone.
    await lease.end();
    other.say("say when");
    expect(await other.line()).toBe("again");
  },
);
