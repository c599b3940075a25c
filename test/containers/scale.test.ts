// Model servers come and go with what is asked, on a real Docker engine with a real model, and no question is lost.
import { rmSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { ask, type DockerEngine } from "../../scripts/docker.ts";
import { importOllama } from "../../scripts/docker-images.ts";
import { smallModel } from "../../scripts/folders.ts";
import { root } from "../../scripts/run.ts";
import { createApp } from "../../src/app.ts";
import { decideReplicas, type ScaleLimits } from "../../src/containers/decide-replicas.ts";
import { takeLock } from "../../src/containers/lock.ts";
import { readPlaces } from "../../src/containers/places.ts";
import { type ScaleParts, scaleServers } from "../../src/containers/scale.ts";
import { toolsOf } from "../../src/containers/service-tools.ts";
import { formatMessage } from "../../src/core/message.ts";
import { createNodeQueue } from "../../src/core/node-queue.ts";
import type { ScaleEvent, WatchEvent } from "../../src/core/services.ts";
import { defaultSettings } from "../../src/core/settings.ts";
import type { Ask } from "../../src/core/task.ts";
import { type Bench, containers, createBench, dockerd, inspect, never, startTestEngine, until, up } from "./harness.ts";

describe("how many model servers", () => {
  const limits: ScaleLimits = { min: 1, max: 3, fitting: 2, slots: 4 };
  const busy = { waiting: 3, longestWaitMs: 4_000, inFlight: 4 };
  const idle = { waiting: 0, longestWaitMs: 0, inFlight: 0 };
  const at = (seconds: number) => seconds * 1000;

  it("there are grows while questions wait for long, and never beyond what memory or the setting allows", () => {
    expect(decideReplicas(busy, { servers: 1 }, limits, at(0)).kind).toBe("add");
    expect(decideReplicas({ ...busy, longestWaitMs: 500 }, { servers: 1 }, limits, at(0)).kind).toBe("keep");
    expect(decideReplicas(busy, { servers: 2 }, limits, at(0)).kind).toBe("keep");
    expect(decideReplicas(busy, { servers: 2 }, { ...limits, fitting: 9 }, at(0)).kind).toBe("add");
    expect(decideReplicas(busy, { servers: 3 }, { ...limits, fitting: 9 }, at(0)).kind).toBe("keep");
  });

  it("there are is left alone until the last change shows its effect", () => {
    expect(decideReplicas(busy, { servers: 1, changedAtMs: at(0) }, limits, at(5)).kind).toBe("keep");
    expect(decideReplicas(busy, { servers: 1, changedAtMs: at(0) }, limits, at(20)).kind).toBe("add");
  });

  it("there are shrinks after two minutes in which one less would have done, and not to less than the least", () => {
    const first = decideReplicas(idle, { servers: 2 }, limits, at(0));
    expect(first).toEqual({ kind: "keep", spareSinceMs: at(0) });
    expect(decideReplicas(idle, { servers: 2, spareSinceMs: at(0) }, limits, at(119)).kind).toBe("keep");
    expect(decideReplicas(idle, { servers: 2, spareSinceMs: at(0) }, limits, at(121)).kind).toBe("remove");
    expect(decideReplicas({ ...idle, inFlight: 3 }, { servers: 2, spareSinceMs: at(0) }, limits, at(121))).toEqual({
      kind: "keep",
    });
    expect(decideReplicas(idle, { servers: 1, spareSinceMs: at(0) }, limits, at(500)).kind).toBe("keep");
  });

  it("there are is at least the least that was asked for", () => {
    expect(decideReplicas(idle, { servers: 1 }, { ...limits, min: 2 }, at(0)).kind).toBe("add");
    expect(decideReplicas(idle, { servers: 1 }, { ...limits, min: 2, fitting: 1 }, at(0)).kind).toBe("keep");
  });
});

let engine: DockerEngine | undefined;
let bench: Bench;
beforeAll(async () => {
  engine = await startTestEngine(importOllama);
  if (engine) bench = await createBench(engine.address);
}, 240_000);
afterAll(async () => {
  if (engine) await bench.services.remove({ withVolumes: true }, never);
  await engine?.dispose();
  if (engine) rmSync(bench.home, { recursive: true, force: true });
});

/** The product's own queue before all servers that are published. */
function createQueue(home: string) {
  const queue = createNodeQueue(() => performance.now());
  const answeredBy = new Map<string, number>();
  const failures: unknown[] = [];
  const candidates = () =>
    Object.entries(readPlaces(home)).flatMap(([name, node]) => (name.startsWith("ollama") ? [{ node, slots: 4 }] : []));
  return {
    answeredBy,
    failures,
    load: () => ({
      waiting: queue.waiting().count,
      longestWaitMs: queue.waiting().longestMs,
      inFlight: queue.state().reduce((sum, { inFlight }) => sum + inFlight, 0),
    }),
    drain: (address: string) => queue.drain(address),
    admit: (address: string) => queue.admit(address),
    async ask(number: number): Promise<void> {
      try {
        for await (const standing of queue.enter({ model: smallModel, candidates: candidates() }, never)) {
          if (standing.kind !== "seated") continue;
          const { seat } = standing;
          const prompt = `Count: ${number}`;
          const body = JSON.stringify({ model: smallModel, prompt, stream: false, options: { num_predict: 6 } });
          const answer = await fetch(`${seat.node}/api/generate`, { method: "POST", body });
          const { done } = await answer.json();
          if (!answer.ok || done !== true) throw new Error(`HTTP ${answer.status}`);
          seat.end({ kind: "answered" });
          answeredBy.set(seat.node, (answeredBy.get(seat.node) ?? 0) + 1);
        }
      } catch (error) {
        failures.push(error);
      }
    },
  };
}

describe.skipIf(!dockerd)("a second model server on a real engine", { timeout: 240_000 }, () => {
  it("comes while questions wait, goes when they do not, and not one of them fails", async ({ skip }) => {
    if (!engine) skip();
    const queue = createQueue(bench.home);
    let freeMemory = 200 * 2 ** 20;
    const services = bench.again({
      settings: () => ({ ...defaultSettings, maxModelContainers: 2 }),
      freeMemory: () => freeMemory,
      balancer: queue,
      pace: { waitMs: 200, spareMs: 1_500, settleMs: 300 },
    });
    await up(services);
    const first = (await containers(engine?.socket ?? "")).get("switchyard-ollama")?.Id;
    const events: ScaleEvent[] = [];
    const stop = new AbortController();
    const scaling = (async () => {
      for await (const event of services.scale(stop.signal)) events.push(event);
    })();
    let clients = 12;
    let asked = 0;
    const client = async (number: number) => {
      while (number < clients) await queue.ask(asked++);
    };
    const load = Array.from({ length: clients }, (_, number) => client(number));
    const held = await until(() => events.find((event) => event.kind === "held"));
    expect(held.kind === "held" ? formatMessage(held.why) : "").toMatch(
      /not at the moment: .* and 210 MB of memory are free/,
    );
    // Several looks later it is still told once, and nothing was started.
    await sleep(2_500);
    expect((await containers(engine?.socket ?? "")).has("switchyard-ollama-2")).toBe(false);
    freeMemory = 32 * 2 ** 30;
    const added = await until(() => events.find((event) => event.kind === "added"));
    const address = added.kind === "added" ? added.address : "";
    await until(() => ((queue.answeredBy.get(address) ?? 0) >= 4 ? true : undefined));
    // One person goes on asking while the second server is taken away.
    clients = 1;
    await until(() => events.find((event) => event.kind === "removed"));
    clients = 0;
    await Promise.all(load);
    stop.abort();
    await scaling;
    expect(events.map(({ kind, service }) => `${kind} ${service}`)).toEqual(
      ["held", "adding", "added", "removing", "removed"].map((kind) => `${kind} ollama-2`),
    );
    expect(queue.failures).toEqual([]);
    expect([...queue.answeredBy.values()].reduce((sum, each) => sum + each, 0)).toBe(asked);
    const left = await containers(engine?.socket ?? "");
    expect(new Set(left.keys())).toEqual(new Set(["switchyard-ollama", "switchyard-redis"]));
    expect(left.get("switchyard-ollama")?.Id).toBe(first);
    expect(Object.keys(readPlaces(bench.home)).filter((name) => name.startsWith("ollama"))).toEqual(["ollama"]);
  });
});

describe.skipIf(!dockerd)("a second model server that is being added", { timeout: 240_000 }, () => {
  const socket = () => engine?.socket ?? "";

  /** @returns parts that always want a second one, and how often was looked whether to */
  function wantTwo() {
    const home = bench.home;
    const settings = () => ({ ...defaultSettings, minModelContainers: 2, maxModelContainers: 2 });
    const env = { SWITCHYARD_DOCKER_HOST: engine?.address, HOME: home, MAX_MODEL_MEMORY: "1G" };
    const looks = { count: 0, decided: Promise.withResolvers<void>() };
    const parts: ScaleParts = {
      tools: toolsOf({ home, env, ports: bench.ports, packageRoot: root, isOffline: () => false, settings }),
      home,
      balancer: {
        load: () => {
          looks.decided.resolve();
          return { waiting: 0, longestWaitMs: 0, inFlight: 0 };
        },
        drain: async () => undefined,
        admit: () => undefined,
      },
      limits: () => {
        looks.count++;
        return { min: 2, max: 2 };
      },
      onChange: () => undefined,
      isBusy: async () => false,
      log: () => undefined,
    };
    return { parts, looks };
  }

  it("does not come after all where the first one was stopped meanwhile", async ({ skip }) => {
    if (!engine) skip();
    await up(bench.services);
    const { parts, looks } = wantTwo();
    const lock = await takeLock(parts.tools.lockFile, never, { work: "down" });
    const stop = new AbortController();
    const scaling = (async () => {
      for await (const _ of scaleServers(parts, stop.signal));
    })();
    await looks.decided.promise;
    await ask(socket(), "POST", "/containers/switchyard-ollama/stop");
    await lock.release();
    const before = looks.count;
    await until(() => (looks.count > before + 1 ? true : undefined));
    stop.abort();
    await scaling;
    expect((await containers(socket())).has("switchyard-ollama-2")).toBe(false);
  });

  it("goes again where whoever was adding it is closed before anybody asks it", async ({ skip }) => {
    if (!engine) skip();
    await up(bench.services);
    const stop = new AbortController();
    const scaling = (async () => {
      for await (const { kind } of scaleServers(wantTwo().parts, stop.signal)) {
        // So that what it has loaded is not known before the end.
        if (kind === "adding") await ask(socket(), "POST", "/containers/switchyard-ollama/pause");
      }
    })();
    const isUp = () => fetch(`http://127.0.0.1:${bench.ports.ollama + 1}`).catch(() => undefined);
    await until(isUp);
    stop.abort();
    await scaling;
    await ask(socket(), "POST", "/containers/switchyard-ollama/unpause");
    expect((await containers(socket())).has("switchyard-ollama-2")).toBe(false);
  });
});

describe.skipIf(!dockerd)("questions while their model server is killed", { timeout: 240_000 }, () => {
  it("are asked again when it is back, and none is lost of which nothing had been shown", async ({ skip }) => {
    if (!engine) skip();
    await up(bench.services, "core");
    const stop = new AbortController();
    const seen: WatchEvent[] = [];
    const watching = (async () => {
      for await (const event of bench.services.watch(stop.signal)) seen.push(event);
    })();
    await until(() => seen[0]);
    const app = createApp({
      settings: {
        ...defaultSettings,
        engine: "ollama",
        ollamaUrl: `http://127.0.0.1:${bench.ports.ollama}`,
        cache: false,
      },
      folders: { home: bench.home, engineEntry: "none" },
      env: { HOME: bench.home },
      log: () => undefined,
      askedBy: "shell",
    });
    const lost: unknown[] = [];
    let answered = 0;
    const ask = async (number: number) => {
      let shown = "";
      try {
        const question: Ask = { kind: "chat", text: `Say ${number}.`, sources: [], history: [], maxTokens: 6 };
        for await (const event of app.run(question, never)) if (event.kind === "text") shown += event.text;
        answered++;
      } catch (error) {
        // Of what is half shown nothing can be asked again.
        if (shown === "") lost.push(error);
      }
    };
    const clients = Array.from({ length: 3 }, async (_, client) => {
      for (let number = 0; number < 4; number++) await ask(client * 10 + number);
    });
    await until(() => (answered >= 2 ? true : undefined));
    process.kill((await inspect(engine?.socket ?? "", "switchyard-ollama")).State.Pid, "SIGKILL");
    const told = () => seen.filter(({ kind }) => kind === "incident").length;
    await until(() => (told() > 0 ? true : undefined));
    await Promise.all(clients);
    expect(lost).toEqual([]);
    expect(answered).toBeGreaterThan(7);
    stop.abort();
    await watching;
    await app.dispose();
  });
});
