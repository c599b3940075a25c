// Downloads that a server does for us and that stand still or are cut, over several windows and processes.
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import type { ServerResponse } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { createDownloads, type OwnedDownloads } from "../../src/backends/downloads.ts";
import { OllamaBackend } from "../../src/backends/ollama.ts";
import type { PullLimits } from "../../src/backends/steady-pull.ts";
import type { PullProgress } from "../../src/core/backend.ts";
import { msg } from "../../src/core/message.ts";
import { TaskError } from "../../src/core/task-error.ts";
import { beginLines, type Handler, type ScriptedServer, sendJson, startScriptedServer } from "./scripted-server.ts";

const limits: PullLimits = { stallMs: 250, tries: 3, pauseMs: 10 };
/** For what is not about standing still. */
const patient: PullLimits = { ...limits, stallMs: 10_000 };
const never = new AbortController().signal;
const total = 1000;

let folder = "";
let server: ScriptedServer;
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

const layer = (response: ServerResponse, completed: number, digest = "a") =>
  response.write(`${JSON.stringify({ status: `pulling ${digest}`, digest, total, completed })}\n`);
const success = (response: ServerResponse) => response.end(`${JSON.stringify({ status: "success" })}\n`);

/** What each ask for the model gets, in order; the last one answers all that follow. */
async function serve(...answers: readonly ((response: ServerResponse) => void)[]): Promise<void> {
  let asked = 0;
  const pull: Handler = (_, response) => {
    beginLines(response);
    answers[Math.min(asked++, answers.length - 1)]?.(response);
  };
  server = await startScriptedServer({
    "POST /api/pull": pull,
    "GET /api/tags": (_, response) => sendJson(response, { models: [] }),
    "DELETE /api/delete": (_, response) => sendJson(response, { status: "success" }),
  });
}

function backend(pullLimits = limits): OllamaBackend {
  const address = async () => server.url;
  return new OllamaBackend({ name: "test server", place: "this-machine", address, pullLimits });
}

function openWindow(mayFetch: (model: string) => void = () => undefined): OwnedDownloads {
  const own = backend(patient);
  const window = createDownloads({ folder, serverFor: async () => own, mayFetch, onDone: () => undefined });
  windows.push(window);
  return window;
}

async function all(progress: AsyncIterable<PullProgress>): Promise<readonly PullProgress[]> {
  const seen: PullProgress[] = [];
  for await (const each of progress) seen.push(each);
  return seen;
}

/** How often the server was asked for the model. */
const asks = () => server.requests.filter((each) => each === "POST /api/pull").length;

const outcome = (work: Promise<unknown>) =>
  work.then(
    () => "done",
    (error: unknown) => (error instanceof Error ? error.name : "?"),
  );

describe("a download by a server", { timeout: 20_000 }, () => {
  it("is asked for again when no new byte comes, though the server goes on talking", async () => {
    await serve(
      (response) => {
        layer(response, 400);
        const timer = setInterval(() => layer(response, 400), 30);
        response.once("close", () => clearInterval(timer));
      },
      (response) => {
        layer(response, 1000);
        success(response);
      },
    );
    const seen = await all(backend().pull("m", never));
    expect(asks()).toBe(2);
    expect(seen.at(-1)).toMatchObject({ status: "success", completedBytes: 1000, totalBytes: 1000, restarts: 1 });
  });

  it("goes on after the line was cut, and its figures never go back", async () => {
    await serve(
      (response) => {
        layer(response, 700);
        setTimeout(() => response.destroy(), 20);
      },
      (response) => {
        layer(response, 100);
        layer(response, 1000);
        layer(response, 1000, "b");
        success(response);
      },
    );
    const seen = await all(backend().pull("m", never));
    const bytes = seen.flatMap((each) => (each.completedBytes === undefined ? [] : [each.completedBytes]));
    expect(bytes).toEqual([...bytes].sort((a, b) => a - b));
    expect(seen.at(-1)).toMatchObject({ completedBytes: 2000, totalBytes: 2000 });
  });

  it("is given up when nothing comes in several tries, and says that what came is kept", async () => {
    await serve((response) => layer(response, 400));
    await expect(all(backend().pull("m", never))).rejects.toMatchObject({
      kind: "network",
      message: expect.stringMatching(/Nothing came from test server in 3 tries. What arrived is kept/),
    });
    expect(asks()).toBe(4);
  });

  it("is not asked for again when the server refuses", async () => {
    await serve((response) =>
      response.end(`${JSON.stringify({ error: "pull model manifest: file does not exist" })}\n`),
    );
    await expect(all(backend().pull("m", never))).rejects.toMatchObject({ kind: "network" });
    expect(asks()).toBe(1);
  });

  it("says that the server is too old for the model", async () => {
    const text = "pull model manifest: 412: The model you are attempting to pull requires a newer version of Ollama.";
    await serve((response) => response.end(`${JSON.stringify({ error: text })}\n`));
    await expect(all(backend().pull("m", never))).rejects.toThrow("test server is too old for m. Update Ollama");
  });

  it("may take its time to check what came", async () => {
    await serve((response) => {
      layer(response, 1000);
      response.write(`${JSON.stringify({ status: "verifying sha256 digest" })}\n`);
      setTimeout(() => success(response), limits.stallMs * 2);
    });
    await all(backend().pull("m", never));
    expect(asks()).toBe(1);
  });
});

