import { describe, expect, it } from "vitest";
import { allowedAlready, unsearchedText } from "../../src/core/leave.ts";
import { formatMessage, msg } from "../../src/core/message.ts";
import type { ModelEvent } from "../../src/core/model-event.ts";
import { type Ask, taskKinds } from "../../src/core/task.ts";
import { allow, box, claude, createWorld, file, local, question, stats } from "./privacy-world.ts";

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
    const pins = { pinnedModels: { analyze: claude.name } };
    const pinned = createWorld({ models: [local, claude], settings: pins });
    await expect(pinned.run(question)).rejects.toMatchObject({ name: "AbortError" });
    const open = createWorld({ models: [local, claude] });
    await open.run(question);
    const asked = [world, pinned, open].flatMap(({ questions }) => questions.map((each) => each.isNamed));
    expect(asked).toEqual([true, true, false]);
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
