// Downloads that a server does for us, over several windows and processes.
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { createDownloads, type OwnedDownloads } from "../../src/backends/downloads.ts";
import type { PullLimits } from "../../src/backends/steady-pull.ts";
import type { PullProgress } from "../../src/core/backend.ts";
import { msg } from "../../src/core/message.ts";
import { TaskError } from "../../src/core/task-error.ts";
import {
  all,
  failure,
  heldBack,
  layer,
  type PullServer,
  startPullServer,
  success,
  theRest,
  total,
} from "./pull-server.ts";

/** Standing still is not what is looked at here. */
const patient: PullLimits = { stallMs: 10_000, tries: 3, pauseMs: 10 };
const never = new AbortController().signal;

let folder = "";
let server: PullServer;
const windows: OwnedDownloads[] = [];
const children: ChildProcess[] = [];

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "switchyard-downloads-"));
});
afterEach(async () => {
  for (const window of windows.splice(0)) window.dispose();
  for (const child of children.splice(0)) child.kill("SIGKILL");
  await server.close();
  await rm(folder, { recursive: true, force: true, maxRetries: 5 });
});

function openWindow(mayFetch: (model: string) => void = () => undefined): OwnedDownloads {
  const own = server.backend(patient);
  const window = createDownloads({ folder, serverFor: async () => own, mayFetch, onDone: () => undefined });
  windows.push(window);
  return window;
}

const outcome = (work: Promise<unknown>) =>
  work.then(
    () => "done",
    (error: unknown) => (error instanceof Error ? error.name : "?"),
  );

/** A window that gets it as well; `seen` grows while it does. */
function follow(window: OwnedDownloads) {
  const seen: PullProgress[] = [];
  const ended = outcome(
    (async () => {
      for await (const each of window.pull("m", never)) seen.push(each);
    })(),
  );
  return { seen, ended };
}

