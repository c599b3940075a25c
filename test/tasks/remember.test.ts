import { hash } from "node:crypto";
import { describe, expect, it } from "vitest";
import type { AnswerEvent } from "../../src/core/answer.ts";
import type { AnswerCache, CachedAnswer } from "../../src/core/answer-cache.ts";
import type { Backend, InstalledModel } from "../../src/core/backend.ts";
import { msg } from "../../src/core/message.ts";
import type { Job } from "../../src/tasks/prepare.ts";
import { createMemory } from "../../src/tasks/remember.ts";

const never = new AbortController().signal;
const stats = { promptTokens: 5, answerTokens: 2, loadMs: 0, prefillMs: 1, decodeMs: 1 };
const done: AnswerEvent = { kind: "done", stats, finish: "stop" };
const model: InstalledModel = {
  name: "m",
  backend: "b",
  place: "this-machine",
  sizeBytes: 1,
  digest: "sha256:1",
  capabilities: [],
};

function job(over: {
  readonly text?: string;
  readonly temperature?: number;
  readonly model?: Partial<InstalledModel>;
  readonly conversation?: string;
}): Job {
  return {
    backend: {} as Backend,
    countTokens: () => 10,
    sawCount: () => {},
    model: { ...model, ...over.model },
    steps: [{ kind: "prompt", messages: [{ role: "user", content: over.text ?? "why?" }] }],
    base: {
      model: over.model?.name ?? "m",
      sampling: { temperature: over.temperature ?? 0.1, topP: 0.9, repeatPenalty: 1.1 },
      contextTokens: 8192,
      think: false,
      ...(over.conversation ? { conversation: over.conversation } : {}),
    },
  };
}

function setUp() {
  const kept = new Map<string, CachedAnswer>();
  const cache: AnswerCache = {
    get: async (key) => kept.get(key),
    put: async (key, answer) => void kept.set(key, answer),
    clear: async () => kept.clear(),
  };
  const memory = createMemory(
    cache,
    () => 1000,
    (text) => hash("sha256", text),
  );
  let asked = 0;
  const ask = async (
    which: Job,
    events: readonly AnswerEvent[] = [{ kind: "text", text: "because" }, done],
    waitMs = 0,
  ) => {
    const answer = async function* () {
      asked++;
      if (waitMs > 0) await new Promise((resolve) => setTimeout(resolve, waitMs));
      yield* events;
    };
    const seen: AnswerEvent[] = [];
    for await (const event of memory.recall(which, answer, never)) seen.push(event);
    return seen;
  };
  return { ask, kept, memory, asked: () => asked };
}

describe("an answer", () => {
  it("is given again to the same question, and said to be known", async () => {
    const { ask, kept, asked } = setUp();
    await ask(job({}));
    expect([...kept.keys()][0]).toMatch(/^[0-9a-f]{64}$/);
    expect(await ask(job({}))).toEqual([
      { kind: "text", text: "because", keptAtMs: 1000 },
      { ...done, keptAtMs: 1000 },
    ]);
    expect(asked()).toBe(1);
  });

  it("is given to the same question of another conversation as well", async () => {
    const { ask, asked } = setUp();
    await ask(job({ conversation: "one" }));
    await ask(job({ conversation: "two" }));
    expect(asked()).toBe(1);
  });

  it("is another one for another text, sampling, model or other weights of the same name", async () => {
    const { ask, kept } = setUp();
    await ask(job({}));
    await ask(job({ text: "how?" }));
    await ask(job({ temperature: 0.2 }));
    await ask(job({ model: { name: "n" } }));
    await ask(job({ model: { digest: "sha256:2" } }));
    expect(kept.size).toBe(5);
  });

  it("is another one wherever messages are parted, and whatever half a character they hold", async () => {
    const { ask, kept } = setUp();
    const alike = [
      ["a\na"],
      ["a", "a"],
      ["a\n", "a"],
      ["a", "\na"],
      ["a", "a", ""],
      ["\ud800"],
      ["\udc00"],
      ["\ufffd"],
    ];
    for (const texts of alike) {
      const messages = texts.map((content) => ({ role: "user", content }) as const);
      await ask({ ...job({}), steps: [{ kind: "prompt", messages }] });
    }
    expect(kept.size).toBe(alike.length);
  });

  it("is not kept when it was cut, failed, remarked on or empty, nor where another one is wanted each time", async () => {
    const { ask, kept } = setUp();
    await ask(job({}), [
      { kind: "text", text: "half" },
      { ...done, finish: "length" },
    ]);
    await ask(job({}), [{ kind: "text", text: "half" }]);
    await ask(job({}), [
      { kind: "notice", text: msg("The model began to repeat itself and was stopped.") },
      { kind: "text", text: "a" },
      done,
    ]);
    await ask(job({}), [{ kind: "text", text: " " }, done]);
    await ask(job({ temperature: 0.8 }));
    expect(kept.size).toBe(0);
  });

  it("is asked for once by many who ask the same at once", async () => {
    const { ask, asked } = setUp();
    const answers = await Promise.all(Array.from({ length: 10 }, () => ask(job({}), undefined, 20)));
    expect(asked()).toBe(1);
    for (const events of answers) expect(events[0]).toMatchObject({ kind: "text", text: "because" });
  });

  it("is asked for by the next in line when the first one fails", async () => {
    const { ask, memory, asked } = setUp();
    const begun = Promise.withResolvers<void>();
    const failing = async function* (): AsyncIterable<AnswerEvent> {
      begun.resolve();
      await new Promise((resolve) => setTimeout(resolve, 50));
      throw new Error("gone");
      // biome-ignore lint/correctness/noUnreachable: a generator yields
      yield done;
    };
    const first = (async () => {
      for await (const _event of memory.recall(job({}), failing, never));
    })();
    await begun.promise;
    const others = Promise.all(Array.from({ length: 5 }, () => ask(job({}), undefined, 10)));
    await expect(first).rejects.toThrow("gone");
    expect((await others)[4]?.[0]).toMatchObject({ kind: "text", text: "because" });
    expect(asked()).toBe(1);
  });

  it("that somebody else waits for can be left", async () => {
    const { ask, asked, memory } = setUp();
    const first = ask(job({}), undefined, 300);
    await expect.poll(asked).toBe(1);
    const leave = new AbortController();
    const waiting = (async () => {
      const answer = async function* (): AsyncIterable<AnswerEvent> {
        yield done;
      };
      for await (const _event of memory.recall(job({}), answer, leave.signal));
    })();
    setTimeout(() => leave.abort(), 20);
    await expect(waiting).rejects.toMatchObject({ name: "AbortError" });
    await first;
  });
});
