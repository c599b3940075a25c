// The promise: no prompt with a local-only part ever reaches a place that is not local, whatever asks.
import { hash } from "node:crypto";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { CachedAnswer } from "../../src/core/answer-cache.ts";
import type { Backend, InstalledModel, ModelRequest, Place } from "../../src/core/backend.ts";
import type { ChatMessage } from "../../src/core/chat-message.ts";
import { classify } from "../../src/core/classify.ts";
import { createStickyWindows } from "../../src/core/context.ts";
import type { LeaveAnswer, LeaveQuestion } from "../../src/core/leave.ts";
import type { Ledger, LedgerEntry } from "../../src/core/ledger.ts";
import type { PrivacyRule } from "../../src/core/local-only.ts";
import type { ModelEvent } from "../../src/core/model-event.ts";
import { createNodeQueue } from "../../src/core/node-queue.ts";
import { defaultSettings, type Settings } from "../../src/core/settings.ts";
import { type Ask, taskKinds } from "../../src/core/task.ts";
import { TaskError } from "../../src/core/task-error.ts";
import { createTokenCounts } from "../../src/core/token-counts.ts";
import { createTurns, usualLimits } from "../../src/core/turns.ts";
import { definitions } from "../../src/tasks/definitions.ts";
import { createPipeline } from "../../src/tasks/pipeline.ts";
import { createRunOnNodes } from "../../src/tasks/run-on-nodes.ts";

const never = new AbortController().signal;
const usage = { inputTokens: 100, cacheWriteTokens: 0, cacheReadTokens: 0, outputTokens: 50 };
const stats = { promptTokens: 100, answerTokens: 50, loadMs: 0, prefillMs: 1, decodeMs: 1, usage };
const rule: PrivacyRule = { kind: "glob", glob: "**/private/**" };

interface Sent {
  readonly place: Place;
  readonly host: string | undefined;
  readonly messages: readonly ChatMessage[];
}

interface WorldOptions {
  readonly models: readonly InstalledModel[];
  readonly settings?: Partial<Settings>;
  readonly mayLeave?: (question: LeaveQuestion) => LeaveAnswer;
  readonly answer?: (request: ModelRequest) => readonly ModelEvent[];
  readonly append?: (entry: LedgerEntry) => void;
  readonly spentUsd?: number;
  /** Names of servers that are asked, and do not answer. */
  readonly dead?: readonly string[];
  /** Names of servers that take no questions now. */
  readonly busy?: readonly string[];
}

function createWorld({ models, settings, mayLeave, answer, append, spentUsd = 0, dead = [], busy = [] }: WorldOptions) {
  const sent: Sent[] = [];
  const questions: LeaveQuestion[] = [];
  const entries: LedgerEntry[] = [];
  const kept = new Map<string, CachedAnswer>();
  const unused = () => {
    throw new Error("not part of this test");
  };
  const backendOf = (model: InstalledModel): Backend => ({
    name: model.backend,
    place: model.place,
    ...{ models: unused, loaded: unused, load: unused, unload: unused, pull: unused, delete: unused },
    async *run(request) {
      sent.push({ place: model.place, host: model.host, messages: request.messages });
      if (dead.includes(model.backend)) throw new TaskError("server-unreachable", { template: "dead", args: [] });
      if (busy.includes(model.backend))
        throw new TaskError("server-error", { template: "busy", args: [] }, { details: { isBusy: true } });
      yield* answer?.(request) ?? [
        { kind: "text", text: "an answer" },
        { kind: "done", stats, finish: "stop" },
      ];
    },
  });
  const ledger: Ledger = {
    async append(entry) {
      append?.(entry);
      entries.push(entry);
    },
    list: async () => entries,
    spentUsd: async () => spentUsd,
    clear: unused,
  };
  const pipeline = createPipeline({
    classify,
    windows: createStickyWindows(() => 0),
    counts: createTokenCounts(),
    definitions,
    settings: () => ({ ...defaultSettings, cache: false, ...settings }),
    findWorld: async () => {
      if (models.length === 0) throw new TaskError("server-unreachable", { template: "nothing answers", args: [] });
      return {
        models,
        backends: new Map(models.map((model) => [model.backend, backendOf(model)])),
        memoryBytes: 64 * 2 ** 30,
      };
    },
    privacyOf: async (uri) => (uri.includes("/private/") ? rule : undefined),
    cache: {
      get: async (key) => kept.get(key),
      put: async (key, answer) => void kept.set(key, answer),
      clear: async () => kept.clear(),
    },
    ledger,
    async mayLeave(question) {
      questions.push(question);
      return mayLeave?.(question) ?? { kind: "refuse" };
    },
    askedBy: "editor",
    nowMs: () => Date.UTC(2026, 10, 23, 12),
    hash: (text) => hash("sha256", text),
    turns: createTurns({ limits: usualLimits, maxWaiting: 100 }, () => 0),
    runOnNodes: createRunOnNodes({ queue: createNodeQueue(() => 0), slotsOf: () => 4 }),
  });
  const run = async (ask: Ask) => {
    const events = [];
    for await (const event of pipeline.run(ask, never)) events.push(event);
    return events;
  };
  return { run, sent, questions, entries };
}

