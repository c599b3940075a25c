// Three model servers, processes of their own, one of them always killed, silent or failing while requests keep coming.
import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";
import { connect } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { afterEach, expect, it } from "vitest";
import { OllamaBackend } from "../../src/backends/ollama.ts";
import type { InstalledModel } from "../../src/core/backend.ts";
import { createNodeQueue } from "../../src/core/node-queue.ts";
import { TaskError } from "../../src/core/task-error.ts";
import { usualPatience } from "../../src/tasks/patience.ts";
import { createRunOnNodes, type ModelNode } from "../../src/tasks/run-on-nodes.ts";
import { request } from "../backends/sample-request.ts";

const script = fileURLToPath(new URL("chaos-node.ts", import.meta.url));
const text = Array.from({ length: 20 }, (_, index) => `word${index} `).join("");
const never = new AbortController().signal;
const slots = 4;

interface NodeProcess {
  readonly port: number;
  behave(how: "fine" | "stall" | "fail"): void;
  kill(): Promise<void>;
  /** Takes no connection any more, and refuses none. */
  vanish(): Promise<void>;
  /** The same server again, at the same port. */
  restart(): Promise<void>;
}

const closers: (() => Promise<void>)[] = [];
afterEach(async () => {
  await Promise.all(closers.splice(0).map((close) => close()));
});

async function startNode(backlog = 511): Promise<NodeProcess> {
  let child: ChildProcess;
  const start = async (port: number): Promise<number> => {
    child = fork(script, [String(port), text, String(backlog)], { execArgv: [] });
    const [taken] = await once(child, "message");
    return Number(taken);
  };
  const kill = async () => {
    if (child.exitCode !== null || child.signalCode !== null) return;
    child.kill("SIGKILL");
    await once(child, "exit");
  };
  const port = await start(0);
  closers.push(kill);
  return {
    port,
    behave: (how) => void child.send(how),
    kill,
    async vanish() {
      child.kill("SIGSTOP");
      // Whoever the kernel still lets in is never heard.
      while (await canConnect(port));
    },
    async restart() {
      await start(port);
    },
  };
}

/** The connection stays, so that it takes a place. */
async function canConnect(port: number): Promise<boolean> {
  const socket = connect(port, "127.0.0.1");
  socket.on("error", () => undefined);
  closers.push(async () => void socket.destroy());
  return Promise.race([once(socket, "connect").then(() => true), sleep(500).then(() => false)]);
}

function nodeAt({ port }: NodeProcess, stallMs: number): ModelNode {
  const name = `Ollama at 127.0.0.1:${port}`;
  const model: InstalledModel = {
    name: "m",
    backend: name,
    place: "this-machine",
    sizeBytes: 1000,
    capabilities: ["completion"],
  };
  const address = async () => `http://127.0.0.1:${port}`;
  return { model, backend: new OllamaBackend({ name, place: "this-machine", address, stallMs }) };
}

type Outcome =
  | { readonly kind: "whole"; readonly tries: number }
  /** It had begun, and says that it is not whole. */
  | { readonly kind: "cut" }
  | { readonly kind: "failed"; readonly error: unknown };

function farmOf(processes: readonly NodeProcess[], stallMs = 60_000) {
  const nodes = processes.map((each) => nodeAt(each, stallMs));
  const totalMs = 8 * stallMs;
  const queue = createNodeQueue(() => performance.now());
  const run = createRunOnNodes({ queue, slotsOf: () => slots, patience: { ...usualPatience, totalMs: () => totalMs } });
  const ask = async (): Promise<Outcome> => {
    let got = "";
    let tries = 0;
    try {
      for await (const event of run(nodes, request, never)) {
        if (event.kind === "answering") tries++;
        if (event.kind === "text") got += event.text;
        if (event.kind === "done" && got === text) return { kind: "whole", tries };
      }
      return { kind: "failed", error: `ended with ${got}` };
    } catch (error) {
      const isTold = error instanceof TaskError && error.kind === "server-lost";
      return got !== "" && isTold ? { kind: "cut" } : { kind: "failed", error };
    }
  };
  return { queue, ask };
}

/** How long is too long on this machine, where an answer takes a tenth of a second by itself. */
async function silenceMs(processes: readonly NodeProcess[]): Promise<number> {
  const startMs = performance.now();
  for (const each of processes) expect(await farmOf([each]).ask()).toEqual({ kind: "whole", tries: 1 });
  return Math.max(1_000, (8 * (performance.now() - startMs)) / processes.length);
}

/** Asks again and again until told to stop: half of what two of three nodes can answer, and no more at once on a slow machine. */
async function keepAsking(ask: () => Promise<Outcome>, until: AbortSignal): Promise<readonly Outcome[]> {
  const outcomes: Promise<Outcome>[] = [];
  let open = 0;
  while (!until.aborted) {
    if (open < slots * 2) {
      open++;
      outcomes.push(ask().finally(() => open--));
    }
    await sleep(30);
  }
  return Promise.all(outcomes);
}

it("while one of three servers is killed, silent or failing, every request that had not begun is answered", async () => {
  const processes = await Promise.all([startNode(), startNode(), startNode()]);
  const { queue, ask } = farmOf(processes, await silenceMs(processes));
  const over = new AbortController();
  const asking = keepAsking(ask, over.signal);
  for (const fault of ["kill", "stall", "fail"] as const) {
    for (const node of processes) {
      await sleep(200);
      if (fault === "kill") await node.kill();
      else node.behave(fault);
      await sleep(600);
      if (fault === "kill") await node.restart();
      else node.behave("fine");
    }
  }
  over.abort();
  const outcomes = await asking;
  expect(outcomes.filter(({ kind }) => kind === "failed")).toEqual([]);
  expect(outcomes.filter(({ kind }) => kind === "whole").length).toBeGreaterThan(outcomes.length / 2);
  // The faults were met, and nobody was asked more often than there are servers.
  const tries = outcomes.map((outcome) => (outcome.kind === "whole" ? outcome.tries : 1));
  expect(Math.max(...tries)).toBeGreaterThan(1);
  expect(Math.max(...tries)).toBeLessThanOrEqual(processes.length);
  expect(queue.waiting().count).toBe(0);
  expect(queue.state().map(({ inFlight }) => inFlight)).toEqual([0, 0, 0]);
});

// Elsewhere a system refuses what it has no room for.
it.runIf(process.platform === "linux")(
  "case 2: a server that lets nobody in is given up within a second, and another one answers",
  async () => {
    const [gone, good] = [await startNode(1), await startNode()];
    await gone.vanish();
    const { ask } = farmOf([gone, good]);
    const startMs = performance.now();
    expect(await ask()).toEqual({ kind: "whole", tries: 2 });
    expect(performance.now() - startMs).toBeLessThan(10_000);
  },
  60_000,
);