describe("downloads of several windows", () => {
  it("are one for a model: the others see the same progress and end with it", async () => {
    const held = heldBack();
    server = await startPullServer(held.answer);
    const [first, second] = [openWindow(), openWindow()];
    const one = all(first.pull("m", never));
    await held.isHalf;
    const other = follow(second);
    await expect.poll(() => second.list()).toMatchObject([{ model: "m", state: "running", totalBytes: total }]);
    await expect.poll(async () => (await second.list())[0]?.completedBytes).toBeGreaterThan(399);
    await expect.poll(() => other.seen.at(-1)?.completedBytes).toBeGreaterThan(399);
    held.finish();
    await one;
    expect(await other.ended).toBe("done");
    expect(server.asks()).toBe(1);
    expect(await first.list()).toEqual([]);
  });

  it("are paused from any window, and gone on with from any", async () => {
    const held = heldBack();
    server = await startPullServer(held.answer, theRest);
    const [first, second] = [openWindow(), openWindow()];
    const one = outcome(all(first.pull("m", never)));
    await held.isHalf;
    await second.pause("m");
    expect(await one).toBe("AbortError");
    expect(await first.list()).toMatchObject([{ model: "m", state: "paused", totalBytes: total }]);
    await all(second.pull("m", never));
    expect(await first.list()).toEqual([]);
    expect(server.asks()).toBe(2);
  });

  it("are cancelled from any window, and what came is thrown away", async () => {
    const held = heldBack();
    server = await startPullServer(held.answer);
    const [first, second] = [openWindow(), openWindow()];
    const one = outcome(all(first.pull("m", never)));
    await held.isHalf;
    const follower = follow(second);
    await expect.poll(() => follower.seen.length).toBeGreaterThan(0);
    await second.cancel("m", never);
    expect(await one).toBe("AbortError");
    expect(await follower.ended).toBe("AbortError");
    expect(await first.list()).toEqual([]);
    expect(server.requests).toContain("DELETE /api/delete");
  });

  it("are paused by the one who stops waiting for them", async () => {
    const held = heldBack();
    server = await startPullServer(held.answer);
    const window = openWindow();
    const stop = new AbortController();
    const one = outcome(all(window.pull("m", stop.signal)));
    await held.isHalf;
    stop.abort();
    expect(await one).toBe("AbortError");
    expect(await window.list()).toMatchObject([{ state: "paused" }]);
    await window.cancel("m", never);
    expect(await window.list()).toEqual([]);
  });

  it("are cancelled also where their server is gone", async () => {
    const held = heldBack();
    server = await startPullServer(held.answer);
    const stop = new AbortController();
    const one = outcome(all(openWindow().pull("m", stop.signal)));
    await held.isHalf;
    stop.abort();
    expect(await one).toBe("AbortError");
    const serverFor = async () => {
      throw new TaskError("server-unreachable", msg("No model server answers."));
    };
    const alone = createDownloads({ folder, serverFor, mayFetch: () => undefined, onDone: () => undefined });
    windows.push(alone);
    await alone.cancel("m", never);
    expect(await alone.list()).toEqual([]);
  });

  it("are gone on with by another window when theirs is closed", async () => {
    const held = heldBack();
    server = await startPullServer(held.answer, theRest);
    const [first, second] = [openWindow(), openWindow()];
    const one = outcome(all(first.pull("m", never)));
    await held.isHalf;
    const follower = all(second.pull("m", never));
    await expect.poll(() => second.list()).toMatchObject([{ state: "running" }]);
    first.dispose();
    expect(await one).toBe("AbortError");
    await follower;
    expect(server.asks()).toBe(2);
  });

  it("tell the same failure everywhere", async () => {
    const held = heldBack();
    server = await startPullServer(held.answer, (response) => failure(response, "no space left on device"));
    const [first, second] = [openWindow(), openWindow()];
    const one = all(first.pull("m", never)).catch((error: unknown) => error);
    await held.isHalf;
    const seen = Promise.withResolvers<void>();
    const follower = (async () => {
      for await (const _ of second.pull("m", never)) seen.resolve();
    })().catch((error: unknown) => error);
    await seen.promise;
    held.fail("no space left on device");
    const errors = [await one, await follower];
    for (const error of errors) expect(error).toMatchObject({ message: expect.stringContaining("no space left") });
    expect(await second.list()).toMatchObject([{ state: "failed" }]);
  });

  it("ask nobody while nothing may be fetched", async () => {
    server = await startPullServer(success);
    const window = openWindow(() => {
      throw new TaskError("local-only", msg("Offline"));
    });
    await expect(all(window.pull("m", never))).rejects.toMatchObject({ kind: "local-only" });
    expect(server.asks()).toBe(0);
    expect(await window.list()).toEqual([]);
  });

  it("pause when Offline is turned on while they run", async () => {
    server = await startPullServer((response) => layer(response, 400));
    let isOffline = false;
    const window = openWindow(() => {
      if (isOffline) throw new TaskError("local-only", msg("Offline"));
    });
    const ended = outcome(
      (async () => {
        for await (const _ of window.pull("m", never)) isOffline = true;
      })(),
    );
    expect(await ended).toBe("AbortError");
    expect(await window.list()).toMatchObject([{ model: "m", state: "paused" }]);
  });
});

describe("downloads of several processes", () => {
  function start() {
    const script = fileURLToPath(new URL("download-process.ts", import.meta.url));
    const child = spawn(process.execPath, [script, folder, server.url, "m"], { stdio: ["ignore", "pipe", "inherit"] });
    children.push(child);
    let said = "";
    child.stdout.on("data", (piece: Buffer) => {
      said += String(piece);
    });
    return { child, said: () => said };
  }

  it("are one, and the second goes on when the first is killed in the middle", async () => {
    const held = heldBack();
    server = await startPullServer(held.answer, theRest);
    const first = start();
    await held.isHalf;
    const second = start();
    await expect.poll(second.said).toContain("pulling a");
    expect(server.asks()).toBe(1);
    const watching = openWindow();
    first.child.kill("SIGKILL");
    await once(first.child, "exit");
    await expect.poll(second.said).toContain("there");
    expect(server.asks()).toBe(2);
    expect(await watching.list()).toEqual([]);
  });

  it("are seen as interrupted where nobody is left, and gone on with by the next window", async () => {
    const held = heldBack();
    server = await startPullServer(held.answer, theRest);
    const first = start();
    await held.isHalf;
    await expect.poll(first.said).toContain("pulling a");
    first.child.kill("SIGKILL");
    await once(first.child, "exit");
    const next = openWindow();
    await expect.poll(() => next.list()).toMatchObject([{ model: "m", state: "interrupted" }]);
    await all(next.pull("m", never));
    expect(await next.list()).toEqual([]);
  });
});
