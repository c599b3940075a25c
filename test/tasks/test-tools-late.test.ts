// The test whether a model calls tools, where no answer comes in time, or a turn; and what it tells the ledger.
import { join } from "node:path";
import { describe, expect, it, onTestFinished } from "vitest";
import { OllamaBackend } from "../../src/backends/ollama.ts";
import type { InstalledModel } from "../../src/core/backend.ts";
import { createNodeQueue } from "../../src/core/node-queue.ts";
import { defaultSettings } from "../../src/core/settings.ts";
import { createLedger } from "../../src/store/ledger.ts";
import { createToolTests } from "../../src/store/tool-tests.ts";
import { createRunOnNodes } from "../../src/tasks/run-on-nodes.ts";
import { createTestTools } from "../../src/tasks/test-tools.ts";
import { beginLines, doneLine, tokenLine } from "../backends/scripted-server.ts";

import { calls, home, name, serve, type ToolServer, verdicts } from "./tool-test-server.ts";

const never = new AbortController().signal;

describe("without an answer in time", () => {
  const model: InstalledModel = {
    name,
    backend: "test server",
    place: "this-machine",
    sizeBytes: 1,
    capabilities: ["completion", "tools"],
  };

  function tester(
    server: ToolServer,
    over: Partial<InstalledModel> = {},
    queue = createNodeQueue(() => performance.now()),
    deadlineMs = 60_000,
  ) {
    const backend = new OllamaBackend({ name: model.backend, place: model.place, address: async () => server.url });
    onTestFinished(() => backend.settled());
    const tests = createToolTests(join(home(), "tool-tests.json"));
    const ledger = createLedger(join(home(), "ledger.ndjson"), {
      nowMs: () => Date.now(),
      log: () => undefined,
      notice: () => undefined,
    });
    onTestFinished(() => ledger.dispose());
    const test = createTestTools({
      settings: () => defaultSettings,
      ledger,
      askedBy: "shell",
      mayLeave: async () => ({ kind: "refuse" }),
      nowMs: () => Date.now(),
      findWorld: async () => ({ models: [{ ...model, ...over }], backends: new Map([[backend.name, backend]]) }),
      runOnNodes: createRunOnNodes({ queue, slotsOf: () => 1 }),
      tests,
      deadlineMs,
    });
    return { test, tests, ledger };
  }

  it("nothing is found out and nothing is kept, and the model is stopped", async () => {
    let hasLeft = false;
    const server = await serve((_, response) => {
      beginLines(response);
      response.write(tokenLine("Well"));
      response.on("close", () => {
        hasLeft = true;
      });
    });
    const { test, tests } = tester(server, {}, undefined, 1_500);
    const startMs = performance.now();
    await expect(test(name, never)).rejects.toMatchObject({
      kind: "server-error",
      message: expect.stringContaining("gave no answer in time"),
    });
    expect(performance.now() - startMs).toBeLessThan(20_000);
    await expect.poll(() => hasLeft).toBe(true);
    expect(server.asked()).toHaveLength(1);
    expect(await tests.list()).toEqual([]);
  });

  it("because its turn has not come yet, nothing is lost: its time begins then", async () => {
    const queue = createNodeQueue(() => performance.now());
    const { test } = tester(await serve(calls), {}, queue, 2_000);
    const before = queue.enter({ model: name, candidates: [{ node: model.backend, slots: 1 }] }, never);
    const taken = await before[Symbol.asyncIterator]().next();
    setTimeout(() => taken.value?.kind === "seated" && taken.value.seat.end({ kind: "left" }), 3_000);
    expect(verdicts(await test(name, never))).toEqual(["yes"]);
  });

  it("because the person left, it ends as cancelled", async () => {
    const server = await serve((_, response) => beginLines(response));
    const leave = new AbortController();
    setTimeout(() => leave.abort(), 50);
    await expect(tester(server).test(name, leave.signal)).rejects.toMatchObject({ name: "AbortError" });
  });

  it("because it only thought, a model has not failed", async () => {
    const thought = `${JSON.stringify({ model: "m", message: { role: "assistant", content: "", thinking: "hm" }, done: false })}\n`;
    const server = await serve((_, response) => {
      beginLines(response);
      response.end(thought + doneLine({ done_reason: "length" }));
    });
    const { test, tests } = tester(server);
    await expect(test(name, never)).rejects.toMatchObject({ kind: "server-error" });
    expect(await tests.list()).toEqual([]);
  });

  it("or with one: what goes to another machine is in the ledger", async () => {
    const { test, ledger } = tester(await serve(calls), { place: "network", host: "gpu-box:11434" });
    expect(verdicts(await test(name, never))).toEqual(["yes"]);
    const entry = { destination: "gpu-box:11434", model: name, sources: [], outcome: "done" };
    expect(await ledger.list()).toMatchObject([entry]);
  });
});