/** Half of it, and the rest when told. */
function heldBack() {
  let finish = () => {};
  let fail = (_: string) => {};
  const isHalf = Promise.withResolvers<void>();
  return {
    isHalf: isHalf.promise,
    finish: () => finish(),
    fail: (error: string) => fail(error),
    answer: (response: ServerResponse) => {
      // New bytes, so that it does not stand still.
      let sent = 400;
      const timer = setInterval(() => layer(response, Math.min(999, sent++)), 50);
      response.once("close", () => clearInterval(timer));
      layer(response, 400);
      isHalf.resolve();
      finish = () => {
        clearInterval(timer);
        layer(response, 1000);
        success(response);
      };
      fail = (error) => {
        clearInterval(timer);
        response.end(`${JSON.stringify({ error })}\n`);
      };
    },
  };
}

describe("downloads of several windows", { timeout: 20_000 }, () => {
  it("are one for a model: the others see the same progress and end with it", async () => {
    const held = heldBack();
    await serve(held.answer);
    const [first, second] = [openWindow(), openWindow()];
    const one = all(first.pull("m", never));
    await held.isHalf;
    const others = all(second.pull("m", never));
    await expect.poll(() => second.list()).toMatchObject([{ model: "m", state: "running", totalBytes: total }]);
    await expect.poll(async () => (await second.list())[0]?.completedBytes).toBeGreaterThan(399);
    held.finish();
    await one;
    expect((await others).some((each) => (each.completedBytes ?? 0) >= 400)).toBe(true);
    expect(asks()).toBe(1);
    expect(await first.list()).toEqual([]);
  });

  it("are paused from any window, and gone on with from any", async () => {
    const held = heldBack();
    await serve(held.answer, (response) => {
      layer(response, 1000);
      success(response);
    });
    const [first, second] = [openWindow(), openWindow()];
    const one = outcome(all(first.pull("m", never)));
    await held.isHalf;
    await second.pause("m");
    expect(await one).toBe("AbortError");
    expect(await first.list()).toMatchObject([{ model: "m", state: "paused", totalBytes: total }]);
    await all(second.pull("m", never));
    expect(await first.list()).toEqual([]);
    expect(asks()).toBe(2);
  });

  it("are cancelled from any window, and what came is thrown away", async () => {
    const held = heldBack();
    await serve(held.answer);
    const [first, second] = [openWindow(), openWindow()];
    const one = outcome(all(first.pull("m", never)));
    await held.isHalf;
    const follower = outcome(all(second.pull("m", never)));
    await second.cancel("m", never);
    expect(await one).toBe("AbortError");
    expect(await follower).toBe("AbortError");
    expect(await first.list()).toEqual([]);
    expect(server.requests).toContain("DELETE /api/delete");
  });

  it("are paused by the one who stops waiting for them", async () => {
    const held = heldBack();
    await serve(held.answer);
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

  it("are gone on with by another window when theirs is closed", async () => {
    const held = heldBack();
    await serve(held.answer, (response) => {
      layer(response, 1000);
      success(response);
    });
    const [first, second] = [openWindow(), openWindow()];
    const one = outcome(all(first.pull("m", never)));
    await held.isHalf;
    const follower = all(second.pull("m", never));
    await expect.poll(() => second.list()).toMatchObject([{ state: "running" }]);
    first.dispose();
    expect(await one).toBe("AbortError");
    await follower;
    expect(asks()).toBe(2);
  });

  it("tell the same failure everywhere", async () => {
    const held = heldBack();
    await serve(held.answer, (response) => response.end(`${JSON.stringify({ error: "no space left on device" })}\n`));
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
    await serve(success);
    const window = openWindow(() => {
      throw new TaskError("local-only", msg("Offline"));
    });
    await expect(all(window.pull("m", never))).rejects.toMatchObject({ kind: "local-only" });
    expect(asks()).toBe(0);
    expect(await window.list()).toEqual([]);
  });

  it("pause when Offline is turned on while they run", async () => {
    await serve((response) => layer(response, 400));
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

describe("downloads of several processes", { timeout: 30_000 }, () => {
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
    await serve(held.answer, (response) => {
      layer(response, 1000);
      success(response);
    });
    const first = start();
    await held.isHalf;
    const second = start();
    await expect.poll(second.said, { timeout: 15_000 }).toContain("pulling a");
    expect(asks()).toBe(1);
    const watching = openWindow();
    first.child.kill("SIGKILL");
    await once(first.child, "exit");
    await expect.poll(second.said, { timeout: 15_000 }).toContain("there");
    expect(asks()).toBe(2);
    expect(await watching.list()).toEqual([]);
  });

  it("are seen as interrupted where nobody is left, and gone on with by the next window", async () => {
    const held = heldBack();
    await serve(held.answer, (response) => {
      layer(response, 1000);
      success(response);
    });
    const first = start();
    await held.isHalf;
    await expect.poll(first.said, { timeout: 15_000 }).toContain("pulling a");
    first.child.kill("SIGKILL");
    await once(first.child, "exit");
    const next = openWindow();
    await expect.poll(() => next.list()).toMatchObject([{ model: "m", state: "interrupted" }]);
    await all(next.pull("m", never));
    expect(await next.list()).toEqual([]);
  });
});