const local: InstalledModel = {
  name: "qwen3.5:9b",
  backend: "here",
  place: "this-machine",
  sizeBytes: 1e9,
  contextTokens: 32768,
  capabilities: ["completion"],
};
const box: InstalledModel = { ...local, name: "box:9b", backend: "box", place: "network", host: "gpu-box:11434" };
/** The same model as here, on other servers. */
const lent: InstalledModel = { ...local, backend: "lent", place: "network", host: "lent-box:11434" };
const second: InstalledModel = { ...local, backend: "gpu-box, second", place: "network", host: "gpu-box:11435" };
const twin: InstalledModel = { ...local, backend: "cloud twin", place: "cloud", host: "ollama.com" };
const remote: InstalledModel = {
  ...local,
  name: "big:cloud",
  backend: "ollama cloud",
  place: "cloud",
  host: "ollama.com",
};
const claude: InstalledModel = {
  ...local,
  name: "claude-sonnet-5-5",
  backend: "Claude",
  place: "cloud",
  host: "api.anthropic.com",
  contextTokens: 1_000_000,
};
const allow: LeaveAnswer = { kind: "allow", by: "once", secrets: "mask" };
const question: Ask = { kind: "analyze", text: "Which design is better, and why?", sources: [], history: [] };
const file = (uri: string, text = "const a = 1;") => ({ uri, label: uri, text, origin: "file" as const });
const secret = "LOCALONLYCANARY";

