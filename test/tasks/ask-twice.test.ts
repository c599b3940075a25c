import { describe, expect, it } from "vitest";
import type { AnswerEvent } from "../../src/core/answer.ts";
import { msg } from "../../src/core/message.ts";
import { TaskError } from "../../src/core/task-error.ts";
import { askTwice } from "../../src/tasks/ask-twice.ts";

const lost = new TaskError("server-lost", msg("It is gone."));

/** Each try gives its events, then fails where it is to. */
function question(...tries: readonly { readonly events: readonly AnswerEvent[]; readonly error?: Error }[]) {
  const log: string[] = [];
  let round = 0;
  async function* run(): AsyncIterable<AnswerEvent> {
    const { events = [], error } = tries[round++] ?? {};
    log.push("ask");
    yield* events;
    if (error) throw error;
  }
  const collect = async () => {
    const seen: string[] = [];
    const recover = async () => void log.push("recover");
    for await (const event of askTwice(run, recover)) seen.push(event.kind);
    return seen;
  };
  return { log, collect };
}

const loading: AnswerEvent = { kind: "loading", model: "m" };
const text: AnswerEvent = { kind: "text", text: "Hello" };

describe("a question whose server was lost", () => {
  it("is asked again after what could be done for it, while nothing of the answer was shown", async () => {
    const { log, collect } = question({ events: [loading], error: lost }, { events: [text] });
    expect(await collect()).toEqual(["loading", "text"]);
    expect(log).toEqual(["ask", "recover", "ask"]);
  });

  it("is not asked again when part of the answer was shown: it would be there twice", async () => {
    const { log, collect } = question({ events: [text], error: lost }, { events: [text] });
    await expect(collect()).rejects.toBe(lost);
    expect(log.filter((each) => each === "ask")).toHaveLength(1);
  });

  it("is asked twice and no more, and not at all for another failure", async () => {
    const twice = question({ events: [], error: lost }, { events: [], error: lost }, { events: [text] });
    await expect(twice.collect()).rejects.toBe(lost);
    const other = question(
      { events: [], error: new TaskError("context-overflow", msg("Too long.")) },
      { events: [text] },
    );
    await expect(other.collect()).rejects.toMatchObject({ kind: "context-overflow" });
    expect(other.log).toEqual(["ask"]);
  });
});
