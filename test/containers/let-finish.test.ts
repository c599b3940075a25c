// What takes a model server away waits for its answers, on a real Docker engine with a real model.
import { rmSync } from "node:fs";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { ask, type DockerEngine } from "../../scripts/docker.ts";
import { importOllama } from "../../scripts/docker-images.ts";
import { smallModel } from "../../scripts/folders.ts";
import { createApp } from "../../src/app.ts";
import { keepPlace, readPlaces } from "../../src/containers/places.ts";
import type { App } from "../../src/core/app.ts";
import { formatMessage } from "../../src/core/message.ts";
import type { UpEvent } from "../../src/core/services.ts";
import { defaultSettings } from "../../src/core/settings.ts";
import { runCommand } from "../harness/command-line.ts";
import { type Bench, containers, createBench, dockerd, inspect, never, startTestEngine, until } from "./harness.ts";

const newer = "0.98.0";
let engine: DockerEngine | undefined;
let bench: Bench;
const apps: App[] = [];
const socket = () => engine?.socket ?? "";

beforeAll(async () => {
  engine = await startTestEngine(importOllama);
  if (engine) await ask(socket(), "POST", `/images/ollama/ollama:0.31.1/tag?repo=ollama/ollama&tag=${newer}`);
}, 240_000);
afterAll(() => engine?.dispose());

/** A window of the editor with the containers, or another one. */
function openWindow(): App {
  const app = createApp({
    settings: { ...defaultSettings, engine: "ollama", cache: false },
    folders: { home: bench.home, engineEntry: "none" },
    env: { SWITCHYARD_DOCKER_HOST: engine?.address, HOME: bench.home, MAX_MODEL_MEMORY: "1G" },
    log: () => undefined,
    askedBy: "editor",
  });
  apps.push(app);
  return app;
}

interface Answer {
  text: string;
  readonly whole: Promise<string>;
}

/** @returns at once; its text grows */
function askFor(app: App, maxTokens: number): Answer {
  const answer: Answer = { text: "", whole: Promise.resolve("") };
  const read = async () => {
    // At this temperature it writes as much as it may, each time.
    const how = { model: smallModel, isFresh: true, maxTokens, sampling: { temperature: 0 } } as const;
    const text = "Write down a long essay about history.";
    for await (const event of app.run({ kind: "chat", text, sources: [], history: [], ...how }, never)) {
      if (event.kind === "text") answer.text += event.text;
      if (event.kind === "done") return event.finish;
    }
    return "no end";
  };
  return Object.assign(answer, { whole: read() });
}

const begun = (answer: Answer) => until(() => (answer.text.length > 10 ? true : undefined));
const shell = () => ({
  env: { SWITCHYARD_HOME: bench.home, SWITCHYARD_DOCKER_HOST: engine?.address ?? "", LC_ALL: "C" },
});
const isRunning = async () => (await inspect(socket(), "switchyard-ollama")).State.Running;

async function collect(events: AsyncIterable<UpEvent>): Promise<readonly UpEvent[]> {
  const all: UpEvent[] = [];
  for await (const event of events) all.push(event);
  return all;
}