describe("text that is local only", () => {
  const uris = fc.constantFrom("file:///w/src/b.ts", "file:///w/src/c.ts", "untitled:1", "file:///w/private/a.ts");
  const sources = fc.array(
    uris.map((uri) => file(uri, uri.includes("/private/") ? `${secret} in a file` : "open text")),
    { maxLength: 4 },
  );
  const turns = fc.array(
    fc.record({
      role: fc.constantFrom("user" as const, "assistant" as const),
      from: fc.constantFrom("open", "open", "open", "open", "marked", "private file"),
    }),
    { maxLength: 4 },
  );
  const asks = fc.record({
    kind: fc.option(fc.constantFrom(...taskKinds), { nil: undefined }),
    text: fc.constantFrom("analyze the trade-offs", "翻译这段", "review this", "hello", "sk-ant-REPLACE"),
    sources,
    turns,
    model: fc.option(fc.constantFrom(local.name, box.name, remote.name, claude.name), { nil: undefined }),
    isFresh: fc.boolean(),
  });
  const settings = fc.record({
    offline: fc.constantFrom(true, false, false, false),
    localOnly: fc.constantFrom(true, false, false, false),
    trustedHosts: fc.constantFrom([], ["gpu-box"], ["gpu-box:11434"], ["elsewhere"]),
    cloudReasoning: fc.constantFrom("ask" as const, "never" as const),
    pinnedModels: fc.constantFrom({}, { analyze: claude.name }, { review: remote.name, chat: box.name }),
    cloudModel: fc.constantFrom(claude.name, remote.name),
  });
  const worlds = fc.record({
    models: fc.shuffledSubarray([local, box, lent, second, twin, remote, claude]),
    dead: fc.subarray([local, box, lent, second, twin].map(({ backend }) => backend)),
    busy: fc.subarray([remote, claude].map(({ backend }) => backend)),
  });

  it("never reaches a place that is not local, in 10,000 cases of asks, rules, sessions and servers", async () => {
    let leftCases = 0;
    let keptCases = 0;
    let movedCases = 0;
    await fc.assert(
      fc.asyncProperty(asks, settings, worlds, async ({ turns: raw, kind, model, ...rest }, chosen, reachable) => {
        const history = raw.map(({ role, from }) => ({
          role,
          text: from === "open" ? "an open turn" : `${secret} in a turn`,
          ...(from === "marked" ? { localOnly: [{ label: "gone.ts", rule }] } : {}),
          ...(from === "private file" ? { sources: [{ uri: "file:///w/private/c.ts", label: "c.ts" }] } : {}),
        }));
        const ask: Ask = { ...rest, history, ...(kind ? { kind } : {}), ...(model ? { model } : {}) };
        const world = createWorld({ ...reachable, settings: chosen, mayLeave: () => allow });
        const isKept =
          chosen.offline ||
          chosen.localOnly ||
          ask.sources.some((source) => source.uri.includes("/private/")) ||
          raw.some((turn) => turn.from !== "open");
        const failure = await world.run(ask).then(
          () => undefined,
          (error: unknown) => error,
        );
        if (failure !== undefined) expect(failure).toBeInstanceOf(TaskError);
        const away = world.sent.filter(
          ({ place, host }) =>
            place === "cloud" ||
            (place === "network" && (chosen.offline || !chosen.trustedHosts.some((each) => host?.startsWith(each)))),
        );
        if (isKept) {
          keptCases++;
          expect(away).toEqual([]);
          expect(world.entries).toEqual([]);
        } else leftCases += away.length;
        if (world.sent.length > 1) movedCases++;
        // Whatever went away is on record, also where a server did not answer.
        expect(new Set(world.entries.map((entry) => entry.id)).size).toBe(away.length);
        expect(JSON.stringify(away)).not.toContain(secret);
      }),
      { numRuns: 10_000, seed: 20261123 },
    );
    // Both sides were seen, or the test proves nothing.
    expect(keptCases).toBeGreaterThan(3000);
    expect(leftCases).toBeGreaterThan(150);
    expect(movedCases).toBeGreaterThan(150);
  }, 120_000);

  it("may be a picture: one that is local only is refused where only Claude can see, and another is asked about", async () => {
    const seeing = { ...claude, capabilities: ["completion", "vision"] };
    const picture = (uri: string) => ({ uri, label: uri, text: "", image: "iVBORw0KGgo=", origin: "file" as const });
    const ask = { ...question, kind: "chat" as const, model: claude.name };
    const kept = createWorld({ models: [local, seeing], mayLeave: () => allow });
    await expect(kept.run({ ...ask, sources: [picture("file:///w/private/a.png")] })).rejects.toMatchObject({
      kind: "local-only",
    });
    expect(kept.sent).toEqual([]);
    const open = createWorld({ models: [local, seeing], mayLeave: () => allow });
    await open.run({ ...ask, sources: [picture("file:///w/src/a.png")] });
    expect(open.questions[0]?.sources).toMatchObject([{ label: "file:///w/src/a.png" }]);
    expect(open.sent[0]?.messages.at(-1)?.images).toEqual(["iVBORw0KGgo="]);
  });

  it("is refused with the file and the rule rather than sent to Claude when no local server answers", async () => {
    const world = createWorld({ models: [claude], mayLeave: () => allow });
    const asked = world.run({ ...question, sources: [file("file:///w/private/a.ts")] });
    await expect(asked).rejects.toMatchObject({ kind: "local-only" });
    await expect(asked).rejects.toThrow(/private\/a\.ts is local only.*\*\*\/private\/\*\*/);
    expect(world.questions).toEqual([]);
  });

  it("is refused so when nothing answers at all", async () => {
    const asked = createWorld({ models: [] }).run({ ...question, sources: [file("file:///w/private/a.ts")] });
    await expect(asked).rejects.toMatchObject({ kind: "local-only" });
  });

  it("is refused for a cloud model that was named, and goes to the local one otherwise", async () => {
    const world = createWorld({ models: [local, claude], mayLeave: () => allow });
    const ask: Ask = { ...question, sources: [file("file:///w/private/a.ts")] };
    await expect(world.run({ ...ask, model: claude.name })).rejects.toThrow(/Nothing was sent to claude-sonnet-5-5/);
    const events = await world.run(ask);
    expect(events[0]).toMatchObject({ route: { model: local.name, localOnly: [{ rule }] } });
  });

  it("may go to a host of the person's own", async () => {
    const world = createWorld({ models: [box], settings: { trustedHosts: ["gpu-box"] } });
    await world.run({ ...question, sources: [file("file:///w/private/a.ts")] });
    expect(world.sent).toHaveLength(1);
    expect(world.entries).toEqual([]);
  });
});

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
});
