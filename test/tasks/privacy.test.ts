import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { type Ask, taskKinds } from "../../src/core/task.ts";
import { TaskError } from "../../src/core/task-error.ts";
import {
  allow,
  box,
  claude,
  createWorld,
  file,
  lent,
  local,
  question,
  remote,
  rule,
  second,
  secret,
  twin,
} from "./privacy-world.ts";

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
          expect(world.entries.filter(({ allowedBy }) => allowedBy !== "trustedHosts")).toEqual([]);
        } else leftCases += away.length;
        if (world.sent.length > 1) movedCases++;
        // Whatever went away is on record, also where a server did not answer.
        expect(new Set(world.entries.map((entry) => entry.id)).size).toBe(
          world.sent.filter(({ place }) => place !== "this-machine").length,
        );
        expect(JSON.stringify(away)).not.toContain(secret);
      }),
      { numRuns: 10_000, seed: 20261123 },
    );
    // Both sides were seen, or the test proves nothing.
    expect(keptCases).toBeGreaterThan(3000);
    expect(leftCases).toBeGreaterThan(150);
    expect(movedCases).toBeGreaterThan(150);
  });

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
  });
});
