import { expect, it } from "vitest";
import type { AnswerEvent } from "../../src/core/answer.ts";
import type { App } from "../../src/core/app.ts";
import { formatMessage } from "../../src/core/message.ts";
import { modelsAway } from "../../src/core/models-away.ts";
import type { Exchange, Session } from "../../src/core/session.ts";
import type { Ask } from "../../src/core/task.ts";
import { createConversation } from "../../src/vscode/conversation.ts";

const stats = { promptTokens: 1, answerTokens: 1, loadMs: 0, prefillMs: 1, decodeMs: 1 };

type Answers = Readonly<Record<number, () => AsyncIterable<AnswerEvent>>>;

/** A conversation whose model answers “answer 1”, “answer 2” …, or what it is told to. */
function open(answers: Answers = {}, before: readonly Exchange[] = []) {
  const asks: Ask[] = [];
  let exchanges = before;
  const session = (): Session => ({ id: "s", title: "", createdAtMs: 0, updatedAtMs: 0, exchanges });
  async function* answer(): AsyncIterable<AnswerEvent> {
    yield { kind: "text", text: `answer ${asks.length}` };
    yield { kind: "done", stats, finish: "stop" };
  }
  function run(ask: Ask): AsyncIterable<AnswerEvent> {
    asks.push(ask);
    return (answers[asks.length] ?? answer)();
  }
  const conversation = createConversation({
    app: async () => ({ run }) as Partial<App> as App,
    keeper: {
      current: async () => session(),
      put: (_id, exchange) => {
        exchanges = [...exchanges.filter(({ id }) => id !== exchange.id), exchange];
      },
      start: async () => session(),
      open: async () => session(),
      delete: async () => {},
      list: async () => [],
      forget: async () => {},
      save: async () => {},
    },
    stream: { push: () => {}, flush: () => {}, ack: () => {}, restart: () => 0 },
    post: () => {},
    isShown: () => false,
    say: formatMessage,
    onBusy: () => {},
    onEnd: () => {},
    onFailure: () => {},
  });
  const typed = (text: string) => conversation.run({ title: text, ask: { text, sources: [] } });
  const history = (at: number) => asks[at]?.history.map(({ text }) => text);
  return { conversation, typed, asks, history, exchanges: () => exchanges };
}

const readAgain = async () => {
  throw new Error("nothing was attached");
};

it("what is typed goes on from everything before it", async () => {
  const { typed, history } = open();
  await typed("one");
  await typed("two");
  expect(history(1)).toEqual(["one", "answer 1"]);
});

it("every question says which conversation it belongs to, so that it is asked where that was read before", async () => {
  const { typed, asks } = open();
  await typed("one");
  await typed("two");
  expect(asks[0]?.conversation).toBeTruthy();
  expect(asks[1]?.conversation).toBe(asks[0]?.conversation);
});

it("another try knows nothing of the first one, nor of what was asked after it", async () => {
  const { conversation, typed, history, asks } = open();
  await typed("one");
  const { id } = await typed("two");
  await typed("three");
  await conversation.retry(id, readAgain, {});
  expect(asks[3]).toMatchObject({ text: "two", isFresh: true });
  expect(history(3)).toEqual(["one", "answer 1"]);
});

it("of several answers to a question, the last usable one counts", async () => {
  const { conversation, typed, history } = open({
    3: async function* () {
      yield { kind: "text", text: "half" };
      throw new Error("gone");
    },
  });
  const { id } = await typed("one");
  await conversation.retry(id, readAgain, { model: "larger" });
  await conversation.retry(id, readAgain, {});
  await typed("two");
  expect(history(3)).toEqual(["one", "answer 2"]);
});

it("an answer, and another try of it, know what they are about and where it was asked", async () => {
  const { conversation, exchanges } = open();
  const askedIn = { uri: "file:///a.ts", column: 2 };
  const sources = [
    { uri: "file:///a.ts", label: "a.ts", text: "let a;\nlet b;", startLine: 3, origin: "selection" } as const,
  ];
  const { id } = await conversation.run({ title: "Explain", ask: { kind: "explain", text: "", sources }, askedIn });
  const about = {
    sources: [{ uri: "file:///a.ts", label: "a.ts", startLine: 3, endLine: 4, text: "let a;\nlet b;" }],
    askedIn,
  };
  expect(await conversation.about(id)).toEqual(about);
  await conversation.retry(id, readAgain, {});
  const again = exchanges().at(-1);
  expect(await conversation.about(again?.id ?? "")).toEqual(about);
});

it("where it was asked is known after a reload of the window, and so it is of another try", async () => {
  const askedIn = { uri: "file:///a.ts", column: 2 };
  const first = open();
  await first.conversation.run({ title: "one", ask: { text: "one", sources: [] }, askedIn });
  const { conversation, exchanges } = open({}, first.exchanges());
  const [kept] = exchanges();
  expect(await conversation.about(kept?.id ?? "")).toEqual({ sources: [], askedIn });
  await conversation.retry(kept?.id ?? "", readAgain, {});
  expect(await conversation.about(exchanges().at(-1)?.id ?? "")).toEqual({ sources: [], askedIn });
});

it("who can answer only in containers that do not run is told apart from a server that is not there", async () => {
  const { typed } = open({
    1: async function* () {
      yield { kind: "waiting", before: 0 };
      throw modelsAway("stopped");
    },
  });
  expect((await typed("one")).error?.kind).toBe("containers-away");
});
