// What leaves is recorded before it goes, and stays within the budget.
import { rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import type { Ledger } from "../../src/core/ledger.ts";
import type { ModelEvent } from "../../src/core/model-event.ts";
import type { Ask } from "../../src/core/task.ts";
import { TaskError } from "../../src/core/task-error.ts";
import { openLedger } from "../store/ledger-processes.ts";
import { temporaryFolder } from "../store/sample.ts";
import { entry } from "../store/sample-entries.ts";
import { allow, box, claude, createWorld, file, local, question, second, stats, usage } from "./privacy-world.ts";

describe("text that leaves", () => {
  it("is recorded before it is sent, and again with what it cost", async () => {
    const order: string[] = [];
    const world = createWorld({
      models: [claude],
      mayLeave: () => allow,
      append: (entry) => order.push(entry.outcome),
      answer: () => {
        order.push("answering");
        return [
          { kind: "text", text: "x" },
          { kind: "done", stats, finish: "stop" },
        ];
      },
    });
    const events = await world.run({ ...question, sources: [file("file:///w/src/a.ts")] });
    expect(order).toEqual(["sent", "answering", "done"]);
    expect(events.at(-1)).toMatchObject({ kind: "done", stats: { usage } });
    const [sent, done] = world.entries;
    expect(done?.id).toBe(sent?.id);
    expect(done).toMatchObject({ promptTokens: 100, answerTokens: 50, allowedBy: "once", task: "analyze" });
    expect(done?.costUsd).toBeCloseTo((100 * 2 + 50 * 10) / 1e6, 9);
    expect(sent?.costUsd).toBeGreaterThan(done?.costUsd ?? 1);
  });

  it("is not sent when it cannot be recorded", async () => {
    const world = createWorld({
      models: [claude],
      mayLeave: () => allow,
      append: () => {
        throw new TaskError("storage", { template: "disk full", args: [] });
      },
    });
    await expect(world.run(question)).rejects.toMatchObject({ kind: "storage" });
    expect(world.sent).toEqual([]);
  });

  it("is not sent when it could go over the budget, and the person is not even asked", async () => {
    const world = createWorld({ models: [claude], mayLeave: () => allow, spentUsd: 1.999 });
    await expect(world.run(question)).rejects.toMatchObject({ kind: "cloud-limit" });
    expect(world.questions).toEqual([]);
    expect(world.sent).toEqual([]);
  });

  it("is not sent, and the person is not even asked, where the record of what was spent this month was lost", async () => {
    const folder = temporaryFolder();
    const file = join(folder, "switchyard.db");
    writeFileSync(file, "this is no database".repeat(1000));
    const { ledger } = openLedger(folder);
    const world = createWorld({ models: [claude], mayLeave: () => allow, ledger });
    await expect(world.run(question)).rejects.toMatchObject({ kind: "cloud-limit" });
    expect(world.questions).toEqual([]);
    expect(world.sent).toEqual([]);
    expect(await ledger.list()).toEqual([]);
    const lost = await ledger.lostRecord(Date.now());
    expect(lost).toContain(`${file}.broken-`);
    // Whoever deletes it says that the count begins anew.
    rmSync(lost ?? "");
    await world.run(question);
    expect(world.sent).toHaveLength(1);
    await ledger.dispose();
  });

  it("is not sent a second time where that would go over the budget: each request is within it", async () => {
    let spent = 0;
    const answer = (): readonly ModelEvent[] => {
      spent = 1.9999;
      return [
        { kind: "text", text: "" },
        { kind: "done", stats, finish: "stop" },
      ];
    };
    const world = createWorld({ models: [claude], mayLeave: () => allow, spentUsd: () => spent, answer });
    const source = file("file:///w/notes.txt", "The first paragraph is to be translated whole.");
    const ask: Ask = { kind: "translate", text: "", sources: [source], history: [], model: claude.name };
    await expect(world.run(ask)).rejects.toMatchObject({ kind: "cloud-limit" });
    expect(world.sent).toHaveLength(1);
    expect(world.entries.map(({ outcome }) => outcome)).toEqual(["sent", "done"]);
  });

  it("may be sent again once what a window that died has held for it is given up, also before it is asked about", async () => {
    const { ledger } = openLedger(temporaryFolder());
    const atMs = Date.UTC(2026, 10, 23, 12);
    const dead = { ...entry("dead"), costUsd: 1.9999 };
    const ask = async (earlierMs: number) => {
      await ledger.append({ ...dead, atMs: atMs - earlierMs });
      const world = createWorld({ models: [claude], mayLeave: () => allow, ledger });
      await world.run(question);
      return world.questions.length;
    };
    await expect(ask(3_600_000)).rejects.toMatchObject({ kind: "cloud-limit" });
    expect(await ask(3 * 3_600_000)).toBe(1);
    await ledger.dispose();
  });

  it("is sent by one of two tasks at the same time where the budget is enough for one", async () => {
    const { ledger: file } = openLedger(temporaryFolder());
    let tried = 0;
    let bothHaveTried = () => {};
    const both = new Promise<void>((resolve) => {
      bothHaveTried = resolve;
    });
    const ledger: Ledger = {
      ...file,
      reserve: (...args) =>
        file.reserve(...args).finally(() => {
          tried += 1;
          if (tried === 2) bothHaveTried();
        }),
      append: async (entry) => {
        await both;
        await file.append(entry);
      },
    };
    const priced = createWorld({ models: [claude], mayLeave: () => allow });
    await priced.run(question);
    const settings = { dailyBudgetUsd: 1.5 * (priced.questions[0]?.price?.maxUsd ?? 0) };
    const world = createWorld({ models: [claude], mayLeave: () => allow, settings, ledger });
    const tries = await Promise.allSettled([world.run(question), world.run(question)]);
    expect(tries.map(({ status }) => status).sort()).toEqual(["fulfilled", "rejected"]);
    expect(tries.find(({ status }) => status === "rejected")).toMatchObject({ reason: { kind: "cloud-limit" } });
    expect(world.sent).toHaveLength(1);
    // What it did cost is known now, and the rest of what was held for it is free again.
    await world.run(question);
    expect(world.sent).toHaveLength(2);
    await file.dispose();
  });

  it("keeps its record when the answer is stopped half way", async () => {
    const world = createWorld({
      models: [claude],
      mayLeave: () => allow,
      answer: () => [{ kind: "text", text: "half" }],
    });
    await world.run(question).catch(() => undefined);
    expect(world.entries.map((entry) => entry.outcome)).toEqual(["sent", "stopped"]);
    // What it cost is not known: the most it could have cost is kept against the budget.
    expect(world.entries[1]?.costUsd).toBe(world.entries[0]?.costUsd);
  });

  it.each([true, false])("holds its price no longer once it is known to be unpaid: %s", async (isUnpaid) => {
    const world = createWorld({
      models: [claude],
      mayLeave: () => allow,
      answer: () => {
        throw new TaskError("server-error", { template: "refused", args: [] }, { details: { isUnpaid } });
      },
    });
    await expect(world.run(question)).rejects.toMatchObject({ kind: "server-error" });
    expect(world.entries.map((entry) => entry.outcome)).toEqual(["sent", "failed"]);
    expect(world.entries[1]?.costUsd).toBe(isUnpaid ? 0 : world.entries[0]?.costUsd);
  });

  it("is not sent where it was stopped while it was recorded, and costs nothing", async () => {
    const stop = new AbortController();
    const world = createWorld({ models: [claude], mayLeave: () => allow, append: () => stop.abort() });
    await expect(world.run(question, stop.signal)).rejects.toMatchObject({ name: "AbortError" });
    expect(world.sent).toEqual([]);
    expect(world.entries.at(-1)).toMatchObject({ outcome: "stopped", costUsd: 0 });
  });
});

describe("text that goes to a host of the person's own", () => {
  const secret = "Zx81kk#a99";
  const settings = { trustedHosts: ["gpu-box"], dailyBudgetUsd: 0, monthlyBudgetUsd: 0 };
  const ask: Ask = { ...question, sources: [file("file:///w/private/a.ts", `password = "${secret}"`)] };

  it("is recorded with the setting that allows it; nobody is asked, nothing is masked, and no budget counts", async () => {
    const world = createWorld({ models: [box], settings });
    await world.run(ask);
    expect(world.questions).toEqual([]);
    expect(JSON.stringify(world.sent)).toContain(secret);
    expect(world.entries.map(({ outcome }) => outcome)).toEqual(["sent", "done"]);
    expect(world.entries.at(-1)).toMatchObject({
      destination: "gpu-box:11434",
      model: box.name,
      allowedBy: "trustedHosts",
      sources: [{ uri: "file:///w/private/a.ts" }],
      promptTokens: 100,
      answerTokens: 50,
      costUsd: 0,
      maskedSecrets: 0,
    });
    expect(world.entries[0]?.bytes).toBeGreaterThan(secret.length);
    expect(world.entries[0]?.id).toBe(world.entries[1]?.id);
  });

  it("is recorded also where a server here was chosen, and failed", async () => {
    const world = createWorld({ models: [local, second], settings, dead: [local.backend] });
    await world.run(ask);
    expect(world.sent.map(({ place }) => place)).toEqual(["this-machine", "network"]);
    expect(world.entries.map(({ destination, outcome }) => [destination, outcome])).toEqual([
      [second.host, "sent"],
      [second.host, "done"],
    ]);
  });

  it("is not sent when it cannot be recorded", async () => {
    const append = () => {
      throw new TaskError("storage", { template: "disk full", args: [] });
    };
    const world = createWorld({ models: [box], settings, append });
    await expect(world.run(ask)).rejects.toMatchObject({ kind: "storage" });
    expect(world.sent).toEqual([]);
  });

  it("has not left where the host is a part of the same installation, nor where it is this machine", async () => {
    const container = createWorld({ models: [box], settings, ownHosts: new Set(["gpu-box:11434"]) });
    await container.run(ask);
    const here = createWorld({ models: [local], settings });
    await here.run(ask);
    expect([container.sent.length, here.sent.length]).toEqual([1, 1]);
    expect([container.entries, here.entries]).toEqual([[], []]);
  });
});