describe.skipIf(!dockerd)("a model server that is answering", { timeout: 240_000 }, () => {
  beforeEach(async ({ skip }) => {
    if (!engine) skip();
    bench = await createBench(engine?.address ?? "");
    // The ports of the bench are its own; the windows have the usual ones and find what runs by its list.
    await collect(bench.services.up({}, never));
  });
  afterEach(async () => {
    await Promise.all(apps.splice(0).map((app) => app.dispose()));
    if (!engine) return;
    await bench.services.remove({ withVolumes: true, hurry: AbortSignal.abort() }, never);
    rmSync(bench.home, { recursive: true, force: true });
  });

  it("is stopped when the answer is whole, whichever window asked it", async () => {
    const asking = openWindow();
    const answer = askFor(asking, 200);
    await begun(answer);
    const told: UpEvent[] = [];
    await openWindow().services.down({ tell: (event) => told.push(event) }, never);
    expect(told).toEqual([{ kind: "finishing", service: "ollama", limitMs: 60_000 }]);
    expect(await isRunning()).toBe(false);
    expect(await answer.whole).toMatch(/^(stop|length)$/);
    await expect(askFor(asking, 5).whole).rejects.toThrow(/stopped/);
  });

  it("is stopped at once for who does not wait, and the answer does not pass for a whole one", async () => {
    const window = openWindow();
    const answer = askFor(window, 2_000);
    await begun(answer);
    const hurry = new AbortController();
    const whole = answer.whole.then(
      (outcome) => outcome,
      (error: unknown) => error,
    );
    await window.services.down({ hurry: hurry.signal, tell: () => hurry.abort() }, never);
    expect(await isRunning()).toBe(false);
    expect(await whole).toMatchObject({ kind: "server-lost" });
  });

  it("is waited for by a shell that says so, for what and how not to; with --now it does not", async () => {
    const window = openWindow();
    const first = askFor(window, 200);
    await begun(first);
    const { code, err } = await runCommand(["down"], shell());
    expect(err).toContain("ollama: still at work on answers; waiting for them, 60 s at most");
    expect(err).toContain("the same command with --now does not wait");
    expect(code).toBe(0);
    expect(await first.whole).toMatch(/^(stop|length)$/);
    await collect(bench.services.up({}, never));
    const second = askFor(window, 2_000);
    await begun(second);
    const whole = second.whole.catch((error: unknown) => error);
    expect(await runCommand(["down", "--now"], shell())).toMatchObject({ code: 0, err: "" });
    expect(await whole).toMatchObject({ kind: "server-lost" });
  });

  it("is not waited for without end", async () => {
    const answer = askFor(openWindow(), 2_000);
    await begun(answer);
    const whole = answer.whole.catch((error: unknown) => error);
    const told: UpEvent[] = [];
    await bench.again({ finishLimitMs: 1_500 }).down({ tell: (event) => told.push(event) }, never);
    expect(told.map((event) => (event.kind === "notice" ? formatMessage(event.text) : event.kind))).toEqual([
      "finishing",
      "ollama was still answering after 1.5 s: what it was answering is cut.",
    ]);
    expect(await whole).toMatchObject({ kind: "server-lost" });
  });

  it("goes on, and is asked again, where whoever was stopping it is cancelled", async () => {
    const window = openWindow();
    const answer = askFor(window, 200);
    await begun(answer);
    const stop = new AbortController();
    await expect(window.services.down({ tell: () => stop.abort() }, stop.signal)).rejects.toThrow(/abort/i);
    const next = askFor(window, 5);
    expect(await answer.whole).toMatch(/^(stop|length)$/);
    expect(await next.whole).toMatch(/^(stop|length)$/);
    expect(await isRunning()).toBe(true);
  });

  it("is restarted when the answer is whole, and answers by the time that this is told", async () => {
    const answer = askFor(openWindow(), 200);
    await begun(answer);
    const before = await inspect(socket(), "switchyard-ollama");
    const told: UpEvent[] = [];
    await bench.services.restart("ollama", { tell: (event) => told.push(event) }, never);
    expect((await fetch(`http://127.0.0.1:${bench.ports.ollama}`)).ok).toBe(true);
    expect(told.map(({ kind }) => kind)).toEqual(["finishing"]);
    expect((await inspect(socket(), "switchyard-ollama")).State.StartedAt).not.toBe(before.State.StartedAt);
    expect(await answer.whole).toMatch(/^(stop|length)$/);
  });

  it("takes back its own place alone, where whoever was stopping it is cancelled", async () => {
    const answer = askFor(openWindow(), 200);
    await begun(answer);
    const stop = new AbortController();
    const before = readPlaces(bench.home);
    const moved = "redis://127.0.0.1:9";
    const tell = () => void keepPlace(bench.home, "redis", moved).then(() => stop.abort());
    await expect(bench.services.stop("ollama", { tell }, stop.signal)).rejects.toThrow(/abort/i);
    expect(readPlaces(bench.home)).toEqual({ ...before, redis: moved });
    expect(await answer.whole).toMatch(/^(stop|length)$/);
  });

  it("is updated when the answer is whole; what is asked meanwhile waits for the new one", async () => {
    const window = openWindow();
    const answer = askFor(window, 200);
    await begun(answer);
    const events: string[] = [];
    let later: Answer | undefined;
    for await (const event of bench.again({ balancer: balancerOf(window) }).update(newer, {}, never)) {
      events.push(event.kind);
      if (event.kind === "finishing") later = askFor(window, 5);
    }
    expect(events.filter((kind) => kind !== "waiting")).toEqual(["finishing", "recreated", "ready"]);
    expect((await containers(socket())).size).toBe(2);
    expect((await inspect(socket(), "switchyard-ollama")).Config.Image).toBe(`ollama/ollama:${newer}`);
    expect(await answer.whole).toMatch(/^(stop|length)$/);
    expect(await later?.whole).toMatch(/^(stop|length)$/);
  });
});

/** What a window gives its own services; those of the bench have its ports. */
function balancerOf({ nodes }: App) {
  const nodeAt = (address: string) => `Ollama at ${new URL(address).host}`;
  return {
    load: () => ({ waiting: 0, longestWaitMs: 0, inFlight: 0 }),
    drain: (address: string, _: AbortSignal) => nodes.drain(nodeAt(address)),
    admit: (address: string) => nodes.admit(nodeAt(address)),
  };
}
