// What becomes of an answer that a machine found fault with.
import { describe, expect, it } from "vitest";
import type { AnswerEvent } from "../../src/core/answer.ts";
import type { App } from "../../src/core/app.ts";
import { classify } from "../../src/core/classify.ts";
import { formatMessage, msg } from "../../src/core/message.ts";
import type { Route } from "../../src/core/route.ts";
import type { Session } from "../../src/core/session.ts";
import { defaultSettings, type Settings } from "../../src/core/settings.ts";
import type { Ask } from "../../src/core/task.ts";
import { createConversation } from "../../src/vscode/conversation.ts";
import type { SessionKeeper } from "../../src/vscode/session-keeper.ts";

const stats = { promptTokens: 1, answerTokens: 1, loadMs: 0, prefillMs: 0, decodeMs: 0 };
const routeTo = (model: string): Route => ({
  task: "code",
  classification: classify({ kind: "code", text: "x", sources: [], history: [] }),
  role: "code",
  model,
  backend: "here",
  place: "this-machine",
  why: msg("you asked for this model"),
  alternatives: [],
});

function setUp(escalation: Settings["escalation"], hasFailed = true) {
  let session: Session = { id: "s", title: "", createdAtMs: 0, updatedAtMs: 0, exchanges: [] };
  const asks: Ask[] = [];
  async function* run(ask: Ask): AsyncIterable<AnswerEvent> {
    asks.push(ask);
    yield { kind: "routed", route: routeTo(ask.model ?? "small:1b") };
    yield { kind: "text", text: ask.model ? "sound" : "broken" };
    if (hasFailed && !ask.model) yield { kind: "notice", text: msg("no"), failed: "code" };
    yield { kind: "done", stats, finish: "stop" };
  }
  const better = { name: "large:8b", backend: "here", place: "this-machine", sizeBytes: 1, capabilities: [] } as const;
  const app: Partial<App> = { run, settings: () => ({ ...defaultSettings, escalation }), better: async () => better };
  const keeper: Partial<SessionKeeper> = {
    current: async () => session,
    put(_, exchange) {
      const others = session.exchanges.filter((each) => each.id !== exchange.id);
      session = { ...session, exchanges: [...others, exchange] };
    },
    save: async () => {},
  };
  const conversation = createConversation({
    // Only what is given here is used.
    app: async () => app as App,
    keeper: keeper as SessionKeeper,
    stream: { push: () => {}, flush: () => {}, ack: () => {}, restart: () => 0 },
    post: () => {},
    isShown: () => false,
    say: formatMessage,
    onBusy: () => {},
    onEnd: () => {},
    onFailure: () => {},
  });
  const askIt = () => conversation.run({ title: "q", ask: { text: "write code", sources: [] } });
  return { conversation, askIt, asks, exchanges: () => session.exchanges };
}

const never = async () => {
  throw new Error("there are no files");
};

describe("an answer that a check found fault with", () => {
  it("has a better model offered, which is asked when the person wants it; both answers stay", async () => {
    const { conversation, askIt, asks, exchanges } = setUp("offer");
    const first = await askIt();
    expect(first.better).toEqual({ model: "large:8b", place: "this-machine" });
    expect(asks).toHaveLength(1);
    await conversation.askBetter(first.id, never);
    expect(asks[1]).toMatchObject({ text: "write code", model: "large:8b", isFresh: true });
    expect(asks[1]).not.toHaveProperty("isUnbidden");
    expect(exchanges().map(({ answer, retryOf }) => [answer, retryOf])).toEqual([
      ["broken", undefined],
      ["sound", first.id],
    ]);
  });

  it("is asked again of the better model by itself where that is set, once", async () => {
    const { askIt, asks, exchanges } = setUp("auto");
    const first = await askIt();
    expect(asks.map((ask) => ask.model)).toEqual([undefined, "large:8b"]);
    expect(exchanges().at(-1)).toMatchObject({ answer: "sound", retryOf: first.id });
  });

  it("is not bought by itself: what was allowed before counts for what the person asks alone", async () => {
    const { conversation, askIt, asks, exchanges } = setUp("auto");
    await askIt();
    expect(asks.map((ask) => ask.isUnbidden)).toEqual([undefined, true]);
    // The same again is the person's own wish.
    await conversation.retry(exchanges().at(-1)?.id ?? "", never, {});
    expect(asks[2]).toMatchObject({ model: "large:8b" });
    expect(asks[2]).not.toHaveProperty("isUnbidden");
  });

  it("is left as it is where that is set, and so is an answer without fault", async () => {
    for (const [escalation, hasFailed] of [
      ["off", true],
      ["auto", false],
    ] as const) {
      const { conversation, askIt, asks } = setUp(escalation, hasFailed);
      const first = await askIt();
      expect(first.better).toBeUndefined();
      await conversation.askBetter(first.id, never);
      expect(asks).toHaveLength(1);
    }
  });
});
