import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { Exchange } from "../../src/core/session.ts";
import { createSessionFiles } from "../../src/store/session-files.ts";
import { createSessionKeeper } from "../../src/vscode/session-keeper.ts";

let folder = "";
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "switchyard-sessions-"));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

/** A window: the same disk and the memory of its workspace. */
function openWindow(memory = new Map<string, unknown>()) {
  const memento = {
    get: <T>(key: string) => memory.get(key) as T | undefined,
    update: async (key: string, value: unknown) => void memory.set(key, value),
  };
  const failures: unknown[] = [];
  const store = createSessionFiles(folder);
  const keeper = createSessionKeeper(
    async () => store,
    memento as Parameters<typeof createSessionKeeper>[1],
    (error) => failures.push(error),
  );
  return { keeper, memory, failures };
}

const exchange = (over: Partial<Exchange> = {}): Exchange => ({
  id: "e1",
  askedAtMs: 1,
  question: "why?",
  sources: [],
  answer: "half an ans",
  thinking: "",
  notices: [],
  findings: [],
  state: "streaming",
  ...over,
});

describe("conversations", () => {
  it("are there again when the window is reloaded, and what was cut off is kept and said to be", async () => {
    const { keeper, memory } = openWindow();
    const session = await keeper.current();
    keeper.put(session.id, exchange());
    await keeper.save();
    const again = await openWindow(memory).keeper.current();
    expect(again.id).toBe(session.id);
    expect(again.title).toBe("why?");
    expect(again.exchanges).toMatchObject([{ answer: "half an ans", state: "interrupted" }]);
  });

  it("that were cut off do not claim to be done, at a speed that nobody measured", async () => {
    const { keeper, memory } = openWindow();
    const session = await keeper.current();
    const badge = {
      outcome: "done",
      tokensPerSecond: 4e6,
      answerTokens: 1,
      totalMs: 5,
      estimated: true,
    } as Exchange["badge"];
    keeper.put(session.id, exchange(badge ? { badge } : {}));
    await keeper.save();
    const [kept] = (await openWindow(memory).keeper.current()).exchanges;
    expect(kept?.badge).toEqual({ outcome: "stopped", totalMs: 5, estimated: true });
  });

  it("that two windows have open lose nothing of either", async () => {
    const one = openWindow();
    const { id } = await one.keeper.current();
    one.keeper.put(id, exchange({ question: "of one", answer: "half" }));
    await one.keeper.save();
    const two = openWindow(one.memory);
    await two.keeper.current();
    two.keeper.put(id, exchange({ id: "e2", askedAtMs: 2, question: "of two", state: "done" }));
    await two.keeper.save();
    one.keeper.put(id, exchange({ question: "of one", answer: "half and whole", state: "done" }));
    await one.keeper.save();
    await two.keeper.save();
    const { exchanges } = await openWindow(one.memory).keeper.current();
    expect(exchanges).toMatchObject([{ answer: "half and whole", state: "done" }, { question: "of two" }]);
  });

  it("of two windows do not disturb each other", async () => {
    const [one, two] = [openWindow(), openWindow()];
    const [first, second] = [await one.keeper.current(), await two.keeper.current()];
    one.keeper.put(first.id, exchange({ question: "of one" }));
    two.keeper.put(second.id, exchange({ question: "of two" }));
    await Promise.all([one.keeper.save(), two.keeper.save()]);
    const titles = (await openWindow().keeper.list()).map((each) => each.title);
    expect(titles.sort((a, b) => a.localeCompare(b))).toEqual(["of one", "of two"]);
  });

  it("that are deleted are gone, and a new one is open", async () => {
    const { keeper } = openWindow();
    const session = await keeper.current();
    keeper.put(session.id, exchange());
    await keeper.save();
    await keeper.delete(session.id);
    expect((await keeper.current()).id).not.toBe(session.id);
    expect(await openWindow().keeper.list()).toEqual([]);
  });

  it("that are forgotten are not written again by an answer that still comes", async () => {
    const { keeper } = openWindow();
    const session = await keeper.current();
    keeper.put(session.id, exchange());
    await keeper.forget();
    keeper.put(session.id, exchange({ answer: "late" }));
    await keeper.save();
    expect(await openWindow().keeper.list()).toEqual([]);
  });
});
