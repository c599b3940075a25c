import { describe, expect, it } from "vitest";
import { allowedAlready, unsearchedText } from "../../src/core/leave.ts";
import type { Ledger } from "../../src/core/ledger.ts";
import { formatMessage, msg } from "../../src/core/message.ts";
import type { ModelEvent } from "../../src/core/model-event.ts";
import { type Ask, taskKinds } from "../../src/core/task.ts";
import { TaskError } from "../../src/core/task-error.ts";
import { openLedger } from "../store/ledger-processes.ts";
import { temporaryFolder } from "../store/sample.ts";
import { entry } from "../store/sample-entries.ts";
import { allow, box, claude, createWorld, file, local, question, stats, usage } from "./privacy-world.ts";

describe("text that may leave", () => {
  it("is shown with files, lines, tokens and price before it goes to Claude", async () => {
    const world = createWorld({ models: [local, claude], mayLeave: () => allow });
    await world.run({ ...question, sources: [{ ...file("file:///w/src/a.ts", "a\nb\n"), startLine: 10 }] });
    expect(world.questions).toHaveLength(1);
    const [shown] = world.questions;
    expect(shown).toMatchObject({ model: claude.name, destination: "api.anthropic.com", needsConsent: true });
    expect(shown?.sources).toEqual([
      { uri: "file:///w/src/a.ts", label: "file:///w/src/a.ts", startLine: 10, endLine: 11 },
    ]);
    expect(shown?.price?.maxUsd).toBeGreaterThan(shown?.price?.minUsd ?? 1);
    expect(world.sent.map(({ place }) => place)).toEqual(["cloud"]);
  });

  it("stays, and is answered here, when the person does not want it to", async () => {
    const world = createWorld({ models: [local, claude] });
    const events = await world.run(question);
    expect(world.sent.map(({ place }) => place)).toEqual(["this-machine"]);
    expect(events.filter((event) => event.kind === "routed").map(({ route }) => route.model)).toEqual([
      claude.name,
      local.name,
    ]);
    expect(events.some((event) => event.kind === "notice" && /Nothing was sent/.test(event.text.template))).toBe(true);
  });

  it("case 20: is answered here when Claude takes no questions, which is said; not where Claude was named", async () => {
    const world = createWorld({ models: [local, claude], mayLeave: () => allow, busy: [claude.backend] });
    const events = await world.run(question);
    expect(world.sent.map(({ place }) => place)).toEqual(["cloud", "this-machine"]);
    expect(events.some((event) => event.kind === "notice" && /takes no questions now/.test(event.text.template))).toBe(
      true,
    );
    expect(events.filter((event) => event.kind === "routed").at(-1)).toMatchObject({ route: { model: local.name } });
    await expect(world.run({ ...question, model: claude.name })).rejects.toMatchObject({ kind: "server-error" });
    const alone = createWorld({ models: [claude], mayLeave: () => allow, busy: [claude.backend] });
    await expect(alone.run(question)).rejects.toMatchObject({ kind: "server-error" });
  });

  it("stops the task when a named cloud model is not allowed", async () => {
    const world = createWorld({ models: [local, claude] });
    await expect(world.run({ ...question, model: claude.name })).rejects.toMatchObject({ name: "AbortError" });
    expect(world.sent).toEqual([]);
  });

  it("is given Claude's known answer again without a question, a price or a record; local-only rules still hold", async () => {
    const world = createWorld({ models: [local, claude], mayLeave: () => allow, settings: { cache: true } });
    await world.run(question);
    const again = await world.run(question);
    expect(again.at(-1)).toMatchObject({ kind: "done", keptAtMs: expect.any(Number) });
    expect([world.questions.length, world.sent.length, world.entries.length]).toEqual([1, 1, 2]);
    await world.run({ ...question, isFresh: true });
    expect(world.questions).toHaveLength(2);
    const kept = await world.run({ ...question, sources: [file("file:///private/a.ts")] });
    expect(kept[0]).toMatchObject({ route: { place: "this-machine" } });
    expect(world.sent.at(-1)?.place).toBe("this-machine");
  });

  it("goes to Claude for reasoning alone, unless the person names it", async () => {
    const world = createWorld({ models: [local, claude], mayLeave: () => allow });
    for (const kind of taskKinds.filter((each) => each !== "analyze")) {
      await world.run({ kind, text: "some text", sources: [file("file:///w/src/a.ts")], history: [] });
    }
    expect(new Set(world.sent.map(({ place }) => place))).toEqual(new Set(["this-machine"]));
  });

  it("is asked about anew where the product asks of its own accord, with the price", async () => {
    const world = createWorld({ models: [local, claude], mayLeave: () => allow });
    const ask = { ...question, model: claude.name };
    await world.run(ask);
    await world.run({ ...ask, isUnbidden: true });
    expect(world.questions.map((each) => each.isUnbidden)).toEqual([false, true]);
    expect(world.questions[1]?.price?.maxUsd).toBeGreaterThan(0);
    const [bidden, unbidden] = world.questions.map((each) => allowedAlready(each, "session"));
    expect([bidden, unbidden]).toEqual(["session", undefined]);
    expect(allowedAlready({ needsConsent: false, isUnbidden: true }, undefined)).toBe("once");
  });

  it("has its secrets masked, and the answer has the real values back, also in pieces", async () => {
    const key = ["sk", "ant", "api03", "Zq8vN2mX7rT4yB9cK1pL6wD3sF5gH0jA"].join("-");
    const world = createWorld({
      models: [claude],
      mayLeave: () => allow,
      answer: ({ messages }) => {
        const placeholder = /SECRET_1_\w+/.exec(messages.map((message) => message.content).join("\n"))?.[0] ?? "";
        const text = `The key is ${placeholder}.`;
        return [
          ...[...text].map((piece): ModelEvent => ({ kind: "text", text: piece })),
          { kind: "done", stats, finish: "stop" },
        ];
      },
    });
    const events = await world.run({ ...question, sources: [file("file:///w/src/a.ts", `const apiKey = "${key}";`)] });
    expect(JSON.stringify(world.sent)).not.toContain(key);
    expect(events.map((event) => (event.kind === "text" ? event.text : "")).join("")).toBe(`The key is ${key}.`);
    const [risk] = world.questions[0]?.secrets ?? [];
    expect(risk).toMatchObject({ source: "file:///w/src/a.ts", line: 1 });
    expect(risk?.preview.length).toBeLessThan(8);
    expect(world.entries.at(-1)).toMatchObject({ maskedSecrets: 1 });
  });

  it("has its pictures counted: the question says that nobody has searched them, and the record names them", async () => {
    const sees = { ...claude, capabilities: ["completion", "vision"] };
    const world = createWorld({ models: [sees], mayLeave: () => allow });
    const image = Buffer.concat([Buffer.from([0x89, 0x50, 0x4e, 0x47]), Buffer.alloc(1996)]).toString("base64");
    const other = Buffer.alloc(1501, 7).toString("base64");
    const ask: Ask = {
      ...question,
      model: claude.name,
      images: [image],
      history: [{ role: "user", text: "And this?", images: [other] }],
    };
    await world.run(ask);
    const pictures = { count: 2, bytes: 3501 };
    expect(world.questions[0]?.pictures).toEqual(pictures);
    expect(formatMessage(unsearchedText(pictures) ?? msg(""))).toMatch(
      /^2 pictures go along \(4 kB\)\. Nobody can look/,
    );
    expect(formatMessage(unsearchedText({ count: 1, bytes: 1 }) ?? msg(""))).toMatch(/^A picture goes along/);
    expect(world.entries.map((entry) => entry.pictures)).toEqual([pictures, pictures]);
    await world.run({ ...question, model: claude.name });
    expect(world.questions[1]?.pictures).toEqual({ count: 0, bytes: 0 });
    expect(unsearchedText({ count: 0, bytes: 0 })).toBeUndefined();
    expect(world.entries.at(-1)).not.toHaveProperty("pictures");
  });

  it("is asked about at a server of the network only for its secrets", async () => {
    const world = createWorld({ models: [box], mayLeave: () => allow });
    await world.run(question);
    expect(world.questions).toEqual([]);
    expect(world.entries.at(-1)).toMatchObject({ destination: "gpu-box:11434", allowedBy: "network", costUsd: 0 });
  });

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
    ledger.dispose();
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
    file.dispose();
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

it("what programs of the editor ask stays here: a server nearby that is not the person's own gets nothing", async () => {
  const ask: Ask = { ...question, localOnly: { kind: "agents" } };
  const alone = createWorld({ models: [box] });
  await expect(alone.run(ask)).rejects.toMatchObject({ kind: "local-only" });
  const both = createWorld({ models: [box, local, claude], mayLeave: () => allow });
  await both.run(ask);
  expect([alone.sent, both.sent.map(({ place }) => place)]).toEqual([[], ["this-machine"]]);
  const own = createWorld({ models: [box], settings: { trustedHosts: ["gpu-box"] } });
  await own.run(ask);
  expect(own.sent.map(({ host }) => host)).toEqual(["gpu-box:11434"]);
});

it("Offline that is turned on in the middle holds for everything that is not sent yet", async () => {
  const settings = { offline: false, trustedHosts: ["gpu-box"], dailyBudgetUsd: 1000, monthlyBudgetUsd: 1000 };
  const asked = createWorld({
    models: [claude],
    settings,
    mayLeave: () => {
      settings.offline = true;
      return allow;
    },
  });
  await expect(asked.run(question)).rejects.toMatchObject({ kind: "local-only" });
  expect(asked.sent).toEqual([]);

  const text = "Some words of a document that is long enough to be parted.\n\n".repeat(3000);
  for (const model of [box, claude]) {
    settings.offline = false;
    const parted = createWorld({
      models: [model],
      settings,
      mayLeave: () => allow,
      answer: () => {
        settings.offline = true;
        return [
          { kind: "text", text: "文档中的一些文字" },
          { kind: "done", stats, finish: "stop" },
        ];
      },
    });
    const ask: Ask = { kind: "translate", model: model.name, text, sources: [], history: [], targetLanguage: "zh-CN" };
    await expect(parted.run(ask)).rejects.toMatchObject({ kind: "local-only" });
    expect(parted.sent).toHaveLength(1);
  }
});
